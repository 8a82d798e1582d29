import { expect, test } from 'vitest';
import { ENDS, PHASES } from '../../../src/core/machine/call.ts';
import { CALLER_OUTCOMES } from '../../../src/core/machine/caller-outcome.ts';
import { VERDICTS } from '../../../src/core/machine/verdict.ts';
import * as page from '../../../src/page/words/states.js';

test.each([
  ['phases', page.PHASES, PHASES],
  ['verdicts', page.VERDICTS, VERDICTS],
  ['ends', page.ENDS, ENDS],
  ['outcomes', page.OUTCOMES, CALLER_OUTCOMES],
])('the page has words for exactly the %s of the machine, in its order', (_what, shown, known) => {
  expect(shown).toEqual([...known]);
  for (const name of shown) expect(page.word(name)).toMatch(/^[a-z ]+$/);
});

test('in plain words a live call is only live, because its sentence says what it is doing', () => {
  const words = [
    { phase: 'referring', outcome: null },
    { phase: 'ended', outcome: null },
    { phase: 'ended', outcome: 'gave_up' },
  ].map((call) => page.plainStanding(call));
  expect(words).toEqual(['live', 'ended', 'gave up']);
});

test.each([
  ['bridged', 'good'],
  ['not_allowed', 'bad'],
  ['no_verdict', 'doubtful'],
  ['referring', 'moving'],
  ['abandoned', 'calm'],
  ['reached', 'good'],
  ['a phase of newer code', 'calm'],
])('%s is shown as %s', (name, tone) => {
  expect(page.tone(name)).toBe(tone);
});

test.each([
  ['has just come in', { phase: 'new', decided: false }, 'none yet'],
  ['ran otherwise', { phase: 'speaking' }, 'otherwise'],
  ['was refused by otherwise', { phase: 'ended', ends: 'rejected' }, 'otherwise'],
  ['goes out', { phase: 'unmanaged', direction: 'outgoing' }, 'none'],
  ['went out', { phase: 'ended', direction: 'outgoing', ends: 'ignored' }, 'none'],
  ['waits for a later event', { phase: 'unmanaged' }, 'none'],
  ['never said its direction', { phase: 'unmanaged', direction: null, decided: false }, 'none'],
])('a call without a rule that %s', (_what, call, words) => {
  const plain = { decided: true, direction: 'incoming', ends: null };
  expect(page.withoutRule({ ...plain, ...call })).toBe(words);
});
