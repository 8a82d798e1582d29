/** `referee backup` and `referee restore` when something is wrong. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runBackup, runRestore } from '../../src/cli/backup.ts';
import { openStore } from '../../src/store/open.ts';
import { openReader } from '../../src/store/reader.ts';
import { aCall, aUnit } from '../helpers/documents.ts';
import { written } from '../helpers/written.ts';

let folder: string;
let path: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'referee-backup-'));
  path = join(folder, 'data/referee.db');
  file = join(folder, 'backup.db');
  mkdirSync(join(folder, 'data'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const GOES_ON = new AbortController().signal;

const run = (what: 'backup' | 'restore', options = {}, url = `sqlite:${path}`, signal = GOES_ON) =>
  written(
    (io) =>
      what === 'backup' ? runBackup(file, io, signal) : runRestore(file, options, io, signal),
    { env: { DATABASE_URL: url } },
  );

async function fill(...ids: string[]) {
  const store = await openStore({ kind: 'sqlite', path });
  await store.commit(
    ids.map((id) => aUnit(aCall(id), 0)),
    null,
  );
  return store;
}

function contents(): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = names
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name));
  return Object.fromEntries(files.map((each) => [each, readFileSync(each, 'latin1')]));
}

test('a second backup replaces the first, and only two files are there', async () => {
  const store = await fill('one');
  expect((await run('backup')).out).toMatch(/backup\.db: 1 call, \d+ kB\n$/);
  await store.commit([aUnit(aCall('two'), 0)], null);
  expect((await run('backup')).out).toContain('2 calls');
  await store.close();
  expect(Object.keys(contents()).toSorted()).toEqual([file, path]);
  // Reading it creates no files beside it either, which a killed process would leave behind.
  const reading = new DatabaseSync(file);
  expect(reading.prepare('select count(*) as calls from calls').get()).toEqual({ calls: 2 });
  expect(Object.keys(contents()).toSorted()).toEqual([file, path]);
  reading.close();
});

test.each([
  ['is not there', null],
  ['is empty', ''],
  ['is no database', 'x'.repeat(10_000)],
])('where the database %s, no file is left, and the last backup stays', async (_, text) => {
  if (text !== null) writeFileSync(path, text);
  writeFileSync(file, 'the last one');
  const before = contents();
  const { code, err } = await run('backup');
  expect([code, err]).toEqual([1, expect.stringContaining('no backup was made: ')]);
  expect(contents()).toEqual(before);
});

test('a folder that is not there is said, and nothing is made', async () => {
  await (await fill('one')).close();
  file = join(folder, 'nowhere/backup.db');
  const { code, err } = await run('backup');
  expect(code).toBe(1);
  expect(err).toContain(`no backup was made: ${file}.`);
  expect(err).toContain('.part: cannot be opened');
  expect(Object.keys(contents())).toEqual([path]);
});

test('on a new machine a restore makes the folder of the database, as a server does', async () => {
  await (await fill('one')).close();
  await run('backup');
  rmSync(join(folder, 'data'), { recursive: true });
  expect(await run('restore')).toMatchObject({ code: 0, err: '' });
  expect(Object.keys(contents()).toSorted()).toEqual([file, path]);
});

test('a folder that cannot be made is said, and nothing is restored', async () => {
  await (await fill('one')).close();
  await run('backup');
  writeFileSync(join(folder, 'a-file'), '');
  const before = contents();
  const { code, err } = await run('restore', {}, `sqlite:${folder}/a-file/data/referee.db`);
  expect([code, err]).toEqual([
    1,
    expect.stringContaining(`nothing was restored: ${folder}/a-file/data/referee.db: `),
  ]);
  expect(err).toContain('its folder cannot be made');
  expect(contents()).toEqual(before);
});

test('B-legs of transfers are not counted as calls, as they are in no list', async () => {
  const store = await fill('one', 'two');
  await store.commit([aUnit(aCall('leg', { parentId: 'one' }), 0)], null);
  expect((await run('backup')).out).toContain('backup.db: 2 calls, ');
  await store.close();
  expect((await run('restore', { yes: true })).out).toContain('2 calls restored');
});

test.each([
  ['no database', (at: string) => writeFileSync(at, 'x'.repeat(10_000)), 'not an SQLite database'],
  [
    'a file of another program',
    (at: string) => {
      const other = new DatabaseSync(at);
      other.exec('create table notes (text)');
      other.close();
    },
    'an SQLite file of another program',
  ],
  [
    'a damaged backup',
    async (at: string) => {
      await (await fill('one')).close();
      await run('backup');
      const whole = readFileSync(at);
      writeFileSync(at, whole.fill(7, 8_192));
    },
    'it is damaged (',
  ],
])('a restore from %s blames that file, and no setting', async (_, make, reason) => {
  await make(file);
  const { code, err } = await run('restore', { yes: true });
  expect([code, err]).toEqual([1, expect.stringContaining(`${file}: ${reason}`)]);
  expect(err).not.toMatch(/DATABASE_URL|restore a backup/);
});

test('the database itself is not taken for the backup', async () => {
  const store = await fill('one');
  file = path;
  expect((await run('backup')).err).toContain('this is the database itself');
  expect(await store.find('one')).not.toBeNull();
  await store.close();
});

test.each([
  ['the path itself', () => path],
  ['a path with dots', () => `${folder}/data/../data/./referee.db`],
  ['a symbolic link', () => linked(symlinkSync)],
  ['a hard link', () => linked(linkSync)],
])('the database itself is no backup to restore, named by %s', async (_, named) => {
  await (await fill('one')).close();
  file = named();
  const before = contents();
  for (const yes of [true, undefined]) {
    expect(await run('restore', { yes })).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('nothing was restored: '),
    });
    expect((await run('restore', { yes })).err).toContain(`${file}: this is the database itself`);
  }
  expect((await run('backup')).err).toContain('this is the database itself');
  expect(contents()).toEqual(before);
});

function linked(link: (path: string, name: string) => void): string {
  const name = join(folder, 'link.db');
  link(path, name);
  return name;
}

test('the database of a running server is no backup: what is in its log would be lost', async () => {
  const store = await fill('one');
  file = path;
  path = join(folder, 'data/other.db');
  const { code, err } = await run('restore', { yes: true });
  expect([code, err]).toEqual([1, expect.stringContaining('make one with referee backup')]);
  expect(readdirSync(join(folder, 'data'))).not.toContain('other.db');
  await store.close();
  expect((await run('restore', { yes: true })).out).toContain('1 call restored');
});

test('a file that a server is using is not replaced; once it has stopped, it is', async () => {
  const store = await fill('one');
  await run('backup');
  await store.commit([aUnit(aCall('two'), 0)], null);
  const refused = await run('restore', { yes: true });
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('a server is using it')]);
  expect((await store.commit([aUnit(aCall('three'), 0)], null)).results).toEqual(['committed']);
  await store.close();
  expect(await run('restore')).toMatchObject({ code: 1, err: expect.stringContaining('--yes') });
  expect((await run('restore', { yes: true })).out).toContain('1 call restored');
  const restored = await fill();
  expect(await restored.find('one')).not.toBeNull();
  expect(await restored.find('two')).toBeNull();
  await restored.close();
});

test('a restore without a whole backup touches nothing', async () => {
  const store = await fill('one');
  await run('backup');
  await store.close();
  const whole = readFileSync(file);
  // Pages in the middle are missing, as after an incomplete copy or a disk failure.
  const damaged = Buffer.concat([whole.subarray(0, 8_192), Buffer.alloc(whole.length - 8_192, 7)]);
  for (const bytes of [null, Buffer.from(''), Buffer.from('no database'), damaged]) {
    rmSync(file, { force: true });
    if (bytes !== null) writeFileSync(file, bytes);
    const before = contents();
    const { code, err } = await run('restore', { yes: true });
    expect([code, err]).toEqual([1, expect.stringContaining('nothing was restored: ')]);
    expect(contents()).toEqual(before);
  }
});

test('one that is stopped leaves nothing, and what was there stays', async () => {
  const store = await fill('one');
  await run('backup');
  await store.close();
  const before = contents();
  const stopped = AbortSignal.abort('SIGINT');
  // Aborts between two pieces of the copy, like Ctrl-C.
  const stopping = new AbortController();
  queueMicrotask(() => stopping.abort('SIGTERM'));
  for (const signal of [stopped, stopping.signal]) {
    for (const what of ['backup', 'restore'] as const) {
      const { code, err } = await run(what, { yes: true }, undefined, signal);
      expect([code, err]).toEqual([1, expect.stringContaining('it was stopped')]);
      expect(contents()).toEqual(before);
    }
  }
});

test('beside the log of another file nothing is opened, and a restore puts an end to it', async () => {
  const store = await fill('one');
  await run('backup');
  await store.close();
  rmSync(path);
  const other = await fill('two', 'three');
  const log = readFileSync(`${path}-wal`);
  await other.close();
  // As after `cp backup.db referee.db` beside what a killed server left.
  copyFileSync(file, path);
  writeFileSync(`${path}-wal`, log);
  const before = contents();
  const another = 'the log of another database file';
  expect((await run('backup')).err).toContain(another);
  await expect(openReader({ kind: 'sqlite', path })).rejects.toThrow(another);
  const stopping = new AbortController();
  queueMicrotask(() => stopping.abort('SIGTERM'));
  expect((await run('restore', { yes: true }, undefined, stopping.signal)).code).toBe(1);
  expect(contents()).toEqual(before);
  expect((await run('restore', { yes: true })).out).toContain('1 call restored');
  const restored = await fill();
  expect([await restored.find('one'), await restored.find('two')]).toEqual([
    expect.anything(),
    null,
  ]);
  await restored.close();
});

test('a backup beside the log of another file is not restored', async () => {
  const store = await fill('one');
  await run('backup');
  await store.close();
  const another = await openStore({ kind: 'sqlite', path: join(folder, 'another.db') });
  await another.commit([aUnit(aCall('two'), 0)], null);
  copyFileSync(join(folder, 'another.db-wal'), `${file}-wal`);
  await another.close();
  const before = contents();
  expect((await run('restore', { yes: true })).err).toContain('the log of another database file');
  expect(contents()).toEqual(before);
});

test('a link is followed: the file that it leads to is replaced', async () => {
  const volume = join(folder, 'volume');
  mkdirSync(volume);
  symlinkSync(join(volume, 'referee.db'), path);
  symlinkSync(join(volume, 'backup.db'), file);
  writeFileSync(join(volume, 'backup.db'), 'the last one');
  await (await fill('one')).close();
  expect((await run('backup')).code).toBe(0);
  const store = await fill('two');
  await store.close();
  expect((await run('restore', { yes: true })).out).toContain('1 call restored');
  expect([path, file].map((each) => lstatSync(each).isSymbolicLink())).toEqual([true, true]);
  expect(readdirSync(volume).toSorted()).toEqual(['backup.db', 'referee.db']);
  const restored = await fill();
  expect(await restored.find('two')).toBeNull();
  await restored.close();
  rmSync(file);
  symlinkSync(path, file);
  expect((await run('backup')).err).toContain('this is the database itself');
});

test('a link to a file that is not there yet is followed, too', async () => {
  const volume = join(folder, 'volume');
  mkdirSync(volume);
  await (await fill('one')).close();
  symlinkSync('volume/backup.db', file);
  expect((await run('backup')).code).toBe(0);
  rmSync(path);
  symlinkSync('../volume/referee.db', path);
  expect((await run('restore', { yes: true })).out).toContain('1 call restored');
  expect([path, file].map((each) => lstatSync(each).isSymbolicLink())).toEqual([true, true]);
  expect(readdirSync(volume).toSorted()).toEqual(['backup.db', 'referee.db']);
});

test('what is no regular file is never replaced, such as /dev/null by root', async () => {
  await (await fill('one')).close();
  // A named pipe stands for every device.
  spawnSync('mkfifo', [file]);
  const refused = [1, expect.stringContaining('backup.db: it is no regular file; name a file')];
  const { code, err } = await run('backup');
  expect([code, err]).toEqual(refused);
  expect(lstatSync(file).isFIFO()).toBe(true);
  rmSync(file);
  mkdirSync(file);
  expect((await run('backup')).err).toContain('backup.db: it is a folder; name a file');
  expect(readdirSync(folder).toSorted()).toEqual(['backup.db', 'data']);
});

test('a name that SQLite would take for a URI is the name of a file', async () => {
  await (await fill('one')).close();
  const at = process.cwd();
  process.chdir(folder);
  try {
    file = 'file:backup.db?mode=memory';
    expect((await run('backup')).code).toBe(0);
    expect(readdirSync('.').toSorted()).toEqual(['data', file]);
  } finally {
    process.chdir(at);
  }
});

test('a file that is replaced keeps its owner, and who may read it', async () => {
  await (await fill('one')).close();
  await run('backup');
  const isRoot = process.getuid?.() === 0;
  for (const each of [path, file]) {
    chmodSync(each, 0o600);
    if (isRoot) chownSync(each, 4_321, 8_765);
  }
  expect((await run('backup')).code).toBe(0);
  expect((await run('restore', { yes: true })).code).toBe(0);
  for (const each of [path, file]) {
    const { mode, uid, gid } = statSync(each);
    expect((mode & 0o777).toString(8)).toBe('600');
    if (isRoot) expect([uid, gid]).toEqual([4_321, 8_765]);
  }
});

test('what a killed one left is gone after the next', async () => {
  const store = await fill('one');
  // Of a process that has ended.
  const part = `.${spawnSync('true').pid}-0123abcd.part`;
  for (const end of ['', '-wal', '-shm', '-journal']) writeFileSync(`${file}${part}${end}`, 'half');
  expect((await run('backup')).code).toBe(0);
  await store.close();
  writeFileSync(`${path}${part}`, 'half');
  expect((await run('restore', { yes: true })).code).toBe(0);
  expect(Object.keys(contents()).toSorted()).toEqual([file, path]);
});

test('two at the same time into one file are both complete', async () => {
  const store = await fill('one');
  const both = await Promise.all([run('backup'), run('backup')]);
  expect(both.map(({ code, out }) => [code, out])).toEqual(
    Array(2).fill([0, expect.stringContaining('1 call')]),
  );
  await store.close();
  expect(Object.keys(contents()).toSorted()).toEqual([file, path]);
  expect((await run('restore', { yes: true })).code).toBe(0);
});

test('PostgreSQL: where none answers, no file is left and the last backup stays', async () => {
  writeFileSync(file, 'the last one');
  const before = contents();
  const { code, err } = await run('backup', {}, 'postgres://user:secret@127.0.0.1:1/referee');
  expect([code, err]).toEqual([1, expect.stringContaining('no backup was made: ')]);
  expect(err).not.toContain('secret');
  expect(contents()).toEqual(before);
});
