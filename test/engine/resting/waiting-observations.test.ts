import { beforeEach, expect, test } from 'vitest';
import { type Observation, observe, restState } from '../../../src/core/rules/targets/rest.ts';
import { WaitingObservations } from '../../../src/engine/resting/waiting-observations.ts';

const SPAN_MS = 30_000;
const AT = 100 * SPAN_MS;
const NOTHING = restState(null);

let waiting: WaitingObservations;
beforeEach(() => {
  waiting = new WaitingObservations();
});

const seen = (more: Partial<Observation> = {}): Observation => ({
  target: 'a',
  evidence: 'failed',
  verdict: 'server_error',
  at: AT,
  startedAt: AT - 100,
  count: 1,
  ...more,
});
const answered = (more: Partial<Observation> = {}) =>
  seen({ evidence: 'answered', verdict: 'busy', ...more });

test('answers of one target within a span are one; failures are each counted', () => {
  const first = answered();
  waiting.add(first);
  waiting.add(answered({ at: AT + SPAN_MS - 1, startedAt: AT + 7 }));
  waiting.add(answered({ at: AT + 5, startedAt: AT + 1 }));
  waiting.add(answered({ at: AT + SPAN_MS }));
  waiting.add(seen());
  waiting.add(seen());
  expect(waiting.take(NOTHING)).toEqual([
    answered({ at: AT + SPAN_MS - 1, startedAt: AT + 7, count: 3 }),
    answered({ at: AT + SPAN_MS }),
    seen(),
    seen(),
  ]);
  expect(first).toEqual(answered());
});

test('answers are worth writing only of a target with failures, waiting or stored', () => {
  waiting.add(answered({ target: 'b' }));
  waiting.add(answered());
  expect(waiting.worthWriting(NOTHING)).toEqual([]);
  const stored = { ...NOTHING, targets: { b: observe(undefined, seen({ target: 'b' }), AT) } };
  expect(waiting.worthWriting(stored)).toEqual([answered({ target: 'b' })]);
  waiting.add(seen());
  expect(waiting.take(NOTHING)).toEqual([answered(), seen()]);
  expect(waiting.take(NOTHING)).toEqual([]);
  expect(waiting.take(stored)).toEqual([answered({ target: 'b' })]);
});

test('what could not be written waits before what came meanwhile', () => {
  waiting.add(seen({ target: 'old' }));
  const taken = waiting.take(NOTHING);
  waiting.add(seen({ target: 'new' }));
  waiting.putBack(taken);
  expect(waiting.take(NOTHING).map(({ target }) => target)).toEqual(['old', 'new']);
});

test('the oldest are dropped: after five minutes, and above 2,000', () => {
  waiting.add(seen({ target: 'old' }));
  waiting.add(seen({ at: AT + 300_000 - 1 }));
  expect(waiting.worthWriting(NOTHING)).toHaveLength(2);
  waiting.add(seen({ at: AT + 300_000 }));
  expect(waiting.worthWriting(NOTHING).map(({ target }) => target)).toEqual(['a', 'a']);
  for (let count = 0; count < 2_000; count += 1) waiting.add(seen({ at: AT + 300_001 }));
  const taken = waiting.take(NOTHING);
  expect(taken).toEqual(Array.from({ length: 2_000 }, () => seen({ at: AT + 300_001 })));
  waiting.add(seen({ target: 'new' }));
  waiting.putBack(taken);
  expect(waiting.take(NOTHING).map(({ target }) => target)).toEqual([
    ...Array.from({ length: 1_999 }, () => 'a'),
    'new',
  ]);
});
