/** What the tools of PostgreSQL are given; that they work is tested with the commands of the docs. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { backUp } from '../../../src/store/backup.ts';
import { openStore } from '../../../src/store/open.ts';
import { freshDatabase, type TestDatabase } from '../../helpers/postgres.ts';

let database: TestDatabase;
let folder: string;
beforeEach(async () => {
  database = await freshDatabase();
  folder = mkdtempSync(join(tmpdir(), 'referee-tools-'));
  for (const name of ['pg_dump', 'pg_restore']) {
    const file = join(folder, name);
    writeFileSync(
      file,
      `#!/bin/sh\necho "$PGPASSWORD $*" >> "${folder}/said"\n: > "${folder}/to.part"\n`,
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
