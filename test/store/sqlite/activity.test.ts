/** What a look at the activity costs in a store with a history. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStore } from '../../../src/store/open.ts';
import type { Store } from '../../../src/store/store.ts';
import { cpuTimeMs } from '../../helpers/cpu-time.ts';
import { aCall, anAttempt, aUnit } from '../../helpers/documents.ts';

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'referee-activity-'));
  store = await openStore({ kind: 'sqlite', path: join(folder, 'referee.db') });
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

test('attempts that were skipped before are not gone through again for each call', async () => {
  const CALLS = 400;
  const { now } = await store.due(1);
  const units = Array.from({ length: CALLS }, (_, n) => {
    const attempts = [anAttempt(`attempt-${n}`, { startedAt: now, verdict: 'skipped' })];
    return aUnit(aCall(`call-${n}`, { createdAt: now, attempts }), 0);
  });
  await store.commit(units, null);
  const database = new DatabaseSync(join(folder, 'referee.db'));
  // Of earlier calls, whose rows this need not have.
  database.exec(`insert into attempts (call, key, kind, target, verdict, created_at, started_at, unsent)
    with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000)
    select -i, randomblob(16), 'refer', 'first', 'skipped', 1, 1, 1 from n`);
  database.close();
  const before = cpuTimeMs();
  const { calls } = await store.activity(now, 1_000);
  expect(cpuTimeMs() - before).toBeLessThan(300);
  expect(calls).toMatchObject([{ attempts: 1, untried: 1, count: CALLS }]);
});
