/** Reading a store that another process is using. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Database, openStore } from '../../src/store/open.ts';
import { openReader, type StoreReader } from '../../src/store/reader.ts';
import type { Store } from '../../src/store/store.ts';
import { aCall, anEntry, aUnit } from '../helpers/documents.ts';
import { freshDatabase } from '../helpers/postgres.ts';

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

  test('pages as the store does', async () => {
    const first = await reader.list({ limit: 15 });
    const second = await reader.list({ limit: 15, cursor: first.next ?? '' });
    expect([first.calls.length, second.calls.length, second.next]).toEqual([15, 5, null]);
  });
});
