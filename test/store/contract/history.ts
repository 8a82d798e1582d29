import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addUp, type Sum, sumKey, sumsOf } from '../../../src/core/history/sums.ts';
import { type Attempt, type Call, ENDS } from '../../../src/core/machine/call.ts';
import { VERDICTS } from '../../../src/core/machine/verdict.ts';
import { HOURLY_SUMS } from '../../../src/store/contract/calls.ts';
import type { Store } from '../../../src/store/store.ts';
import { aCall, anAttempt, aUnit } from '../../helpers/documents.ts';
import { opened, run, store } from './scene.ts';

const HOUR = 3_600_000;
/** As left by an event of an ended call. */
const CHANGED = { tally: new Map([[HOURLY_SUMS, { waits: 0 }]]) };

export function historyContract(): void {
  describe('hourly sums', () => {
    const ended = (id: string, given: Parameters<typeof aCall>[1] = {}): Call =>
      aCall(`${run}-${id}`, {
        createdAt: 5 * HOUR + 1,
        phase: 'ended',
        endedAt: 5 * HOUR + 9_000,
        ends: 'referred',
        rule: 'support',
        decided: true,
        ...given,
        facts: { to: `${run}-ours`, ...given.facts },
      });

    async function keep(call: Call, version = 0): Promise<void> {
      const { results } = await store.commit([aUnit(call, version, CHANGED)], null);
      expect(results).toEqual(['committed']);
    }

    async function foldAll(from: Store = store, limit = 100): Promise<number> {
      let calls = 0;
      for (let last = -1; last !== 0; calls += last) last = await from.fold(limit);
      return calls;
    }

    const sums = async (number = `${run}-ours`): Promise<Sum[]> =>
      sorted((await store.sums(0, 100 * HOUR)).filter((sum) => sum.number === number));
    /** Amounts keep the largest number of decimals they ever had. */
    const sorted = (rows: Sum[]) =>
      rows
        .map((row) => ({
          ...row,
          amount: row.amount.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, ''),
        }))
        .toSorted((a, b) => (sumKey(a) < sumKey(b) ? -1 : 1));

    test('say of each hour what the calls that came in it say, and a repetition adds nothing', async () => {
      const completed = anAttempt(`${run}-a`, {
        verdict: 'completed',
        startedAt: 5 * HOUR,
        acceptedAt: 5 * HOUR,
        endedAt: 5 * HOUR + 2_000,
      });
      const first = ended('1', { attempts: [completed] });
      const calls = [first, ended('2', { createdAt: 6 * HOUR }), ended('3', { ends: 'abandoned' })];
      for (const call of calls) await keep(call);
      expect(await foldAll()).toBe(3);
      expect(await foldAll()).toBe(0);
      expect(await sums()).toEqual(sorted(addUp(calls.flatMap(sumsOf))));
      expect((await sums()).filter(({ calls: n }) => n > 0)).toHaveLength(3);
      expect((await store.sums(6 * HOUR, 7 * HOUR)).map(({ hour }) => hour)).not.toContain(
        5 * HOUR,
      );
    });

    test('follow a call that is corrected, or costs something, after it was added', async () => {
      await keep(ended('1', { ends: 'unconfirmed' }));
      await foldAll();
      const cost = { legId: 'x', eventId: 'e', part: 'p', currency: 'USD', amount: '0.0042' };
      const corrected = ended('1', { ends: 'referred', costs: [cost] });
      await keep(corrected, 1);
      await foldAll();
      expect(await sums()).toEqual(sorted(sumsOf(corrected)));
      const bLeg = { ...corrected, parentId: 'its caller' };
      await keep(bLeg, 2);
      await foldAll();
      expect(await sums()).toEqual([]);
    });

    test('stay when their calls are pruned, which waits for them', async () => {
      const call = ended('1', { endedAt: 7 });
      await keep(call);
      expect(await store.prune(8, 100)).toBe(0);
      await foldAll();
      expect(await store.prune(8, 100)).toBe(1);
      expect(await sums()).toEqual(sorted(sumsOf(call)));
      await store.pruneSums(5 * HOUR, 1_000);
      expect(await sums()).toHaveLength(1);
      expect(await store.pruneSums(6 * HOUR, 1_000)).toBeGreaterThan(0);
      expect(await sums()).toEqual([]);
    });

    test('what a caller wrote into a number does not stop them', async () => {
      const strange = ended('1', { facts: { to: `${run}\0\ud800-ours` } });
      await keep(strange);
      await foldAll();
      const all = await store.sums(5 * HOUR, 6 * HOUR);
      expect(all.filter(({ number }) => number?.startsWith(run))).toHaveLength(1);
      await keep({ ...strange, ends: 'abandoned' }, 1);
      await foldAll();
      const after = await store.sums(5 * HOUR, 6 * HOUR);
      expect(after.filter(({ number }) => number?.startsWith(run))).toMatchObject([
        { outcome: 'gave_up', calls: 1 },
      ]);
    });

    test('are those of the calls after any history of changes, by any number of folders', async () => {
      const other = await opened.open();
      let round = 0;
      try {
        await fc.assert(
          fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
            round += 1;
            const number = `${run}-round-${round}`;
            const calls = new Map<number, { call: Call; version: number }>();
            const pending: Promise<unknown>[] = [];
            for (const { which, fold, ...given } of steps) {
              if (fold > 0) pending.push(store.fold(fold), other.fold(fold));
              const version = calls.get(which)?.version ?? 0;
              const call = changed(`${number}-${which}`, number, given);
              await keep(call, version);
              calls.set(which, { call, version: version + 1 });
            }
            await Promise.all(pending);
            await foldAll(other, 3);
            const all = [...calls.values()].map(({ call }) => call);
            expect(await sums(number)).toEqual(sorted(addUp(all.flatMap(sumsOf))));
          }),
          { numRuns: 10, endOnFailure: true },
        );
      } finally {
        await other.close();
      }
    });

    const changed = (id: string, to: string, given: Given): Call => {
      const { ends, verdicts, cents, hour, rows, bLeg } = given;
      const attempts = verdicts.map(
        (verdict, n): Attempt =>
          anAttempt(`${id}-${n}`, { verdict, startedAt: 0, endedAt: 100 * n, unsent: n > 1 }),
      );
      const cost = (amount: string, n: number) => ({
        legId: id,
        eventId: `${n}`,
        part: `${n}`,
        currency: n % 2 === 0 ? 'USD' : 'EUR',
        amount,
      });
      return aCall(id, {
        createdAt: hour * HOUR + 1,
        endedAt: (hour + 1) * HOUR,
        phase: 'ended',
        ends,
        attempts,
        costs: cents.map(cost),
        rows,
        parentId: bLeg ? 'caller' : null,
        facts: { to },
      });
    };
  });
}

const step = fc.record({
  which: fc.nat(4),
  fold: fc.nat(3),
  ends: fc.constantFrom(...ENDS),
  verdicts: fc.array(fc.constantFrom(...VERDICTS), { maxLength: 3 }),
  cents: fc.array(fc.constantFrom('0.0042', '-0.1', '12', '0.10'), { maxLength: 3 }),
  hour: fc.nat(2),
  rows: fc.array(
    fc.record({
      table: fc.constantFrom('lines', 'vip'),
      key: fc.constantFrom('+4930901820', '+49*', '\0'),
      of: fc.constantFrom('from' as const, 'to' as const),
    }),
    { maxLength: 2 },
  ),
  bLeg: fc.constantFrom(false, false, false, true),
});
type Given = typeof step extends fc.Arbitrary<infer T> ? Omit<T, 'which' | 'fold'> : never;
