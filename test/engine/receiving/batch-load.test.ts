/** What a batch is loaded with, from a store that answers late. */
import { expect, test } from 'vitest';
import type { Decider } from '../../../src/engine/engine.ts';
import { createBatchLoader } from '../../../src/engine/receiving/batch-load.ts';
import type { Loaded } from '../../../src/store/contract/calls.ts';
import type { Store } from '../../../src/store/store.ts';
import { decision, hookOf as hook } from '../../helpers/machine.ts';

const UNLIMITED = { perCall: null, perHour: null, perCallerPerHour: null };
const decider: Decider = {
  decide: () => decision([]),
  budgets: () => ({ refers: UNLIMITED, transfers: UNLIMITED }),
};

/** The store's clock is ahead of ours by this much, and its answer takes so long. */
async function loadedWith(aheadMs: number, { askMs, answerMs }: Record<string, number>) {
  let now = 1_000_000;
  const loaded = (): Loaded => ({
    now: now + aheadMs,
    calls: new Map(),
    attempts: new Map(),
    seen: new Set(),
    budget: null,
    settings: { overrides: 0, reload: 0, rest: 0 },
  });
  const store = {
    async load() {
      now += askMs ?? 0;
      const answer = loaded();
      now += answerMs ?? 0;
      return answer;
    },
    setting: async () => ({ version: 0, value: null }),
  } as Partial<Store> as Store;
  const clock = { now: () => now, monotonic: () => now };
  const loader = createBatchLoader({ store, decider, clock });
  const queued = { settle: null, lostRaces: 0, resolve() {}, reject() {} };
  const events = [{ ...queued, event: hook('v3:a', 'call.initiated') }];
  return (await loader.load(events, true)).storeAheadMs;
}

test.each([
  ['agree, whatever part of the query was slow', 0, { askMs: 10, answerMs: 4_000 }, 0],
  ['agree', 0, { askMs: 4_000, answerMs: 10 }, 0],
  ['may agree', 3_000, { askMs: 10, answerMs: 4_000 }, 0],
  ['differ: the store is ahead', 60_000, { askMs: 10, answerMs: 20 }, 59_980],
  ['differ: the store is behind', -60_000, { askMs: 10, answerMs: 20 }, -59_990],
])('clocks that %s (%i ms, %j)', async (_, aheadMs, tookMs, expected) => {
  expect(await loadedWith(aheadMs, tookMs)).toBe(expected);
});
