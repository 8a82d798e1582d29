import { describe, expect, test } from 'vitest';
import { run, store } from './scene.ts';

export function auditContract(): void {
  describe('what people did', () => {
    const entry = (to: string, more = {}) => ({
      who: `${run}-anna`,
      role: 'operator',
      what: 'hangup',
      to,
      reason: null,
      from: '127.0.0.1',
      result: 'ok',
      detail: { on: true },
      ...more,
    });

    test('is listed newest first, by page and by filter, and pruned by its age', async () => {
      const who = `${run}-anna`;
      await store.addAudit(entry('first', { reason: 'a\u0000b', result: 'c\ud800' }));
      await store.addAudit(entry('second', { what: 'next' }));
      await store.addAudit(entry('third'));
      const page = await store.audit({ who, limit: 2 });
      expect(page.rows).toMatchObject([entry('third'), entry('second', { what: 'next' })]);
      const rest = await store.audit({ who, limit: 2, cursor: page.next ?? '' });
      expect([rest.rows.map(({ to }) => to), rest.next]).toEqual([['first'], null]);
      // What a store cannot hold is replaced, the same in each.
      expect(rest.rows).toMatchObject([{ reason: 'a\ufffdb', result: 'c\ufffd' }]);
      expect((await store.audit({ who, what: 'next', limit: 9 })).rows).toHaveLength(1);
      const at = page.rows[0]?.at ?? 0;
      expect(Math.abs(at - Date.now())).toBeLessThan(5_000);
      expect((await store.audit({ who, since: at + 1, limit: 9 })).rows).toEqual([]);
      expect((await store.audit({ who, until: at + 1, limit: 9 })).rows).toHaveLength(3);
      expect(await store.pruneAudit(at + 1, 1)).toBe(1);
      while ((await store.pruneAudit(at + 1, 100)) > 0);
      expect((await store.audit({ who, limit: 9 })).rows).toEqual([]);
    });

    test('is kept before it is done, and what comes of it is added', async () => {
      const who = `${run}-otto`;
      const id = await store.addAudit(entry('first', { who, result: 'unknown', to: null }));
      const other = await store.addAudit(entry('second', { who, result: 'unknown' }));
      const came = { to: 'a\u0000b', result: 'ok', detail: { attempt: 'x' } };
      await store.endAudit(id, came);
      const { rows } = await store.audit({ who, limit: 9 });
      expect(rows.map((row) => row.id)).toEqual([other, id]);
      expect(rows).toMatchObject([
        { result: 'unknown', detail: { on: true } },
        { result: 'ok', detail: { attempt: 'x' }, reason: null, from: '127.0.0.1' },
      ]);
      expect(rows[1]?.to).toBe('a\ufffdb');
      expect((await store.audit({ who, to: 'a\u0000b', limit: 9 })).rows).toHaveLength(1);
    });

    test('the number of a dropped dead letter never becomes that of another', async () => {
      await store.deadLetter({ id: `${run}-a` }, 'broken', null);
      const [first] = await store.deadLetters(1, null);
      expect(await store.dropDeadLetter(first?.id ?? 0)).toBe(true);
      await store.deadLetter({ id: `${run}-b` }, 'broken', null);
      expect(await store.dropDeadLetter(first?.id ?? 0)).toBe(false);
      expect((await store.deadLetters(1, null))[0]?.event).toEqual({ id: `${run}-b` });
    });

    test('dead letters are listed, found, and dropped once', async () => {
      await store.deadLetter({ id: `${run}-a` }, 'broken', null);
      await store.deadLetter({ id: `${run}-b` }, 'broken', null);
      const [b, a] = await store.deadLetters(2, null);
      expect([a?.event, b?.event]).toEqual([{ id: `${run}-a` }, { id: `${run}-b` }]);
      expect(await store.deadLetters(1, b?.id ?? 0)).toEqual([a]);
      expect(await store.findDeadLetter(a?.id ?? 0)).toEqual(a);
      expect(await store.dropDeadLetter(a?.id ?? 0)).toBe(true);
      expect(await store.dropDeadLetter(a?.id ?? 0)).toBe(false);
      expect(await store.findDeadLetter(a?.id ?? 0)).toBeNull();
    });
  });
}
