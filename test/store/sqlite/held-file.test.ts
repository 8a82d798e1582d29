/** A database file that is deleted, moved, replaced or overwritten while a store has it open. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { StoreUnavailable } from '../../../src/errors.ts';
import { openStore } from '../../../src/store/open.ts';
import { PING_FRESH_MS, type Store, type StoreNotice } from '../../../src/store/store.ts';
import { aCall, aUnit } from '../../helpers/documents.ts';
import { waitFor } from '../../helpers/waiting.ts';

let folder: string;
let path: string;
let stores: Store[];
let notices: StoreNotice[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'referee-held-'));
  mkdirSync(join(folder, 'data'));
  path = join(folder, 'data', 'referee.db');
  stores = [];
  notices = [];
});
afterEach(async () => {
  for (const store of stores) await store.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open(at = path): Promise<Store> {
  const onNotice = (notice: StoreNotice) => void notices.push(notice);
  const store = await openStore({ kind: 'sqlite', path: at }, { onNotice });
  stores.push(store);
  await store.ping();
  return store;
}

const put = (store: Store, id: string) => store.commit([aUnit(aCall(id), 0)], null);

async function words(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StoreUnavailable);
  return (error as Error).message;
}

/** Pings in quick succession share one check. */
function readyWords(store: Store): Promise<string> {
  return waitFor(async () => {
    await new Promise((resolve) => setTimeout(resolve, PING_FRESH_MS));
    return words(store.ping());
  });
}

/** In a separate process, like an operator's shell. */
function backUp(to: string): void {
  const script = `new (require('node:sqlite').DatabaseSync)(${JSON.stringify(path)}).exec("vacuum into '${to}'")`;
  execFileSync(process.execPath, ['-e', script]);
}

describe('a commit is refused once the file behind the path is not the one it went into', () => {
  const cases: [string, RegExp, () => void][] = [
    ['deleted', /database file is gone/, () => unlinkSync(path)],
    ['with its folder moved away', /database file is gone/, () => moveFolder()],
    [
      'replaced, as by a restore',
      /the path now has another file/,
      () => {
        backUp(join(folder, 'backup.db'));
        for (const end of ['', '-wal', '-shm']) rmSync(path + end);
        copyFileSync(join(folder, 'backup.db'), path);
      },
    ],
    [
      'overwritten in place',
      /overwritten or truncated/,
      () => {
        backUp(join(folder, 'backup.db'));
        execFileSync('cp', [join(folder, 'backup.db'), path]);
      },
    ],
    [
      'overwritten in place by the database of somebody else',
      /overwritten or truncated/,
      () => {
        const other = new DatabaseSync(join(folder, 'other.db'));
        other.exec('create table recipes (name text)');
        other.close();
        execFileSync('cp', [join(folder, 'other.db'), path]);
      },
    ],
    ['cut to nothing', /overwritten or truncated/, () => truncateSync(path)],
    [
      'robbed of its log in place',
      /the log was overwritten or truncated/,
      () => truncateSync(`${path}-wal`),
    ],
  ];

  test.each(cases)('%s', async (_, said, happens) => {
    const store = await open();
    await put(store, 'before');
    happens();
    expect(await words(put(store, 'during'))).toMatch(said);
    expect(await readyWords(store)).toMatch(said);
    expect(await words(store.due(1))).toMatch(said);
  });
});

test('a link that points elsewhere now is another file', async () => {
  const link = join(folder, 'referee.db');
  const other = join(folder, 'other.db');
  symlinkSync(path, link);
  const store = await open(link);
  await put(store, 'before');
  writeFileSync(other, '');
  unlinkSync(link);
  symlinkSync(other, link);
  expect(await words(put(store, 'during'))).toMatch(/the path now has another file/);
  unlinkSync(link);
  symlinkSync(path, link);
  expect((await put(store, 'after')).results).toEqual(['committed']);
});

function moveFolder(): void {
  renameSync(dirname(path), join(folder, 'elsewhere'));
}

test('the right file moved back, with its log, is used again, and holds everything', async () => {
  const store = await open();
  await put(store, 'before');
  moveFolder();
  expect(await words(put(store, 'during'))).toMatch(/move it back/);
  mkdirSync(dirname(path));
  writeFileSync(path, '');
  expect(await words(put(store, 'still'))).toMatch(/another file/);
  rmSync(dirname(path), { recursive: true });
  renameSync(join(folder, 'elsewhere'), dirname(path));
  expect((await put(store, 'after')).results).toEqual(['committed']);
  await store.close();
  const again = await open();
  for (const id of ['before', 'after']) expect(await again.find(id)).not.toBeNull();
});

test.each(['-wal', '-shm'])(
  'without its %s nothing is lost: what the log held is saved into the file',
  async (end) => {
    const store = await open();
    await put(store, 'before');
    rmSync(path + end);
    expect((await put(store, 'during')).results).toEqual(['committed']);
    if (end === '-shm') {
      await waitFor(async () => {
        await store.ping();
        expect(notices).not.toEqual([]);
      });
    }
    expect(notices).toMatchObject([{ kind: 'log_saved' }]);
    expect((await put(store, 'after')).results).toEqual(['committed']);
    // As after a power cut: only what is on the disk now.
    const copy = join(folder, 'copy.db');
    for (const each of ['', '-wal']) copyFileSync(path + each, copy + each);
    const found = await open(copy);
    for (const id of ['before', 'during', 'after']) expect(await found.find(id)).not.toBeNull();
  },
);

test('a backup that was copied over the open file stays as it was copied, whatever the server still does', async () => {
  const store = await open();
  await put(store, 'before');
  const backup = join(folder, 'backup.db');
  backUp(backup);
  await put(store, 'later');
  execFileSync('cp', [backup, path]);
  await words(put(store, 'during'));
  await readyWords(store);
  await store.close();
  expect(readFileSync(path).equals(readFileSync(backup))).toBe(true);
});

test('checkpoints, a backup, a reader and a vacuum of another process are no trouble', async () => {
  const store = await open();
  for (let n = 0; n < 20; n += 1) {
    await put(store, `call ${n}`);
    const other = new DatabaseSync(path);
    if (n % 3 === 0) other.exec('pragma wal_checkpoint(truncate)');
    if (n % 7 === 0) other.exec('vacuum');
    if (n === 5) backUp(join(folder, 'backup.db'));
    other.prepare('select count(*) from calls').get();
    other.close();
    await new Promise((resolve) => setTimeout(resolve, PING_FRESH_MS));
    await store.ping();
  }
  expect(notices).toEqual([]);
  await store.close();
  expect(await (await open()).find('call 19')).not.toBeNull();
});

describe('a start beside a log', () => {
  /** Another process writes and is killed, so its log stays. */
  function live(...ids: string[]): void {
    const module = (file: string) =>
      JSON.stringify(new URL(`../../../${file}`, import.meta.url).href);
    const script = `
      const { openStore } = await import(${module('src/store/open.ts')});
      const { aCall, aUnit } = await import(${module('test/helpers/documents.ts')});
      const store = await openStore({ kind: 'sqlite', path: ${JSON.stringify(path)} });
      await store.ping();
      for (const id of ${JSON.stringify(ids)}) await store.commit([aUnit(aCall(id), 0)], null);
      process.kill(process.pid, 'SIGKILL');`;
    spawnSync(process.execPath, ['--input-type=module', '-e', script]);
  }

  test('of its own, as a killed server leaves it: everything is there', async () => {
    live('one', 'two');
    live('three');
    const store = await open();
    for (const id of ['one', 'two', 'three']) expect(await store.find(id)).not.toBeNull();
  });

  test('of the file that a backup was copied over: refused, with what to do, until it is removed', async () => {
    live('old');
    const backup = join(folder, 'backup.db');
    backUp(backup);
    live('new');
    copyFileSync(backup, path);
    expect(await words(open())).toMatch(/the log of another database file.*remove .*-wal/);
    expect(readFileSync(path).equals(readFileSync(backup))).toBe(true);
    rmSync(`${path}-wal`);
    rmSync(`${path}-shm`, { force: true });
    const store = await open();
    expect(await store.find('old')).not.toBeNull();
    expect(await store.find('new')).toBeNull();
  });

  test('of a file that is empty now: refused, and the log with its calls stays', async () => {
    live('kept');
    const file = readFileSync(path);
    const log = readFileSync(`${path}-wal`);
    writeFileSync(path, '');
    expect(await words(open())).toMatch(/the log of another database file.*put the file back/);
    expect(readFileSync(`${path}-wal`).equals(log)).toBe(true);
    writeFileSync(path, file);
    expect(await (await open()).find('kept')).not.toBeNull();
  });

  test('of the file that the database of another server was put in place of: refused', async () => {
    live('ours');
    rmSync(path);
    const log = readFileSync(`${path}-wal`);
    rmSync(`${path}-wal`);
    rmSync(`${path}-shm`, { force: true });
    const theirs = await open();
    await put(theirs, 'theirs');
    await theirs.close();
    writeFileSync(`${path}-wal`, log);
    expect(await words(open())).toMatch(/the log of another database file/);
  });
});
