/** A folder that is written to while it is read. */
import { mkdir, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { changedMeanwhile, readFolder, readReferenced } from '../../../src/routing/files/folder.ts';
import { lookAgain } from '../../../src/routing/files/look.ts';
import { LIMITS } from '../../../src/routing/limits.ts';
import { loadRoutes } from '../../../src/routing/load.ts';
import { Problems } from '../../../src/routing/problem.ts';
import { cpuTimeMs } from '../../helpers/cpu-time.ts';
import { problemsOf, withFolder } from '../routes-folder.ts';

const FILES = {
  'main.yaml': 'otherwise: [ hangup ]',
  'lists/a.txt': '+14155550101\n',
  'numbers.txt': '+14155550102\n',
};
const THEN = new Date('2026-01-01T00:00:00Z');

test.each<[string, (dir: string) => Promise<unknown>, string | null]>([
  ['nothing', async () => {}, null],
  ['a file that does not count', (dir) => writeFile(join(dir, 'notes.md'), 'n'), null],
  ['a file that counts', (dir) => writeFile(join(dir, 'lists/a.txt'), 'other'), 'lists/a.txt'],
  ['one that is referred to', (dir) => writeFile(join(dir, 'numbers.txt'), '+1'), 'numbers.txt'],
  ['a new one', (dir) => writeFile(join(dir, 'lists/b.txt'), ''), 'lists/b.txt'],
  ['one that is gone', (dir) => rm(join(dir, 'lists/a.txt')), 'lists/a.txt'],
  [
    'one that was replaced by its like, with its times',
    async (dir) => {
      await writeFile(join(dir, 'copy'), '+14155550109\n');
      await utimes(join(dir, 'copy'), THEN, THEN);
      await rename(join(dir, 'copy'), join(dir, 'lists/a.txt'));
    },
    'lists/a.txt',
  ],
])('%s changed meanwhile', async (_what, change, expected) => {
  await withFolder(FILES, async (dir) => {
    await symlink('nowhere', join(dir, 'lists/broken.txt'));
    await utimes(join(dir, 'lists/a.txt'), THEN, THEN);
    const problems = new Problems();
    const folder = await readFolder(dir, problems);
    await readReferenced(folder, 'numbers.txt');
    await change(dir);
    expect(await changedMeanwhile(folder)).toBe(expected);
  });
});

test('a set is of one moment, however often the folder changes while it is loaded', async () => {
  const main = `lists: { a: { file: lists/a.txt }, b: { file: lists/b.txt } }
rules:
  - { name: a, when: { from: "list:a" }, do: [ hangup ] }
  - { name: b, when: { from: "list:b" }, do: [ hangup ] }
otherwise: [ hangup ]`;
  const files = { 'main.yaml': main, 'lists/a.txt': '+14155550100', 'lists/b.txt': '+14155550100' };
  await withFolder(files, async (dir) => {
    const deploy = async () => {
      for (let version = 101; version < 150; version += 1) {
        for (const name of ['a', 'b']) {
          await writeFile(join(dir, 'copy'), `+14155550${version}`);
          await rename(join(dir, 'copy'), join(dir, `lists/${name}.txt`));
        }
      }
    };
    const [loaded] = await Promise.all([loadRoutes(dir, { env: {}, handlers: false }), deploy()]);
    if (!loaded.ok) {
      // On a very slow machine the deployment may outlast all tries.
      expect(loaded.problems.map(({ message }) => message)).toEqual(['changes while it is read']);
      return;
    }
    const [a, b] = [...loaded.set.lists.values()].map(({ entries }) => [...entries]);
    // During a deployment there is a moment with one old and one new file.
    const difference = Number(a?.[0]) - Number(b?.[0]);
    expect([0, 1]).toContain(difference);
  });
});

test('a file that exists is never said to be missing', async () => {
  const main = `lists: { a: { file: lists/long.txt }, b: { file: data/long.txt }, c: { file: data } }
tables: { d: { file: data/gone.csv, key: to } }
rules:
  - { name: r, when: { from: ["list:a", "list:b", "list:c"] }, do: [ hangup ] }
  - { name: s, when: { table: d }, do: [ hangup ] }
otherwise: [ hangup ]`;
  const files = { 'main.yaml': main, 'lists/long.txt': '', 'data/long.txt': '' };
  await withFolder(files, async (dir) => {
    for (const name of ['lists/long.txt', 'data/long.txt']) {
      await truncate(join(dir, name), LIMITS.listFileBytes + 1);
    }
    const size = 'it has 67108865 bytes, more than 67108864';
    expect(problemsOf(await loadRoutes(dir, { env: {}, handlers: false }))).toEqual([
      `lists/long.txt:1:1 cannot be read: ${size}`,
      `1:50 "data/long.txt" cannot be read: ${size}`,
      '1:78 "data" cannot be read: it is not a file',
      '2:22 there is no file "data/gone.csv" (put it there; the path begins in the routes folder)',
    ]);
  });
});

test('looking again at a large folder reads it only if something changed', async () => {
  const name = 'lists/long.txt';
  const long = '+14155550101\n'.repeat(1_000_000);
  await withFolder({ 'main.yaml': 'otherwise: [ hangup ]', [name]: long }, async (dir) => {
    // As if it had been written long ago, by the clock of its file system.
    const later = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 60_000);
    let look = await lookAgain(dir, [], null);
    const { hash } = look;
    const startedAt = cpuTimeMs();
    for (let n = 0; n < 50; n += 1) look = await lookAgain(dir, [], look);
    // To read and hash it takes 30 ms of CPU or more.
    expect(cpuTimeMs() - startedAt).toBeLessThan(1_000);
    expect(look).toMatchObject({ hash, again: 50 });

    await writeFile(join(dir, name), long.replace('+14155550101', '+14155550102'));
    look = await lookAgain(dir, [], look);
    expect(look.hash).not.toBe(hash);
    await writeFile(join(dir, 'numbers.txt'), '+14155550103\n');
    const more = await lookAgain(dir, ['numbers.txt'], look);
    expect(more.hash).not.toBe(look.hash);
    await writeFile(join(dir, 'more.yml'), '');
    expect((await lookAgain(dir, ['numbers.txt'], more)).hash).not.toBe(more.hash);

    later.mockRestore();
    await writeFile(join(dir, 'new.yaml'), 'rules: []');
    // Within the clock's tick another text could have the same time.
    expect(await lookAgain(dir, [], null)).toMatchObject({ glance: null, again: 0 });
  });
});

test('a folder is read now and then, whatever its times say', async () => {
  await withFolder({ 'main.yaml': 'otherwise: [ hangup ]' }, async (dir) => {
    const later = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 60_000);
    let look = await lookAgain(dir, [], null);
    const seen: number[] = [];
    for (let n = 0; n < 62; n += 1) {
      look = await lookAgain(dir, [], look);
      seen.push(look.again);
    }
    expect(seen.slice(-3)).toEqual([60, 0, 1]);
    later.mockRestore();
  });
});

test('a folder that could not be read whole is read again each time', async () => {
  const main = 'lists: { a: { file: data } }\notherwise: [ hangup ]';
  await withFolder({ 'main.yaml': main }, async (dir) => {
    const later = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 60_000);
    expect((await lookAgain(dir, ['data'], null)).glance).not.toBeNull();
    // A referenced file that is there and cannot be read.
    await mkdir(join(dir, 'data'));
    expect((await lookAgain(dir, ['data'], null)).glance).toBeNull();
    await rm(join(dir, 'data'), { recursive: true });
    await symlink('nowhere', join(dir, 'a.ics'));
    expect((await lookAgain(dir, ['data'], null)).glance).toBeNull();
    later.mockRestore();
  });
});

test('the folder that every volume has for lost files is not part of the routes', async () => {
  await withFolder({ 'main.yaml': 'otherwise: [ hangup ]' }, async (dir) => {
    const load = () => loadRoutes(dir, { env: {}, handlers: false });
    const before = await load();
    await mkdir(join(dir, 'lost+found'));
    await writeFile(join(dir, 'lost+found/1.ics'), 'no calendar');
    const after = await load();
    expect(after.ok && before.ok && after.set.hash === before.set.hash).toBe(true);
  });
});

test('what stands in the place of a route file is said', async () => {
  await withFolder({}, async (dir) => {
    await mkdir(join(dir, 'folder.yaml'));
    await symlink('loop.yaml', join(dir, 'loop.yaml'));
    await writeFile(join(dir, 'MAIN.YAML'), 'otherwise: [ hangup ]');
    const problems = problemsOf(await loadRoutes(dir, { env: {}, handlers: false }));
    expect(problems).toEqual([
      'MAIN.YAML:1:1 a route file ends in .yaml (rename it to MAIN.yaml)',
      'folder.yaml:1:1 cannot be read: it is a folder (put the route file in its place, or rename it)',
      expect.stringMatching(/^loop\.yaml:1:1 cannot be read: its links lead in a circle \(ELOOP/),
    ]);
  });
});
