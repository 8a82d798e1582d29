import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { StoreUnavailable } from '../../../src/errors.ts';
import { loadKeys } from '../../../src/store/contract/calls.ts';
import { openOwnStore, openStore } from '../../../src/store/open.ts';
import type { Store } from '../../../src/store/store.ts';
import { aCall, anEntry, aUnit } from '../../helpers/documents.ts';
import { waitFor } from '../../helpers/waiting.ts';

let folder: string;
let path: string;
let store: Store | null = null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'referee-trouble-'));
  path = join(folder, 'referee.db');
});
afterEach(async () => {
  await store?.close();
  store = null;
  rmSync(folder, { recursive: true });
});

const open = async (at = path) => {
  store = await openStore({ kind: 'sqlite', path: at });
  return store;
};

async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StoreUnavailable);
  return (error as Error).message;
}

test('a file that is not a database is refused by its name, with what to do', async () => {
  writeFileSync(path, 'number,name\n+14155550100,support\n'.repeat(100));
  expect(await refusal(open())).toMatch(/referee\.db: not an SQLite database: name another file/);
});

test('a folder in place of the file is refused', async () => {
  mkdirSync(path);
  expect(await refusal(open())).toMatch(/referee\.db: cannot be opened: it must be a file/);
});

test('a file in place of the folder is refused', async () => {
  writeFileSync(path, '');
  expect(await refusal(open(join(path, 'referee.db')))).toMatch(/its folder cannot be made/);
});

test.runIf(process.platform === 'linux')(
  'a folder that the system cannot make is refused, not tried for ever',
  async () => {
    expect(await refusal(open('/proc/data/referee.db'))).toMatch(/its folder cannot be made/);
  },
);

test('the database of another program is left alone', async () => {
  const other = new DatabaseSync(path);
  other.exec('create table recipes (name text)');
  other.close();
  const before = await readFile(path);
  expect(await refusal(open())).toMatch(/another program \(it has a table "recipes"\)/);
  expect(await readFile(path)).toEqual(before);
});

test('a newer schema that still allows this code is used, one that does not is refused', async () => {
  await (await open()).close();
  const newer = new DatabaseSync(path);
  newer.exec('update schema set version = 99');
  await (await open()).close();
  newer.exec('update schema set oldest_code = 99');
  newer.close();
  expect(await refusal(open())).toMatch(/schema 99 may be used by code version 99 and newer/);
});

test('a corrupt file says so, and what to do', async () => {
  const first = await open();
  for (let n = 0; n < 50; n += 1) await first.commit([aUnit(aCall(`call ${n}`), 0)], null);
  await first.close();
  const bytes = await readFile(path);
  bytes.fill(0x5a, 8192);
  writeFileSync(path, bytes);
  const unit = aUnit(aCall('another'), 0, { events: [anEntry('e')] });
  const message = await refusal(open().then((second) => second.commit([unit], null)));
  expect(message).toMatch(/referee\.db: corrupt: restore a backup \(docs\/operations\.md\)/);
});

test('a write of another process is waited for without holding the event loop', async () => {
  const first = await open();
  const other = new DatabaseSync(path);
  other.exec('begin immediate');
  const committed = first.commit([aUnit(aCall('patient'), 0)], null);
  // If SQLite itself waited, this timer could not run, and the lock would never be released.
  await new Promise<void>((done) => {
    setTimeout(() => {
      other.exec('commit');
      done();
    }, 30);
  });
  expect((await committed).results).toEqual(['committed']);
  other.close();
});

test('a file that stays busy is given up after half a second, and works again afterwards', async () => {
  const first = await open();
  const other = new DatabaseSync(path);
  other.exec('begin immediate');
  const unit = aUnit(aCall('unlucky'), 0);
  expect(await refusal(first.commit([unit], null))).toMatch(/busy: another process writes to it/);
  expect(await first.find('unlucky')).toBeNull();
  other.exec('rollback');
  other.close();
  expect((await first.commit([unit], null)).results).toEqual(['committed']);
});

test('a mistake in one batch is no trouble of the store', async () => {
  const first = await open();
  const broken = aUnit(aCall('broken', { rule: {} as unknown as string }), 0);
  const error: unknown = await first
    .commit([aUnit(aCall('fine'), 0), broken], null)
    .catch((e) => e);
  expect(error).toBeInstanceOf(Error);
  expect(error).not.toBeInstanceOf(StoreUnavailable);
  expect(await first.find('fine')).toBeNull();
  expect((await first.commit([aUnit(aCall('fine'), 0)], null)).results).toEqual(['committed']);
});

test('the write-ahead log is gone after closing', async () => {
  const first = await open();
  const wal = () => statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  await first.commit([aUnit(aCall('written'), 0)], null);
  expect(wal()).toBeGreaterThan(0);
  await first.close();
  expect(wal()).toBe(0);
});

const mountable = (() => {
  const probe = mkdtempSync(join(tmpdir(), 'referee-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', probe], { stdio: 'ignore' });
    execFileSync('umount', [probe]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(probe, { recursive: true });
  }
})();

// Mounting a small disk requires root, which CI has.
test.runIf(mountable)('a full and a read-only disk are trouble until they are not', async () => {
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'none', disk]);
  try {
    const full = await open(join(disk, 'referee.db'));
    await full.commit([aUnit(aCall('before'), 0)], null);
    await full.ping();
    writeFileSync(join(disk, 'filler'), Buffer.alloc(0));
    try {
      writeFileSync(join(disk, 'filler'), Buffer.alloc(4_000_000));
    } catch {
      // Only as much as fits was written, which is intended.
    }
    const big = aUnit(aCall('big', { facts: { callerName: 'x'.repeat(200_000) } }), 0);
    expect(await refusal(full.commit([big], null))).toMatch(/the disk is full/);
    expect(await full.find('big')).toBeNull();
    expect((await full.load(loadKeys({ callIds: ['before'] }))).calls.size).toBe(1);
    await waitFor(async () => expect(await refusal(full.ping())).toMatch(/full/));

    rmSync(join(disk, 'filler'));
    await waitFor(() => full.ping());
    expect((await full.commit([big], null)).results).toEqual(['committed']);

    await full.close();
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    expect(await refusal(open(join(disk, 'referee.db')))).toMatch(/read-only|cannot be opened/);
    execFileSync('mount', ['-o', 'remount,rw', disk]);
    expect(await (await open(join(disk, 'referee.db'))).find('big')).not.toBeNull();
  } finally {
    await store?.close();
    store = null;
    execFileSync('umount', ['-l', disk]);
  }
});

// SQLite opens such a file for reading only, and all that a process opens of it afterwards as long
// as that connection exists.
test.runIf(mountable)(
  'what a kill left on a disk that is read-only is opened as soon as the disk can be written',
  async () => {
    const left = join(folder, 'left');
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    const killed = await openStore({ kind: 'sqlite', path: join(folder, 'left.db') });
    await killed.commit([aUnit(aCall('kept'), 0)], null);
    mkdirSync(left);
    for (const file of ['left.db', 'left.db-wal', 'left.db-shm']) {
      cpSync(join(folder, file), join(left, file));
    }
    await killed.close();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'none', disk]);
    try {
      cpSync(left, disk, { recursive: true });
      execFileSync('mount', ['-o', 'remount,ro', disk]);
      const database = { kind: 'sqlite', path: join(disk, 'left.db') } as const;
      for (let tries = 0; tries < 3; tries += 1) {
        expect(await refusal(openOwnStore(database, {}))).toMatch(/left\.db: read-only: check/);
      }
      execFileSync('mount', ['-o', 'remount,rw', disk]);
      store = await openOwnStore(database, {});
      expect((await store.commit([aUnit(aCall('new'), 0)], null)).results).toEqual(['committed']);
      expect(await store.find('kept')).not.toBeNull();
    } finally {
      await store?.close();
      store = null;
      execFileSync('umount', ['-l', disk]);
    }
  },
);
