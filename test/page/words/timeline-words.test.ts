import { expect, test } from 'vitest';
import {
  commandWords,
  cutWords,
  ENTRIES_KEPT,
  type Entry,
  sentenceOf,
  targetOf,
  titleOf,
} from '../../../src/page/words/timeline-words.js';
import { TIMELINE_ENTRIES_MAX } from '../../../src/store/rows/timeline-entry.ts';

function anEntry(given: Partial<Entry>): Entry {
  return { source: 'webhook', type: 'call.answered', attempt: null, detail: {}, ...given };
}

test.each([
  [{ type: 'call.initiated' }, 'The call arrives', 'the call arrives'],
  [
    { type: 'call.refer.started', detail: { sip_notify_response: 180 } },
    'The REFER is in progress',
    'billing rings (180)',
  ],
  [
    { type: 'call.refer.failed', detail: { sip_notify_response: 486 } },
    'The caller did not arrive',
    'billing refuses (486)',
  ],
  [{ type: 'call.hangup', detail: { hangup_cause: 'timeout' } }, 'Hung up', 'hung up (timeout)'],
  [{ type: 'call.cost', detail: { cost: '0.0022 USD' } }, 'What it cost', 'it cost 0.0022 USD'],
  [
    { type: 'call.gather.ended', detail: { status: 'timeout' } },
    'The menu ends: the caller pressed no key in time',
    'the caller pressed no key in time',
  ],
  [
    { type: 'call.playback.ended', detail: { status: 'cancelled' } },
    'The prompt was interrupted',
    'the prompt was interrupted',
  ],
  [{ type: 'call.new.kind' }, 'Call.new.kind', 'call.new.kind'],
  [{ source: 'b_leg', type: 'call.initiated' }, 'B-leg is called', 'billing is called'],
  [{ source: 'b_leg', type: 'call.answered' }, 'B-leg picks up', 'billing picks up'],
  [
    { source: 'b_leg', type: 'call.cost', detail: { cost: '0.0070 USD' } },
    'What the B-leg cost',
    'the B-leg cost 0.0070 USD',
  ],
  [{ source: 'b_leg', type: 'call.bridged' }, 'Both are talking', 'both are talking'],
  [
    { source: 'deadline', type: 'deadline', detail: { deadline: 'attempt', put_off: true } },
    'The attempt deadline is reached, postponed once',
    'billing reported no result in time',
  ],
  [
    { source: 'outcome', type: 'outcome', detail: { action: 'probe', outcome: 'accepted' } },
    'Telnyx knows the call',
    'Telnyx knows the call',
  ],
  [
    {
      source: 'outcome',
      type: 'outcome',
      detail: { action: 'gather_using_speak', outcome: 'rejected', code: '90018' },
    },
    'The gather using speak was rejected (90018)',
    'the gather using speak was rejected (90018)',
  ],
  [
    { source: 'outcome', type: 'outcome', detail: { action: 'refer', outcome: 'unknown' } },
    'Whether the refer got through is unknown',
    'whether the refer got through is unknown',
  ],
  [
    { source: 'sighting', type: 'recovery.sighting' },
    'Recovery found that the leg still exists',
    'recovery found that the leg still exists',
  ],
])('%j is "%s", or "%s"', (given, title, sentence) => {
  expect(titleOf(anEntry(given))).toBe(title);
  expect(sentenceOf(anEntry(given), 'billing')).toBe(sentence);
});

test('a target has its name, or its address where it has none', () => {
  const attempts = [
    { id: 'a', target: 'billing', sip_address: 'sip:billing@pbx.example.com' },
    { id: 'b', target: null, sip_address: 'sip:desk@pbx.example.com' },
  ];
  expect(['a', 'b', 'c', null].map((id) => targetOf(id, attempts))).toEqual([
    'billing',
    'sip:desk@pbx.example.com',
    null,
    null,
  ]);
});

test('a command that this version does not know is shown by its name', () => {
  expect([commandWords('hangup'), commandWords('send_dtmf')]).toEqual(['hang up', 'send dtmf']);
});

test('a timeline that may go on says so: a call of days has more events than are kept', () => {
  expect(ENTRIES_KEPT).toBe(TIMELINE_ENTRIES_MAX);
  expect(cutWords(Array(ENTRIES_KEPT - 1))).toBeNull();
  expect(cutWords(Array(ENTRIES_KEPT))).toContain('first 500 events');
});
