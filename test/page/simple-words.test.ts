import { expect, test } from 'vitest';
import { VERDICTS } from '../../src/core/machine/verdict.ts';
import {
  isRoutine,
  type Story,
  simpleCommand,
  simpleSentence,
  verdictWords,
} from '../../src/page/simple-words.js';

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
  [
    { source: 'outcome', type: 'outcome', detail: { action: 'refer', outcome: 'rejected' } },
    'rejected',
    'Telnyx refused to move the caller to billing',
  ],
  [
    { source: 'deadline', type: 'deadline', detail: { deadline: 'attempt' } },
    'no_answer',
    'billing did not answer in time',
  ],
])('%j with the verdict %s is "%s"', (given, verdict, sentence) => {
  expect(simpleSentence(anEntry(given as Partial<Story>), 'billing', verdict)).toBe(sentence);
});

test('every verdict has words of its own, without a code or a name of ours', () => {
  const words = VERDICTS.map((verdict) => verdictWords(verdict));
  expect(new Set(words).size).toBe(VERDICTS.length);
  for (const each of words) expect(each).toMatch(/^[a-z ]+$/);
});

test('what no caller notices is folded, and what goes wrong never is', () => {
  const outcome = (detail: Story['detail']) =>
    anEntry({ source: 'outcome', type: 'outcome', detail });
  // The entry, and whether it is folded in plain words and in SIP mode.
  const lines: [Story, boolean, boolean][] = [
    [anEntry({}), true, false],
    [anEntry({ commands: [refer] }), false, false],
    [anEntry({ type: 'call.hangup' }), false, false],
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
