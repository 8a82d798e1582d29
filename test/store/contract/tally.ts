import { describe, expect, test } from 'vitest';
import type { Call } from '../../../src/core/machine/call.ts';
import { aCall, anEntry, aUnit } from '../../helpers/documents.ts';
import { commit, run, store } from './scene.ts';

export function tallyContract(): void {
  describe('what is counted once', () => {
    const mine = async () =>
      (await store.takeUncounted(1_000)).filter(({ item }) => item.startsWith(run));
    const waiting = (item: string, waits = 1) => new Map([[item, { waits }]]);

    test('waits for its time, and comes out once with the call as it is then', async () => {
      const call = aCall(`${run}-call`);
      await commit(
        aUnit(call, 0, { tally: new Map([...waiting(`${run}-a`), ...waiting(call.id)]) }),
        aUnit(aCall(`${run}-later`), 0, { tally: waiting(`${run}-later`, 9e12) }),
      );
      const later: Call = { ...call, ends: 'referred' };
      await commit(aUnit(later, 1));
      const taken = await mine();
      expect(taken.toSorted((a, b) => a.item.localeCompare(b.item))).toEqual([
        { item: `${run}-a`, call: later },
        { item: call.id, call: later },
      ]);
      expect(await mine()).toEqual([]);
    });

    test('what became final before is reported to its commit, and never comes out', async () => {
      const id = `${run}-\u0000call`;
      await commit(aUnit(aCall(id), 0, { tally: waiting(id) }));
      const final = { tally: new Map([[id, 'final' as const]]) };
      expect((await commit(aUnit(aCall(id), 1, final))).counted).toEqual([id]);
      expect((await commit(aUnit(aCall(id), 2, final))).counted).toEqual([]);
      expect(await mine()).toEqual([]);
    });

    test('what was taken out is not reported to a commit again', async () => {
      const id = `${run}-call`;
      await commit(aUnit(aCall(id), 0, { tally: waiting(id) }));
      expect(await mine()).toHaveLength(1);
      const final = { tally: new Map([[id, 'final' as const]]) };
      expect((await commit(aUnit(aCall(id), 1, final))).counted).toEqual([]);
    });

    test('a unit that lost its race counted nothing', async () => {
      const id = `${run}-call`;
      const tally = new Map([[id, 'final' as const]]);
      await commit(aUnit(aCall(id), 0, { tally: waiting(id) }));
      expect((await commit(aUnit(aCall(id), 7, { tally }))).counted).toEqual([]);
      const entry = anEntry('e');
      await commit(aUnit(aCall(id), 1, { events: [entry] }));
      const lost = await commit(aUnit(aCall(id), 2, { events: [entry], tally }));
      expect([lost.results, lost.counted]).toEqual([['conflict'], []]);
      expect(await mine()).toHaveLength(1);
    });

    test('of many that take at once exactly one gets each', async () => {
      const ids = Array.from({ length: 20 }, (_, n) => `${run}-${n}`);
      await commit(...ids.map((id) => aUnit(aCall(id), 0, { tally: waiting(id) })));
      const taken = await Promise.all(Array.from({ length: 5 }, mine));
      expect(
        taken
          .flat()
          .map(({ item }) => item)
          .toSorted(),
      ).toEqual(ids.toSorted());
    });
  });
}
