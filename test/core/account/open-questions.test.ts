/** What a rehearsed call shows about each open question, row by row. */
import { expect, test } from 'vitest';
import { answersOf, OPEN_QUESTIONS } from '../../../src/core/account/open-questions.ts';
import {
  type DeliveryTry,
  delayMs,
  duplicatesOf,
  type Rehearsal,
  type RehearsedAttempt,
  type RehearsedCommand,
  type RehearsedWebhook,
} from '../../../src/core/account/rehearsal.ts';

const T = Date.parse('2026-06-01T12:00:00Z');

const webhook = (type: string, given: Partial<RehearsedWebhook> = {}): RehearsedWebhook => ({
  id: type,
  type,
  leg: 'called',
  occurredAt: T,
  receivedAt: T + 40,
  sipNotifyResponse: null,
  hangupCause: null,
  clientStateChars: null,
  tries: [],
  ...given,
});

const once = (given: Partial<DeliveryTry> = {}): DeliveryTry => ({
  startedAt: T,
  status: 200,
  timestamp: '1780315200',
  errors: [],
  ...given,
});

const refer = (given: Partial<RehearsedAttempt> = {}): RehearsedAttempt => ({
  kind: 'refer',
  target: 'desk',
  verdict: 'completed',
  sipNotifyResponse: 200,
  reason: null,
  acceptedAt: T,
  ...given,
});

const command = (given: Partial<RehearsedCommand> = {}): RehearsedCommand => ({
  id: 'c1',
  action: 'refer',
  at: T + 1_000,
  outcome: 'accepted',
  status: 200,
  code: null,
  ...given,
});

const rehearsal = (given: Partial<Rehearsal> = {}): Rehearsal => ({
  placedAt: T,
  webhooks: [],
  commands: [],
  attempts: [],
  ends: 'referred',
  answeredAt: T,
  callerType: 'pstn',
  ...given,
});

const answered = (given: Partial<Rehearsal>, id: string) =>
  answersOf(rehearsal(given)).find((one) => one.id === id)?.answer;

const later = once({ startedAt: T + 2_000, timestamp: '1780315202' });
const busy = once({ status: 503, errors: ['75599'] });
const completed = webhook('call.refer.completed', { sipNotifyResponse: 200 });
const failed = webhook('call.refer.failed', { sipNotifyResponse: 405 });
const hangup = webhook('call.hangup', { occurredAt: T + 30, hangupCause: 'normal_clearing' });
const tried = (...tries: DeliveryTry[]) => ({ webhooks: [webhook('call.initiated', { tries })] });

const ROWS: [string, Partial<Rehearsal>, string | RegExp | null][] = [
  ['retry_timestamp', tried(busy, later), /^Yes: call\.initiated .*1780315200, 1780315202/],
  ['retry_timestamp', tried(busy, { ...later, timestamp: busy.timestamp }), /^No: /],
  // Within the same second a new timestamp would look the same.
  ['retry_timestamp', tried(busy, once({ startedAt: T + 300 })), null],
  ['retry_timestamp', tried(once()), null],
  ['retry_spacing', tried(busy, later), /2 tries \(503, 200\) after 2000 ms/],
  ['retry_spacing', tried(once({ status: 401 })), /1 try \(401\)\./],
  ['retry_spacing', tried(once({ status: null }), later), /\(no answer, 200\)/],
  ['retry_spacing', tried(once()), null],
  [
    'other_2xx',
    tried(once({ status: 204, errors: ['75299'] }), later),
    /204 \(error 75299\), and it came again/,
  ],
  ['other_2xx', tried(once({ status: 202 })), /202, and it did not/],
  ['other_2xx', tried(once()), null],
  [
    'duplicate_command',
    { commands: [command(), command({ status: 422, code: '90018' })] },
    'refer was sent 2 times and answered 200, 90018.',
  ],
  ['duplicate_command', { commands: [command(), command({ id: 'c2' })] }, null],
  [
    'client_state_size',
    { webhooks: [webhook('call.hangup', { clientStateChars: 68 })] },
    /At least 68/,
  ],
  ['client_state_size', { webhooks: [hangup] }, null],
  ['refer_on_pstn', { attempts: [refer()], webhooks: [completed] }, 'call.refer.completed 200.'],
  [
    'refer_on_pstn',
    { attempts: [refer({ acceptedAt: null, reason: '90034' })] },
    /not accepted: 90034/,
  ],
  ['refer_on_pstn', { attempts: [refer()] }, 'None.'],
  ['refer_on_pstn', { attempts: [refer()], webhooks: [completed], callerType: 'sip' }, null],
  [
    'hangup_after_refer',
    { webhooks: [completed, hangup] },
    'Yes: call.hangup (normal_clearing), 30 ms after it.',
  ],
  ['hangup_after_refer', { webhooks: [completed] }, /^No hangup/],
  ['hangup_after_refer', { webhooks: [failed] }, /outlived/],
  ['hangup_after_refer', { webhooks: [failed, hangup] }, /the leg ended \(normal_clearing\)/],
  ['hangup_after_refer', { webhooks: [hangup] }, null],
  ['silent_refusal', { attempts: [refer({ verdict: 'no_answer' })] }, /No event came/],
  ['silent_refusal', { attempts: [refer({ verdict: null })] }, null],
  ['silent_refusal', { attempts: [refer({ acceptedAt: null })] }, null],
  ['silent_refusal', { attempts: [refer()], webhooks: [completed] }, null],
  [
    'second_started',
    {
      webhooks: [
        webhook('call.refer.started', { sipNotifyResponse: 100 }),
        webhook('call.refer.started', { sipNotifyResponse: 180 }),
      ],
    },
    'Yes: call.refer.started with 100, 180.',
  ],
  [
    'second_started',
    { webhooks: [webhook('call.refer.started', { sipNotifyResponse: 100 })] },
    null,
  ],
  ['refer_before_answer', { commands: [command({ at: T - 1, code: '90034' })] }, 'Yes.'],
  ['refer_before_answer', { commands: [command({ at: T - 1 })] }, 'No: it was answered 200.'],
  ['refer_before_answer', { commands: [command()] }, null],
  ['refer_before_answer', { commands: [command()], answeredAt: null }, null],
  ['refer_before_answer', { commands: [command({ code: '90034' })], answeredAt: null }, 'Yes.'],
  ['refer_headers', { attempts: [refer()], webhooks: [completed, hangup] }, null],
];

test.each(ROWS)('%s of %j is %s', (id, given, expected) => {
  const answer = answered(given, id);
  if (expected instanceof RegExp) expect(answer).toMatch(expected);
  else expect(answer).toBe(expected);
});

test('a call that never came answers nothing, and every question has a row here', () => {
  const nothing = rehearsal({ ends: null, answeredAt: null, callerType: null });
  expect(answersOf(nothing).filter(({ answer }) => answer !== null)).toEqual([]);
  expect(new Set(ROWS.map(([id]) => id))).toEqual(new Set(Object.keys(OPEN_QUESTIONS)));
});

test('a duplicate is what comes after it was taken, and a delay needs both times', () => {
  const [taken] = tried(busy, later, later).webhooks;
  expect(taken === undefined ? null : duplicatesOf(taken)).toBe(1);
  expect(duplicatesOf(webhook('call.hangup', { tries: [busy, busy] }))).toBe(0);
  expect(delayMs(webhook('call.hangup'))).toBe(40);
  expect(delayMs(webhook('call.hangup', { receivedAt: null }))).toBeNull();
});
