import { expect, test } from 'vitest';
import { PHASES } from '../../../src/core/machine/call.ts';
import { summaryOf } from '../../../src/core/machine/caller-outcome.ts';
import { VERDICTS } from '../../../src/core/machine/verdict.ts';
import { attemptJson } from '../../../src/http/api/calls/calls-json.ts';
import {
  attemptWords,
  isRoutine,
  overtakenIds,
  phaseWords,
  type Story,
  simpleCommand,
  simpleSentence,
  verdictWords,
  whatFollows,
} from '../../../src/page/words/simple-words.js';
import { aCall, anAttempt } from '../../helpers/documents.ts';

function anEntry(given: Partial<Story>): Story {
  return {
    source: 'webhook',
    type: 'call.answered',
    attempt: null,
    detail: {},
    commands: [],
    ...given,
  };
}
const refer = { action: 'refer', attempt: 'a' };

test.each([
  [{ type: 'call.refer.started', detail: { sip_notify_response: 180 } }, null, 'billing rings'],
  [{ type: 'call.refer.failed', detail: { sip_notify_response: 486 } }, 'busy', 'billing was busy'],
  // A later webhook corrected this one.
  [{ type: 'call.refer.failed' }, 'completed', 'billing did not take the caller'],
  [{ type: 'call.hangup', detail: { hangup_source: 'caller' } }, null, 'the caller hangs up'],
  [{ source: 'b_leg', type: 'call.cost' }, null, 'Telnyx says what the call cost'],
  [{ source: 'b_leg', type: 'call.hangup' }, 'declined', 'billing declined'],
  [{ source: 'b_leg', type: 'call.hangup' }, 'no_answer', 'billing did not answer'],
  [{ source: 'b_leg', type: 'call.hangup' }, 'completed', 'billing hangs up'],
  [{ source: 'b_leg', type: 'call.hangup' }, null, 'billing hangs up'],
  [
    { source: 'deadline', type: 'deadline', detail: { deadline: 'patience' } },
    null,
    'the caller has waited as long as the routes allow',
  ],
  [
    { source: 'outcome', type: 'outcome', detail: { action: 'probe', outcome: 'accepted' } },
    null,
    'Telnyx says whether the caller is still there',
  ],
  [
    {
      source: 'outcome',
      type: 'outcome',
      detail: { action: 'gather_using_speak', outcome: 'rejected' },
    },
    null,
    'Telnyx refused to offer a menu',
  ],
  [
    { source: 'outcome', type: 'outcome', detail: { action: 'refer', outcome: 'rejected' } },
    'rejected',
    'Telnyx refused to move the caller to billing',
  ],
  [
    { source: 'deadline', type: 'deadline', detail: { deadline: 'attempt' } },
    'no_answer',
    'billing reported no result in time',
  ],
])('%j with the verdict %s is "%s"', (given, verdict, sentence) => {
  expect(simpleSentence(anEntry(given as Partial<Story>), 'billing', verdict)).toBe(sentence);
});

test.each([
  // With a REFER Telnyx names the caller as well, because the caller's side ends the leg.
  ['referred', 'reached', 'our part of the call ends'],
  ['referring', 'unsure', 'our part of the call ends'],
  ['referring', 'gave_up', 'the caller hangs up'],
  ['bridged', 'reached', 'the caller hangs up'],
  ['speaking', 'turned_away', 'the caller hangs up'],
])(
  'a hangup by the caller in the phase %s of a call that is %s: %s',
  (before, outcome, sentence) => {
    const entry = anEntry({
      type: 'call.hangup',
      detail: { hangup_source: 'caller' },
      phase_before: before,
    });
    expect(simpleSentence(entry, 'billing', null, outcome)).toBe(sentence);
  },
);

test('a phase has words of its own, and every time limit too', () => {
  const words = PHASES.map((phase) => phaseWords(phase));
  expect(new Set(words).size).toBe(PHASES.length);
  const limits = [
    ...['undecided', 'step', 'patience', 'probing', 'referred', 'release', 'watch', 'final'],
    'lookup',
  ].map((deadline) =>
    simpleSentence(
      anEntry({ source: 'deadline', type: 'deadline', detail: { deadline } }),
      'billing',
      null,
    ),
  );
  for (const each of limits) expect(each).not.toMatch(/deadline|time limit of ours/);
});

test('every verdict has words of its own, without a code or a name of ours', () => {
  const words = VERDICTS.map((verdict) => verdictWords(verdict));
  expect(new Set(words).size).toBe(VERDICTS.length);
  for (const each of words) expect(each).toMatch(/^[a-z ]+$/);
});

test.each([
  ['never sent; the time of its step is over', 'Telnyx could not be asked in time'],
  ['never executed; the time of its step is over', 'Telnyx could not be asked in time'],
  [
    'sent before without a clear answer; the time of its step is over',
    'Telnyx gave no clear answer when asked',
  ],
  [null, 'Telnyx gave no clear answer when asked'],
])('what was asked is told from what was not: %s', (detail, words) => {
  const told = (action: string) =>
    simpleSentence(
      anEntry({
        source: 'outcome',
        type: 'command.unknown',
        detail: { action, outcome: 'unknown', detail },
      }),
      'billing',
      null,
    );
  expect(told('refer')).toBe(`${words} to move the caller to billing`);
  expect(told('probe')).toBe(`${words} whether the caller is still there`);
});

test('a target that Telnyx never said it tried is not said to have kept silent', () => {
  const unheard = {
    verdict: 'no_verdict',
    never_sent: false,
    accepted_at: null,
    progress: false,
    b_leg: null,
  } as const;
  const words = [
    unheard,
    { ...unheard, never_sent: true },
    { ...unheard, never_sent: true, verdict: 'rejected' },
    { ...unheard, never_sent: true, verdict: 'skipped' },
    { ...unheard, accepted_at: '2026-03-02T15:00:00Z' },
    { ...unheard, progress: true },
    { ...unheard, b_leg: 'v3:b' },
    { ...unheard, verdict: 'busy' as const },
  ].map((attempt) => attemptWords(attempt));
  const silent = 'never reported the result';
  expect(words).toEqual([
    'may not have been tried',
    'was not tried',
    'was not tried',
    'was skipped',
    silent,
    silent,
    silent,
    'was busy',
  ]);
});

test('the page says of an attempt what the sentence about its call says', () => {
  const told = VERDICTS.filter((verdict) => verdict !== 'completed');
  for (const verdict of told) {
    for (const more of [{ unsent: true }, { acceptedAt: 2_000 }, {}]) {
      const attempt = anAttempt('one', { target: 'desk', verdict, endedAt: 3_000, ...more });
      const taken = anAttempt('two', { target: 'other', verdict: 'completed', endedAt: 4_000 });
      const call = aCall('v3:one', {
        phase: 'ended',
        ends: 'referred',
        endedAt: 5_000,
        attempts: [attempt, taken],
      });
      expect(summaryOf(call)).toBe(
        `Reached other after 3.0 s: desk ${attemptWords(attemptJson(attempt))}.`,
      );
    }
  }
});

test('what no caller notices is folded, and what goes wrong never is', () => {
  const outcome = (detail: Story['detail']) =>
    anEntry({ source: 'outcome', type: 'outcome', detail });
  // The entry, and whether it is folded in plain words and in SIP mode.
  const lines: [Story, boolean, boolean][] = [
    [anEntry({}), true, false],
    [anEntry({ commands: [refer] }), false, false],
    [anEntry({ type: 'call.hangup' }), false, false],
    [anEntry({ type: 'call.bridged', phase_before: 'transferring' }), false, false],
    [anEntry({ source: 'b_leg', type: 'call.bridged', phase_before: 'bridged' }), true, false],
    [anEntry({ source: 'b_leg', type: 'call.cost' }), true, false],
    [outcome({ action: 'answer', outcome: 'accepted' }), true, true],
    [outcome({ action: 'refer', outcome: 'accepted' }), true, false],
    [outcome({ action: 'answer', outcome: 'rejected' }), false, false],
    [outcome({ action: 'refer', outcome: 'unknown' }), false, false],
    [outcome({ action: 'lookup', outcome: 'accepted' }), false, false],
    [anEntry({ source: 'deadline', type: 'deadline' }), false, false],
  ];
  expect(lines.map(([entry]) => [isRoutine(entry), isRoutine(entry, true)])).toEqual(
    lines.map(([, simple, sip]) => [simple, sip]),
  );
});

test('a command is what it does to the caller', () => {
  expect(simpleCommand(refer, 'billing')).toBe('we move the caller to billing');
  expect(simpleCommand({ action: 'client_state_update' }, null)).toBe(null);
});

test('a target that rings is not said to be tried again when an earlier NOTIFY arrives late', () => {
  const started = (id: string, attempt: string, code: number | null) => ({
    id,
    ...anEntry({ type: 'call.refer.started', attempt, detail: { sip_notify_response: code } }),
  });
  const timeline = [
    started('1', 'a', 100),
    started('2', 'a', 180),
    started('3', 'a', 100),
    started('4', 'b', 100),
    started('5', 'a', null),
    started('6', 'a', 180),
    { ...started('7', 'a', 100), commands: [refer] },
  ];
  expect([...overtakenIds(timeline)]).toEqual(['3', '5']);
});

test.each([
  ['referring', 'No step is left; the last resort runs next.'],
  ['speaking', 'No step is left; the last resort runs next.'],
  ['bridged', 'Nothing follows: the caller has arrived.'],
  ['referred', 'Nothing follows: the caller has arrived.'],
  ['releasing', 'Nothing follows: the call is being ended.'],
  ['unmanaged', 'Nothing follows: the call is left to another application.'],
  ['new', 'The rules have not decided yet.'],
])('without a step left, what follows in the phase %s is said', (phase, words) => {
  expect(whatFollows(phase)).toBe(words);
});
