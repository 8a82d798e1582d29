import { describe, expect, test } from 'vitest';
import type { Call } from '../../../src/core/machine/call.ts';
import type { CallFilter } from '../../../src/store/contract/list.ts';
import { aCall, anAttempt, aUnit } from '../../helpers/documents.ts';
import { commit, load, run, store } from './scene.ts';

export function listsContract(): void {
  describe('lists', () => {
    async function stored(): Promise<string> {
      const mark = `${run}-to`;
      const call = (n: number, given: Parameters<typeof aCall>[1]) =>
        aCall(`${run}-${n}`, {
          createdAt: n * 10,
          ...given,
          facts: { to: mark, ...given?.facts },
        });
      await commit(
        aUnit(call(1, { rule: `${run} r`, phase: 'ended', ends: 'referred' }), 0),
        aUnit(call(2, { facts: { from: `${run}-x`, sessionId: `${run}-s` } }), 0),
        aUnit(
          call(3, {
            attempts: [
              anAttempt(`${run}3`, { target: `${run}t`, verdict: 'busy' }),
              anAttempt(`${run}3b`, { target: `${run}t` }),
            ],
          }),
          0,
        ),
        aUnit(
          call(4, {
            attempts: [
              anAttempt(`${run}4`, { target: `${run}t`, verdict: 'declined' }),
              anAttempt(`${run}4b`, { target: 'else', verdict: 'busy' }),
            ],
          }),
          0,
        ),
        aUnit(call(5, { phase: 'ended', ends: 'abandoned' }), 0),
      );
      return mark;
    }
    const listed = async (filter: Omit<CallFilter, 'limit'>) =>
      (await store.list({ limit: 100, ...filter })).calls.map(({ createdAt }) => createdAt / 10);

    test('newest first, by every filter and by several at once', async () => {
      const to = await stored();
      expect(await listed({ to })).toEqual([5, 4, 3, 2, 1]);
      expect(await listed({ rule: `${run} r` })).toEqual([1]);
      expect(await listed({ from: `${run}-x` })).toEqual([2]);
      expect(await listed({ sessionId: `${run}-s` })).toEqual([2]);
      expect(await listed({ to, phase: 'ended' })).toEqual([5, 1]);
      expect(await listed({ to, ends: 'abandoned' })).toEqual([5]);
      expect(await listed({ to, ends: 'abandoned', rule: `${run} r` })).toEqual([]);
      expect(await listed({ target: `${run}t` })).toEqual([4, 3]);
      expect(await listed({ target: `${run}t`, verdict: 'busy' })).toEqual([3]);
      expect(await listed({ to, verdict: 'busy' })).toEqual([4, 3]);
      // Call 4 has two such attempts but is listed once.
      expect(await listed({ to, verdict: 'failed' })).toEqual([4, 3]);
      expect(await listed({ target: `${run}t`, verdict: 'failed' })).toEqual([4, 3]);
      expect(await listed({ target: 'else', verdict: 'failed', to })).toEqual([4]);
      const pages = await store.list({ verdict: 'failed', to, limit: 1 });
      expect(pages.next).not.toBeNull();
      expect(await listed({ to, since: 30 })).toEqual([5, 4, 3]);
      expect(await listed({ target: `${run}t`, since: 31, phase: 'new' })).toEqual([4]);
      expect((await store.list({ verdict: 'busy', limit: 100 })).calls.length).toBeGreaterThan(1);
      expect((await store.list({ ends: 'abandoned', limit: 100 })).calls).not.toEqual([]);
      expect((await store.list({ phase: 'ended', limit: 100 })).calls).not.toEqual([]);
      expect((await store.list({ since: 0, limit: 3 })).calls).toHaveLength(3);
    });

    test('characters that no store keeps are looked for in the form that is kept', async () => {
      const asked = `${run}\0\ud800z`;
      const kept = `${run}\ufffd\ufffdz`;
      for (const [n, text] of [asked, kept].entries()) {
        const call = aCall(`${run}-unkept-${n}`, {
          createdAt: n * 10,
          facts: { from: text, to: text, sessionId: text },
          rule: text,
          parentId: text,
          attempts: [anAttempt(`${run}-unkept-${n}`, { target: text })],
        });
        await commit(aUnit(call, 0));
      }
      for (const text of [asked, kept]) {
        for (const filter of [
          { from: text },
          { to: text },
          { number: text },
          { sessionId: text },
          { parentId: text },
          { rule: text },
          { target: text },
          { q: { text: 'unknown', numbers: [text] } },
          { q: { text, numbers: [] } },
        ]) {
          expect([filter, await listed({ legs: 'all', ...filter })]).toEqual([filter, [1, 0]]);
        }
      }
      const loaded = await load({ sessionIds: [asked] });
      expect(loaded.calls.size).toBe(2);
    });

    test('otherwise stands for the calls that were decided without a rule', async () => {
      const to = `${run}-to`;
      const rule = 'otherwise';
      const decided = (n: number, given: Parameters<typeof aCall>[1] = {}) =>
        aCall(`${run}-${n}`, { createdAt: n * 10, decided: true, ...given, facts: { to } });
      await commit(
        aUnit(decided(1, { phase: 'ended', ends: 'rejected' }), 0),
        aUnit(decided(2, { rule: `${run} r` }), 0),
        aUnit(decided(3, { decided: false }), 0),
        aUnit(decided(4, { attempts: [anAttempt(`${run}4`, { target: `${run}t` })] }), 0),
        aUnit(decided(5, { phase: 'unmanaged' }), 0),
        aUnit(decided(6, { parentId: `${run}-4` }), 0),
      );
      expect(await listed({ rule, to })).toEqual([5, 4, 1]);
      expect(await listed({ rule, to, legs: 'all' })).toEqual([6, 5, 4, 1]);
      expect(await listed({ rule, to, ends: 'rejected' })).toEqual([1]);
      expect(await listed({ rule, to, phase: 'unmanaged' })).toEqual([5]);
      expect(await listed({ rule, target: `${run}t` })).toEqual([4]);
      expect(await listed({ rule, to, since: 20, until: 50 })).toEqual([4]);
      const q = { text: 'OTHERW', numbers: [] };
      expect(await listed({ q, to })).toEqual([5, 4, 1]);
      expect(await listed({ q, rule, to })).toEqual([5, 4, 1]);
      for (const text of ['her', 'wise', 'oth', 'otherwise.']) {
        expect(await listed({ q: { text, numbers: [] }, to })).toEqual([]);
      }
      const alone = await store.list({ rule, until: 70, legs: 'all', limit: 100 });
      expect(alone.calls.length).toBeGreaterThanOrEqual(4);
      expect(alone.calls.filter((call) => call.rule !== null || !call.decided)).toEqual([]);

      // One is decided only now, another is taken over by a rule on a later event.
      await commit(aUnit(decided(3), 1), aUnit(decided(5, { rule: `${run} r` }), 1));
      expect(await listed({ rule, to })).toEqual([4, 3, 1]);
      expect(await listed({ rule: `${run} r` })).toEqual([5, 2]);
      for (const groups of Object.values(await store.activity(0, 100_000))) {
        if (Array.isArray(groups)) expect(JSON.stringify(groups)).not.toContain('"otherwise"');
      }
    });

    test('pages follow each other without gap or repetition, whatever comes in between', async () => {
      const to = `${run}-to`;
      const make = (n: number) =>
        aUnit(aCall(`${run}-${n}`, { createdAt: n >> 1, facts: { to } }), 0);
      for (let n = 0; n < 9; n += 1) await commit(make(n));
      const seen: string[] = [];
      let cursor: string | undefined;
      for (let page = 0; page < 10; page += 1) {
        const { calls, next } = await store.list({ to, limit: 2, ...(cursor ? { cursor } : {}) });
        seen.push(...calls.map(({ id }) => id));
        await commit(make(100 + page));
        if (next === null) break;
        cursor = next;
      }
      expect(seen).toEqual([8, 7, 6, 5, 4, 3, 2, 1, 0].map((n) => `${run}-${n}`));
    });

    test('lost callers are those of whom no operator took note', async () => {
      const lost = [1, 2].map((n) => aCall(`lost ${n}`, { phase: 'ended', ends: 'missed' }));
      const noted = aCall('noted', { phase: 'ended', ends: 'missed', acknowledgedAt: 5 });
      // A caller's text must not count as an operator's acknowledgement.
      for (const { facts } of lost)
        facts.headers = [{ name: 'acknowledgedAt', value: '"acknowledgedAt":' }];
      await store.commit(
        [...lost, noted].map((call) => aUnit(call, 0)),
        null,
      );
      const open = await store.list({ ends: 'missed', unacknowledged: true, limit: 10 });
      expect(open.calls.map(({ id }) => id).toSorted()).toEqual(['lost 1', 'lost 2']);
      expect((await store.list({ ends: 'missed', limit: 10 })).calls).toHaveLength(3);
    });

    test('a cursor of somebody else is refused with words', async () => {
      await expect(store.list({ limit: 1, cursor: 'nonsense' })).rejects.toThrow(
        /cursor: expected/,
      );
    });

    test('a filter follows what the call becomes', async () => {
      const id = `${run}-call`;
      const attempt = anAttempt(`${run}-a`, { target: `${run}t` });
      await commit(aUnit(aCall(id, { attempts: [attempt] }), 0));
      await load({ callIds: [id] });
      const over: Call = aCall(id, {
        phase: 'ended',
        ends: 'referred',
        endedAt: 5_000,
        rule: `${run}-rule`,
        facts: { from: `${run}-from`, sessionId: `${run}-s` },
        attempts: [{ ...attempt, verdict: 'completed' }],
      });
      await commit(aUnit(over, 1));
      for (const filter of [
        { target: `${run}t`, verdict: 'completed' },
        { rule: `${run}-rule`, ends: 'referred' },
        { from: `${run}-from`, phase: 'ended' },
        { sessionId: `${run}-s` },
      ] as const) {
        expect((await store.list({ ...filter, limit: 5 })).calls).toEqual([over]);
      }
    });
  });
}
