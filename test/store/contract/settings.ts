import { describe, expect, test } from 'vitest';
import { aCall, aCommand, anEntry, aUnit } from '../../helpers/documents.ts';
import { commit, load, opened, run, store } from './scene.ts';

export function settingsContract(): void {
  describe('settings and replicas', () => {
    test('a setting is a version and a value, and loads tell the version', async () => {
      expect(await store.setting('overrides')).toEqual({ version: 0, value: null });
      expect(await store.changeSetting('overrides', () => ({ office: { open: false } }))).toBe(1);
      const grow = (value: unknown) => ({ ...(value as object), night: { open: true } });
      expect(await store.changeSetting('overrides', grow)).toBe(2);
      expect(await store.setting('overrides')).toEqual({
        version: 2,
        value: { office: { open: false }, night: { open: true } },
      });
      expect((await load({})).settings).toEqual({ overrides: 2, reload: 0, rest: 0 });
      const refusal = new Error('thought better of it');
      const refuse = () => {
        throw refusal;
      };
      // The error itself is passed on, because it is not a database problem.
      await expect(store.changeSetting('reload', refuse)).rejects.toBe(refusal);
      expect((await load({})).settings.reload).toBe(0);
    });

    test('changes of a setting at once do not overwrite each other', async () => {
      const add = (value: unknown) => Number(value ?? 0) + 1;
      await Promise.all(Array.from({ length: 20 }, () => store.changeSetting('reload', add)));
      expect(await store.setting('reload')).toEqual({ version: 20, value: 20 });
    });

    test('nor do the first changes of one that nobody ever set', async () => {
      const other = await opened.open();
      try {
        for (const name of ['recovery', 'sessions'] as const) {
          const add = (value: unknown) => Number(value ?? 0) + 1;
          const writers = [store, other, store, other, store, other];
          await Promise.all(writers.map((each) => each.changeSetting(name, add)));
          expect(await store.setting(name)).toEqual({ version: 6, value: 6 });
        }
      } finally {
        await other.close();
      }
    });

    test('a heartbeat shows each replica with its last word', async () => {
      const one = { id: `${run}-a`, startedAt: 1_000, routeSet: 'abc', refusal: null };
      await store.heartbeat(one);
      await store.heartbeat({ ...one, id: `${run}-b`, startedAt: 2_000, routeSet: null });
      await store.heartbeat({ ...one, routeSet: 'def', refusal: 'main.yaml:3: no such target' });
      const replicas = (await store.replicas()).filter(({ id }) => id.startsWith(`${run}-`));
      expect(replicas).toMatchObject([
        { ...one, routeSet: 'def', refusal: 'main.yaml:3: no such target' },
        { id: `${run}-b`, startedAt: 2_000, routeSet: null, refusal: null },
      ]);
      expect(Math.abs((replicas[0]?.seenAt ?? 0) - Date.now())).toBeLessThan(5_000);
    });

    test('a dead letter is kept whatever it holds', async () => {
      await store.deadLetter({ id: 'x\u0000', size: 1 }, 'TypeError: \u0000 of undefined', null);
      await store.deadLetter(undefined, 'nothing at all', null);
    });

    test('the command whose outcome became a dead letter is never claimed again', async () => {
      const id = `${run}-dead`;
      const command = aCommand(`${id}-c`, id);
      await commit(aUnit(aCall(id), 0, { events: [anEntry('e')], commands: [command] }));
      await store.deadLetter({ id: 'outcome' }, 'TypeError', command.id);
      expect((await store.outbox()).pending).toBe(0);
    });
  });
}
