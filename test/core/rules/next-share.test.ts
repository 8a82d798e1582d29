import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hashUnit } from '../../../src/core/rules/hash.ts';
import { followsNext } from '../../../src/core/rules/next-share.ts';
import { facts } from '../../helpers/route-set.ts';

const caller = fc.integer({ min: 0, max: 99_999_999 }).map((n) => `+4930${n}`);

test('a caller who follows the next set does so on every call, and with every larger share', () => {
  const share = fc.integer({ min: 0, max: 100 });
  fc.assert(
    fc.property(caller, share, share, fc.string(), (from, one, other, callId) => {
      const follows = (percent: number, id: string) =>
        followsNext(facts({ from, callId: id, sessionId: id }), percent);
      const [less, more] = [Math.min(one, other), Math.max(one, other)];
      expect(follows(one, callId)).toBe(follows(one, 'another call'));
      if (follows(less, callId)) expect(follows(more, callId)).toBe(true);
      expect([follows(0, callId), follows(100, callId)]).toEqual([false, true]);
    }),
  );
});

test('the share is the share, of others than a rule has with the same percentage', () => {
  const callers = Array.from({ length: 20_000 }, (_, n) => `+4930${1_000_000 + n}`);
  const following = callers.filter((from) => followsNext(facts({ from }), 20));
  expect(following.length / callers.length).toBeCloseTo(0.2, 1);
  const ofARule = following.filter((from) => hashUnit('percent', 'next routes', from) < 0.2);
  expect(ofARule.length / following.length).toBeCloseTo(0.2, 1);
});
