/**
 * `kill -9` in the middle of adding calls to the hourly sums, at each table that is written:
 * nothing is lost or counted twice, even if a call that was added before is corrected.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { expect, test, vi } from 'vitest';
import { addUp, HOUR_MS, type Sum, sumKey, sumsOf } from '../../src/core/history/sums.ts';
import type { Call, Ends } from '../../src/core/machine/call.ts';
import { HOURLY_SUMS } from '../../src/store/contract/calls.ts';
import { openStore } from '../../src/store/open.ts';
import { aCall, anAttempt, aUnit } from '../helpers/documents.ts';
import { freshDatabase } from '../helpers/postgres.ts';
import { eventually } from '../helpers/referee-process.ts';

vi.setConfig({ testTimeout: 240_000 });

const FOLDER = join(import.meta.dirname, '../helpers/fold-until-killed.ts');
const LOCK = 4_712;

/** A place at which the adding process blocks. */
interface Held {
  url: string;
  hold(when: string): Promise<void>;
  /** Whether the process is blocked there. */
  stands(): Promise<boolean>;
  release(): Promise<void>;
  end(): Promise<void>;
}

/** A trigger that counts for ever inside the transaction. */
async function sqlite(): Promise<Held> {
  const folder = mkdtempSync(join(tmpdir(), 'referee-held-'));
  const path = join(folder, 'referee.db');
  const within = <T>(work: (database: DatabaseSync) => T): T => {
    const database = new DatabaseSync(path, { timeout: 0 });
    try {
      return work(database);
    } finally {
      database.close();
    }
  };
  return {
    url: `sqlite:${path}`,
    hold: async (when) =>
      within((database) =>
        database.exec(
          `create view if not exists endless as
             with recursive n(i) as (select 1 union all select i + 1 from n) select i from n;
           create trigger held before ${when} begin select count(*) from endless; end`,
        ),
      ),
    async stands() {
      // A short transaction is over by the second look.
      for (let look = 0; look < 5; look += 1) {
        if (!within(isLocked)) return false;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return true;
    },
    release: async () => within((database) => database.exec('drop trigger held')),
    end: async () => rmSync(folder, { recursive: true }),
  };
}

function isLocked(database: DatabaseSync): boolean {
  try {
    database.exec('begin immediate; rollback');
    return false;
  } catch {
    return true;
  }
}

/** A trigger that waits for a lock held by the test. */
async function postgres(): Promise<Held> {
  const { url, drop } = await freshDatabase();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(
    `create function held() returns trigger language plpgsql as
       'begin perform pg_advisory_xact_lock(${LOCK}); return coalesce(new, old); end'`,
  );
  let on = '';
  return {
    url,
    async hold(when) {
      on = when.split(' ').at(-1) ?? '';
      await client.query(
        `select pg_advisory_lock(${LOCK});
         create trigger held before ${when} for each row execute function held()`,
      );
    },
    async stands() {
      const { rows } = await client.query(
        `select from pg_locks where locktype = 'advisory' and objid = ${LOCK} and not granted`,
      );
      return rows.length > 0;
    },
    async release() {
      // The killed process's session continues until it notices that its client is gone, and rolls
      // back.
      await client.query(`select pg_advisory_unlock(${LOCK})`);
      await client.query(`drop trigger held on ${on}`);
    },
    async end() {
      await client.end();
      await drop();
    },
  };
}

function callOf(n: number, ends: Ends): Call {
  const attempt = anAttempt(`attempt-${n}`, {
    verdict: ends === 'referred' ? 'completed' : 'busy',
    startedAt: 0,
    acceptedAt: 0,
    endedAt: 100 * n,
  });
  return aCall(`v3:call-${n}`, {
    createdAt: (n % 2) * HOUR_MS + 1,
    endedAt: 3 * HOUR_MS,
    phase: 'ended',
    ends,
    decided: true,
    attempts: [attempt],
    facts: { from: `+1415555010${n}`, to: '+14155550100' },
  });
}

const sorted = (sums: Sum[]) => sums.toSorted((a, b) => (sumKey(a) < sumKey(b) ? -1 : 1));

const POINTS = ['insert on folded', 'insert on sums', 'insert on parties', 'delete on uncounted'];

test.each([
  ['SQLite', sqlite],
  ['PostgreSQL', postgres],
] as const)('on %s', async (_, open) => {
  const held = await open();
  const database = held.url.startsWith('sqlite:')
    ? ({ kind: 'sqlite', path: held.url.slice('sqlite:'.length) } as const)
    : ({ kind: 'postgres', url: held.url } as const);
  const calls = new Map<number, { call: Call; version: number }>();
  const keep = async (n: number, ends: Ends) => {
    const store = await openStore(database);
    const version = calls.get(n)?.version ?? 0;
    const call = callOf(n, ends);
    const tally = new Map([[HOURLY_SUMS, { waits: 0 }]]);
    await store.commit([aUnit(call, version, { tally })], null);
    calls.set(n, { call, version: version + 1 });
    await store.close();
  };
  const folded = async (): Promise<Sum[]> => {
    const store = await openStore(database);
    await eventually(
      async () => (await store.fold(100)) > 0,
      () => 'the fold was lost',
      20_000,
    );
    expect(await store.fold(100)).toBe(0);
    const sums = await store.sums(0, 9 * HOUR_MS);
    await store.close();
    return sums;
  };
  try {
    for (const [n, point] of POINTS.entries()) {
      await keep(n, 'referred');
      // Corrects a call that was added before, whose old sums must be subtracted.
      if (n > 0) await keep(n - 1, 'failed');
      await held.hold(point);
      const child = spawn(process.execPath, [FOLDER, held.url], { stdio: 'ignore' });
      await eventually(held.stands, () => `nobody came to ${point}`, 30_000);
      child.kill('SIGKILL');
      await once(child, 'exit');
      await held.release();
      const all = [...calls.values()].flatMap(({ call }) => sumsOf(call));
      expect(sorted(await folded()), point).toEqual(sorted(addUp(all)));
    }
  } finally {
    await held.end();
  }
});
