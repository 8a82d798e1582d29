/** What the tools of PostgreSQL are given; that they work is tested with the commands of the docs. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { backUp, restore } from '../../../src/store/backup.ts';
import { openStore } from '../../../src/store/open.ts';
import { aCall, aUnit } from '../../helpers/documents.ts';
import { asAdmin, freshDatabase, type TestDatabase } from '../../helpers/postgres.ts';

let database: TestDatabase;
let folder: string;
beforeEach(async () => {
  database = await freshDatabase();
  folder = mkdtempSync(join(tmpdir(), 'referee-tools-'));
  for (const name of ['pg_dump', 'pg_restore']) {
    const file = join(folder, name);
    writeFileSync(
      file,
      `#!/bin/sh
echo "$PGPASSWORD $*" >> "${folder}/said"
case "$*" in
  *--file=*) : > "$(echo "$*" | sed 's/.*--file=\\([^ ]*\\).*/\\1/')" ;;
  --list*) test -e "${folder}/contents" && cat "${folder}/contents" ;;
  *--use-list=*) cat "$(echo "$*" | sed 's/.*--use-list=\\([^ ]*\\).*/\\1/')" > "${folder}/used" ;;
esac
exit 0
`,
    );
    chmodSync(file, 0o755);
  }
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env.PATH}`);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
  await database.drop();
});

test.each(['in its place', 'as a parameter'])(
  'a password that stands in the URL %s is not on their command line',
  async (where) => {
    await (await openStore({ kind: 'postgres', url: database.url })).close();
    const url = new URL(database.url);
    const password = decodeURIComponent(url.password) || 'trusted';
    url.password = '';
    if (where === 'in its place') url.password = encodeURIComponent(password);
    else url.search = `?options=-c%20jit%3Doff&password=${encodeURIComponent(password)}`;
    const target = join(folder, 'to');
    await backUp({ kind: 'postgres', url: url.href }, target, new AbortController().signal);
    const said = readFileSync(join(folder, 'said'), 'utf8').trim().split('\n');
    expect(said).toHaveLength(2);
    expect(said[0]?.includes('?options=-c%20jit%3Doff')).toBe(where === 'as a parameter');
    for (const line of said) {
      expect(line.startsWith(`${password} `)).toBe(true);
      expect(line.slice(password.length)).not.toMatch(/password|:[^/@]+@/);
    }
  },
);

const CONTENTS = [
  '; Archive created at 2026-03-02',
  '6; 2615 16389 SCHEMA - My App app',
  '217; 1259 16391 TABLE My App calls app',
  '3394; 0 16391 TABLE DATA My App calls app',
];

test('a schema of our own is all that is backed up, and is restored into one of its name', async () => {
  const signal = new AbortController().signal;
  const given = { kind: 'postgres', url: database.url } as const;
  writeFileSync(join(folder, 'from'), '');
  writeFileSync(join(folder, 'contents'), CONTENTS.join('\n'));
  await expect(restore(join(folder, 'from'), given, signal)).rejects.toThrow(
    'was made in the schema "My App", and the user\'s search_path leads to "public"',
  );

  const name = new URL(database.url).pathname.slice(1);
  await asAdmin(database.url, `create schema "My App"; create schema "an""other"`);
  await asAdmin(database.url, `alter database ${name} set search_path = "My App", public`);
  await restore(join(folder, 'from'), given, signal);
  const [note, , table, data] = CONTENTS;
  expect(readFileSync(join(folder, 'used'), 'utf8').split('\n')).toEqual([note, table, data]);

  await (await openStore(given)).close();
  rmSync(join(folder, 'said'));
  await backUp(given, join(folder, 'to'), signal);
  const dump = readFileSync(join(folder, 'said'), 'utf8').split('\n')[0] ?? '';
  // The heartbeats are in it: they say since when Telnyx is asked for what was missed.
  expect(dump.match(/--exclude-table-data=\S+/g)).toEqual(['--exclude-table-data=changes']);
  expect(dump.match(/--exclude-schema=("([^"]|"")*")/g)?.toSorted()).toEqual([
    '--exclude-schema="an""other"',
    '--exclude-schema="public"',
  ]);
});

test('B-legs of transfers are not counted as calls, as they are in no list', async () => {
  const given = { kind: 'postgres', url: database.url } as const;
  const store = await openStore(given);
  const leg = aCall('leg', { parentId: 'one' });
  await store.commit([aUnit(aCall('one'), 0), aUnit(leg, 0)], null);
  await store.close();
  expect(await backUp(given, join(folder, 'to'), new AbortController().signal)).toBe(1);
});

test('what is restored has statistics at once, without which lists of many calls are slow', async () => {
  await asAdmin(database.url, 'create table restored (x int); insert into restored values (1)');
  writeFileSync(join(folder, 'from'), '');
  const given = { kind: 'postgres', url: database.url } as const;
  await restore(join(folder, 'from'), given, new AbortController().signal);
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query(
    "select reltuples::int as rows from pg_class where relname = 'restored'",
  );
  await client.end();
  expect(rows).toEqual([{ rows: 1 }]);
});
