/** Reading a store that another process is using. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Database, openStore } from '../../src/store/open.ts';
import { openReader, type StoreReader } from '../../src/store/reader.ts';
import { FIRST } from '../../src/store/rows/cursor.ts';
import { prepareList } from '../../src/store/sqlite/list.ts';
import type { Store } from '../../src/store/store.ts';
import { aCall, anEntry, aUnit } from '../helpers/documents.ts';
import { asAdmin, freshDatabase } from '../helpers/postgres.ts';

const DATABASES = {
  async SQLite() {
    const folder = await mkdtemp(join(tmpdir(), 'referee-reader-'));
    const database: Database = { kind: 'sqlite', path: join(folder, 'referee.db') };
    return { database, end: () => rm(folder, { recursive: true }) };
  },
  async PostgreSQL() {
    const { url, drop } = await freshDatabase();
    return { database: { kind: 'postgres', url } as Database, end: drop };
  },
};

describe.each(Object.entries(DATABASES))('%s', (_name, prepare) => {
  let store: Store;
  let reader: StoreReader;
  let end: () => Promise<void>;
  beforeAll(async () => {
    const prepared = await prepare();
    end = prepared.end;
    store = await openStore(prepared.database);
    reader = await openReader(prepared.database);
  });
  afterAll(async () => {
    await reader.close();
    await store.close();
    await end();
  });

  test('sees every commit of the writer at once, and the writer never waits for it', async () => {
    for (let n = 1; n <= 20; n += 1) {
      const unit = aUnit(aCall(`call-${n}`, { createdAt: n }), 0, { events: [anEntry(`e-${n}`)] });
      const [{ results }] = await Promise.all([
        store.commit([unit], null),
        reader.list({ limit: 10 }),
      ]);
      expect(results).toEqual(['committed']);
      expect((await reader.list({ limit: 1 })).calls[0]?.id).toBe(`call-${n}`);
    }
    expect(await reader.find('call-7')).toEqual(await store.find('call-7'));
    expect(await reader.timeline('call-7')).toEqual(await store.timeline('call-7'));
    expect(await reader.find('nobody')).toBeNull();
  });

  test('refuses what only newer code may use', async () => {
    const { database, end } = await prepare();
    await expect(openReader(database)).rejects.toThrow(/no such file|lacks our tables/);
    await (await openStore(database)).close();
    await ruleOut(database);
    await expect(openReader(database)).rejects.toThrow('code version 99 and newer');
    await end();
  });

  test('pages as the store does', async () => {
    const first = await reader.list({ limit: 15 });
    const second = await reader.list({ limit: 15, cursor: first.next ?? '' });
    expect([first.calls.length, second.calls.length, second.next]).toEqual([15, 5, null]);
  });
});

test('a list leaves out a call that the server removes while the list is read', async () => {
  const { database, end } = await DATABASES.SQLite();
  if (database.kind !== 'sqlite') throw new Error('no file');
  const store = await openStore(database);
  for (const n of [1, 2, 3]) {
    await store.commit([aUnit(aCall(`call-${n}`, { createdAt: n }), 0)], null);
  }
  const writer = new DatabaseSync(database.path);
  const file = new DatabaseSync(database.path, { readOnly: true });
  const list = prepareList(
    new Proxy(file, {
      get(of, name) {
        if (name !== 'prepare') return Reflect.get(of, name);
        return (sql: string) => {
          const statement = of.prepare(sql);
          if (!sql.includes('created_at')) return statement;
          return {
            all(...values: never[]) {
              const rows = statement.all(...values);
              writer.exec('delete from calls where created_at < 3');
              return rows;
            },
          };
        };
      },
    }),
  );
  const { calls, scanned } = list.chunk({ limit: 10 }, FIRST, null, 11);
  expect([calls.map(({ call }) => call.id), scanned]).toEqual([['call-3'], 3]);
  writer.close();
  file.close();
  await store.close();
  await end();
});

/** As a migration of a much later release does. */
async function ruleOut(database: Database): Promise<void> {
  const sql = 'update schema set oldest_code = 99';
  if (database.kind === 'sqlite') {
    const file = new DatabaseSync(database.path);
    file.exec(sql);
    file.close();
  } else {
    await asAdmin(database.url, sql);
  }
}

test('a folder is named as what is wrong, and not the disk', async () => {
  const path = await mkdtemp(join(tmpdir(), 'referee-reader-'));
  await expect(openReader({ kind: 'sqlite', path })).rejects.toThrow('it must be a file');
  await rm(path, { recursive: true });
});
