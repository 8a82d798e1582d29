/**
 * The real machine, walked at random through a small world of lost answers, doubled and lost webhooks, and
 * far ends that ring late. `MODEL_WALKS=100000 npx vitest run test/model` walks for longer.
 */
import { describe, expect, it } from 'vitest';
import type { Step } from '../../src/core/machine/plan.ts';
import { decision, refer, say, transfer } from '../helpers/machine.ts';
import { walk } from './world.ts';

const WALKS = Number(process.env.MODEL_WALKS ?? 3_000);
const STEPS = 600;
const quick = { timeoutMs: 10_000 };

const PLANS: Record<string, Step[]> = {
  'three targets': [refer('a', quick), refer('b', quick), refer('c', quick)],
  'a transfer, then a target': [transfer('+14155550199', quick), refer('b', quick)],
  'a target, a transfer, words, a target': [
    refer('a', quick),
    transfer('+14155550199', quick),
    say('One moment.'),
    refer('c', quick),
  ],
  'a target that may be called over': [
    refer('a', { ...quick, ifFailed: { no_verdict: [refer('b', quick)] } }),
    refer('c', quick),
  ],
  'two transfers and a target': [
    transfer('+14155550198', quick),
    transfer('+14155550199', quick),
    refer('b', quick),
  ],
};

describe('nobody is moved while somebody else may still take them, and every call ends', () => {
  it.each(Object.keys(PLANS))('%s', { timeout: 60_000 + WALKS * 20 }, (name) => {
    let moved = 0;
    for (let seed = 1; seed <= WALKS / Object.keys(PLANS).length; seed += 1) {
      const chance = chanceOf(seed);
      const unknowns = {
        refusesRepetitions: chance() < 0.5,
        legDiesWithRefer: chance() < 0.3,
        hangsUpAfterCompleted: chance() < 0.5,
        refusesUnanswered: chance() < 0.5,
      };
      const base = decision(PLANS[name] ?? []);
      const policy = {
        ...base.policy,
        patienceMs: chance() < 0.3 ? 25_000 : 120_000,
        whileMoving: chance() < 0.3 ? say('Please hold.') : null,
      };
      const { story, violations, moves } = walk({ ...base, policy }, unknowns, chance, STEPS);
      moved += moves;
      const told = `seed ${seed}, ${JSON.stringify(unknowns)}\n${story.join('\n')}`;
      expect(violations, told).toEqual([]);
    }
    // A world in which nobody ever arrives would prove nothing.
    expect(moved).toBeGreaterThan(WALKS / 50);
  });
});

/** mulberry32: the same seed tells the same story. */
function chanceOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
