import { describe, expect, test } from 'vitest';
import type { CallFilter } from '../../../src/store/contract/list.ts';
import { aCall, anAttempt, aUnit } from '../../helpers/documents.ts';
import { commit, load, run, store } from './scene.ts';

export function legsContract(): void {
  describe('legs of callers', () => {
    const to = () => `${run}-to`;
    const leg = (n: number, parentId: string | null, given: Parameters<typeof aCall>[1] = {}) =>
      aCall(`${run}-${n}`, {
        createdAt: n * 10,
        parentId,
        ...given,
        facts: { to: to(), sessionId: `${run}-s`, ...given.facts },
      });
    const ids = async (filter: Omit<CallFilter, 'limit'>) =>
      (await store.list({ limit: 100, ...filter })).calls.map(({ createdAt }) => createdAt / 10);

    test('are listed when they are asked for, by every filter; otherwise callers are', async () => {
      const parent = `${run}-1`;
      const over = { phase: 'ended', ends: 'ignored' } as const;
      await commit(
        aUnit(leg(1, null, { phase: 'bridged' }), 0),
        aUnit(leg(2, parent, { ...over, facts: { from: `${run}-company` } }), 0),
        aUnit(leg(3, null, { ...over }), 0),
        aUnit(leg(4, parent, { phase: 'unmanaged' }), 0),
      );
      for (const filter of [{ to: to() }, { sessionId: `${run}-s` }]) {
        expect(await ids(filter)).toEqual([3, 1]);
        expect(await ids({ ...filter, legs: 'all' })).toEqual([4, 3, 2, 1]);
      }
      expect(await ids({ to: to(), ends: 'ignored' })).toEqual([3]);
      expect(await ids({ to: to(), ends: 'ignored', legs: 'all' })).toEqual([3, 2]);
      expect(await ids({ to: to(), phase: 'unmanaged' })).toEqual([]);
      expect(await ids({ from: `${run}-company` })).toEqual([]);
      expect(await ids({ from: `${run}-company`, legs: 'all' })).toEqual([2]);
      expect(await ids({ parentId: parent })).toEqual([4, 2]);
      expect(await ids({ parentId: `${run}-3` })).toEqual([]);
      expect(await ids({ to: to(), since: 20, until: 40, legs: 'all' })).toEqual([3, 2]);
      expect(await ids({ to: to(), until: 30 })).toEqual([1]);
    });

    test('a leg that is known as one only later is a leg from then on', async () => {
      const call = leg(1, null);
      await commit(aUnit(call, 0));
      await load({ callIds: [call.id] });
      expect(await ids({ to: to() })).toEqual([1]);
      await commit(aUnit({ ...call, parentId: `${run}-caller` }, 1));
      expect(await ids({ to: to() })).toEqual([]);
      expect(await ids({ parentId: `${run}-caller` })).toEqual([1]);
    });

    test('pages of callers and legs follow each other without gap or repetition', async () => {
      const made = Array.from({ length: 9 }, (_, n) =>
        aUnit(leg(n, n % 3 === 0 ? `${run}-caller` : null, { createdAt: n >> 2 }), 0),
      );
      for (const unit of made) await commit(unit);
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await store.list({
          to: to(),
          legs: 'all',
          limit: 2,
          ...(cursor ? { cursor } : {}),
        });
        seen.push(...page.calls.map(({ id }) => id));
        cursor = page.next ?? undefined;
      } while (cursor !== undefined);
      expect(seen).toEqual([8, 7, 6, 5, 4, 3, 2, 1, 0].map((n) => `${run}-${n}`));
    });

    test('statistics count callers', async () => {
      const count = async () => {
        const { calls, live, attempts } = await store.activity(0, 100_000);
        const sum = (groups: { count: number }[]) => groups.reduce((n, g) => n + g.count, 0);
        return { calls: sum(calls), live: sum(live), attempts: sum(attempts) };
      };
      const before = await count();
      await commit(
        aUnit(leg(1, null, { attempts: [anAttempt(`${run}-a`)] }), 0),
        aUnit(leg(2, `${run}-1`, { attempts: [anAttempt(`${run}-b`)] }), 0),
      );
      expect(await count()).toEqual({
        calls: before.calls + 1,
        live: before.live + 1,
        attempts: before.attempts + 1,
      });
    });
  });
}
