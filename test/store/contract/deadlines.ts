import { describe, expect, test } from 'vitest';
import { aCall, aUnit } from '../../helpers/documents.ts';
import { commit, load, run, store } from './scene.ts';

export function deadlinesContract(): void {
  describe('deadlines', () => {
    const deadline = (n: number, dueAt: number) =>
      ({ name: 'attempt', dueAt, setAt: 1, n, putOff: n === 2 }) as const;

    test('every due one of a call comes out, the earliest first', async () => {
      const { now } = await load({});
      const [a, b] = [`${run}-a`, `${run}-b`];
      await commit(
        aUnit(aCall(a, { deadlines: [deadline(2, now - 10), deadline(1, now - 30)] }), 0),
        aUnit(aCall(b, { deadlines: [deadline(3, now - 20), deadline(4, now + 60_000)] }), 0),
      );
      const { due } = await store.due(1_000);
      const mine = due.filter(({ callId }) => callId === a || callId === b);
      expect(mine.map(({ n }) => n)).toEqual([1, 3, 2]);
      expect(mine[2]).toEqual({
        callId: a,
        name: 'attempt',
        n: 2,
        dueAt: now - 10,
        setAt: 1,
        putOff: true,
      });
      expect((await store.due(1)).due).toHaveLength(1);
      await commit(
        aUnit(aCall(a), 1),
        aUnit(aCall(b, { deadlines: [deadline(4, now + 60_000)] }), 1),
      );
      const later = await store.due(1_000);
      expect(later.due.filter(({ callId }) => callId === a || callId === b)).toEqual([]);
      await commit(aUnit(aCall(b), 2));
    });
  });
}
