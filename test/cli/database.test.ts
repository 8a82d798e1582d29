import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runSchedule } from '../../src/cli/schedule.ts';
import { readOverrides } from '../../src/cli/sources/documents.ts';
import { openStore } from '../../src/store/open.ts';

let folder: string;
let out: string[];
let err: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referee-overrides-'));
  out = [];
  err = [];
});
afterEach(() => rm(folder, { recursive: true }));

const ioOn = (databaseUrl: string) => ({
  stdout: { write: (text: string) => void out.push(text) },
  stderr: { write: (text: string) => void err.push(text) },
  env: { DATABASE_URL: databaseUrl },
  isTTY: false,
});

test('a schedule that an operator has closed on the running server is shown as closed', async () => {
  const path = join(folder, 'referee.db');
  const store = await openStore({ kind: 'sqlite', path });
  await store.changeSetting('overrides', () => ({
    schedules: { office: { open: false, untilMs: null } },
  }));
  await writeFile(
    join(folder, 'main.yaml'),
    'schedules: { office: { zone: UTC, open: [ "mon-sun 00:00-24:00" ] } }\nrules: [ { name: a, when: { schedule: office }, do: [ hangup ] } ]\notherwise: [ hangup ]\n',
  );
  const code = await runSchedule(
    undefined,
    { routes: folder, count: 1, json: true },
    ioOn(`sqlite:${path}`),
  );
  await store.close();
  expect(err).toEqual([]);
  expect(code).toBe(0);
  expect(out.join('')).toContain('"open": false');
});

test('where no server has run there are none, and nothing is created', async () => {
  const path = join(folder, 'nothing.db');
  expect(await readOverrides(ioOn(`sqlite:${path}`))).toBeNull();
  expect(err).toEqual([]);
});

test('a file that is no database is named, and the command goes on without', async () => {
  const path = join(folder, 'text.db');
  await writeFile(
    path,
    'not a database, but a text that is long enough to be looked at '.repeat(20),
  );
  expect(await readOverrides(ioOn(`sqlite:${path}`))).toBeNull();
  expect(err.join('')).toContain('text.db');
});
