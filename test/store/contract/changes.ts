import { describe, expect, test, vi } from 'vitest';
import { aCall, aUnit } from '../../helpers/documents.ts';
import { PATIENT } from '../../helpers/waiting.ts';
import { commit, run, store } from './scene.ts';

export function changesContract(): void {
  describe('what changed', () => {
    /**
     * A change is only reported when every transaction that began before it is over: soon, but not
     * at once.
     */
    async function told(cursor: string, count: number, limit: number) {
      const pieces: string[][] = [];
      let after = cursor;
      await vi.waitUntil(async () => {
        const changes = await store.changes(after, limit);
        expect(changes.missed).toBe(false);
        const mine = changes.callIds.filter((id) => id.startsWith(`${run}-`));
        if (mine.length > 0) pieces.push(mine);
        after = changes.cursor;
        return pieces.flat().length >= count;
      }, PATIENT);
      return { pieces, cursor: after };
    }

    test('comes out after a cursor, each call once, the one that changed longest ago first', async () => {
      const { cursor, callIds, missed } = await store.changes(null, 10);
      expect([callIds, missed]).toEqual([[], false]);
      const [a, b, c] = [`${run}-a`, `${run}-b`, `${run}-c`];
      await commit(aUnit(aCall(a), 0));
      await commit(aUnit(aCall(b), 0), aUnit(aCall(b), 0));
      await commit(aUnit(aCall(a), 7), aUnit(aCall(c), 0));
      const first = await told(cursor, 3, 10);
      expect(first.pieces.flat()).toEqual([a, b, c]);
      await commit(aUnit(aCall(b), 1));
      expect((await told(first.cursor, 1, 10)).pieces).toEqual([[b]]);
    });

    test('comes out in pieces no larger than asked for, and nothing is left out', async () => {
      const { cursor } = await store.changes(null, 10);
      const ids = Array.from({ length: 7 }, (_, n) => `${run}-${n}`);
      for (const id of ids) await commit(aUnit(aCall(id), 0));
      const { pieces } = await told(cursor, 7, 2);
      expect(pieces.flat()).toEqual(ids);
      expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(2);
    });

    test('what a text of a call contains does not hide it, nor what follows', async () => {
      const { cursor } = await store.changes(null, 10);
      const strange = aCall(`${run}-"\u00e9"`, { facts: { callerName: 'A\0\ud800' } });
      await commit(aUnit(strange, 0));
      await commit(aUnit(aCall(`${run}-b`), 0));
      const { pieces } = await told(cursor, 2, 10);
      expect(pieces.flat()).toEqual([strange.id, `${run}-b`]);
    });

    test('a cursor of somebody else has missed what changed', async () => {
      for (const foreign of ['', 'nonsense', '9223372036854775807']) {
        expect(await store.changes(foreign, 10)).toMatchObject({ callIds: [], missed: true });
      }
    });
  });
}
