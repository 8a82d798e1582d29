import { describe, expect, test } from 'vitest';
import { aCall, anAttempt, aUnit } from '../../helpers/documents.ts';
import { commit, run, store } from './scene.ts';

export function costsContract(): void {
  describe('what calls cost', () => {
    const cost = (amount: string, currency = 'USD', part = 'call-control') => ({
      legId: `${run}-leg`,
      eventId: `${run}-event`,
      part,
      currency,
      amount,
    });
    const mine = async (name: string) =>
      (await store.activity(0, 100_000)).costs
        .filter(({ rule }) => rule === `${run}-${name}`)
        .toSorted((a, b) => `${a.target} ${a.currency}`.localeCompare(`${b.target} ${b.currency}`));

    test('is summed exactly, by rule, target and currency', async () => {
      const rule = `${run}-rule`;
      const attempts = [anAttempt(`${run}-1`, { target: 'good', verdict: 'completed' })];
      const literal = [anAttempt(`${run}-2`, { target: null })];
      await commit(
        aUnit(aCall(`${run}-a`, { rule, attempts, costs: [cost('0.1')] }), 0),
        aUnit(aCall(`${run}-b`, { rule, attempts, costs: [cost('0.2'), cost('5', 'EUR')] }), 0),
        aUnit(aCall(`${run}-c`, { rule, attempts: literal, costs: [cost('-0.30')] }), 0),
        aUnit(aCall(`${run}-d`, { rule, costs: [cost('0.0001')] }), 0),
        aUnit(aCall(`${run}-e`, { rule, attempts }), 0),
      );
      expect(await mine('rule')).toEqual([
        { rule, target: 'good', currency: 'EUR', amount: '5' },
        { rule, target: 'good', currency: 'USD', amount: '0.3' },
        { rule, target: null, currency: 'USD', amount: '-0.30' },
        { rule, currency: 'USD', amount: '0.0001' },
      ]);
    });

    test('is there when it comes after the end, and not of a B-leg by itself', async () => {
      const rule = `${run}-late`;
      const call = aCall(`${run}-call`, { rule, phase: 'ended', ends: 'failed', endedAt: 2_000 });
      const leg = aCall(`${run}-leg`, { rule, parentId: call.id, costs: [cost('9')] });
      await commit(aUnit(call, 0), aUnit(leg, 0));
      expect(await mine('late')).toEqual([]);
      const later = { ...call, costs: [cost('0.0020'), cost('0.1022', 'USD', 'sip-trunking')] };
      await commit(aUnit(later, 1));
      expect(await mine('late')).toEqual([{ rule, currency: 'USD', amount: '0.1042' }]);
      expect((await store.find(call.id))?.call).toEqual(later);
    });
  });
}
