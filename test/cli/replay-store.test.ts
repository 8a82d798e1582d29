/** `referee replay` from both stores gives the same result as from an export. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCli } from '../../src/cli.ts';
import { parseDatabaseUrl } from '../../src/config/values.ts';
import { loadRoutes } from '../../src/routing/load.ts';
import { openStore } from '../../src/store/open.ts';
import { freshDatabase } from '../helpers/postgres.ts';
import { recordCall, type Story, storedOf } from '../helpers/recorded-call.ts';
import { written } from '../helpers/written.ts';

const main = (steps: string) => `targets:
  us: { sip: "sip:us@pbx.example.com" }
  eu: { sip: "sip:eu@pbx.example.com" }
policy: { via: { pstn: refer } }
otherwise: [{ reject: declined }]
rules:
  - { name: support, when: { to: "+14155550100" }, do: [ ${steps} ] }
`;

/** More than one page of the store's list. */
const CALLS = 120;
const START = Date.parse('2026-03-02T15:00:00Z');

/** For every fourth caller the first target was busy; calls are a minute apart. */
function story(n: number): Story {
  return {
    facts: { callId: `v3:call-${n}` },
    at: START + n * 60_000,
    ...(n % 4 === 0 ? { targets: { us: [{ verdict: 'busy' as const }] } } : {}),
  };
}

let folder: string;
const databases: Record<string, { url: string; drop(): Promise<void> }> = {};
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'referee-replay-store-'));
  for (const [name, steps] of [
    ['live', '{ refer: us }, { refer: eu }'],
    ['swapped', '{ refer: eu }, { refer: us }'],
  ] as const) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'main.yaml'), main(steps));
  }
  databases.SQLite = { url: `sqlite:${join(folder, 'referee.db')}`, drop: async () => {} };
  databases.PostgreSQL = await freshDatabase();
  const loaded = await loadRoutes(join(folder, 'live'), { env: {}, handlers: false });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const calls = Array.from({ length: CALLS }, (_, n) => recordCall(loaded.set, story(n)));
  for (const { url } of Object.values(databases)) {
    const store = await openStore(parseDatabaseUrl(url));
    await store.commit(calls.map(storedOf), null);
    await store.close();
  }
});
afterAll(async () => {
  for (const { drop } of Object.values(databases)) await drop();
  rmSync(folder, { recursive: true });
});

const referee = (database: string, ...args: string[]) =>
  written((io) => runCli(args, io), {
    env: { ENV_FILE: '', DATABASE_URL: databases[database]?.url ?? '' },
  });

const ALL = ['--since', '2026-03-01T00:00:00Z'];
const routes = (name: string) => ['--routes', join(folder, name)];

describe.each(['SQLite', 'PostgreSQL'])('on %s', (database) => {
  test('the routes that decided move nobody', async () => {
    const { code, out, err } = await referee(database, 'replay', ...routes('live'), ...ALL);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('Nobody goes elsewhere: 120 calls go as they did.');
  });

  test('--since leaves out the calls before it', async () => {
    const since = ['--since', new Date(START + 90 * 60_000).toISOString()];
    const { out } = await referee(database, 'replay', ...routes('live'), ...since, '--json');
    expect(JSON.parse(out)).toMatchObject({ calls: 30, same: 30, skipped: 0 });
  });

  test('an export of it says the same of other routes, call by call', async () => {
    const file = join(folder, `${database}.jsonl`);
    expect((await referee(database, 'calls', '--export', file)).code).toBe(0);
    const asked = ['replay', ...routes('swapped'), '--json'];
    const fromStore = JSON.parse((await referee(database, ...asked, ...ALL)).out);
    const fromFile = JSON.parse((await referee(database, ...asked, '--calls', file)).out);
    expect(fromStore).toMatchObject({
      calls: CALLS,
      // Callers for whom the first was busy now go to the second at once; the others are new there.
      differs: CALLS,
      moves: { before: 150, after: 120 },
      assumed: { eu: 90 },
    });
    expect(fromFile).toEqual(fromStore);
  });
});
