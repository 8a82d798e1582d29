/** How long a search among a million calls takes, on both stores. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { sumsOf } from '../src/core/history/sums.ts';
import type { Attempt, Call, Ends } from '../src/core/machine/call.ts';
import type { CallFilter } from '../src/store/contract/list.ts';
import { openStore } from '../src/store/open.ts';
import { callColumns, tookMs } from '../src/store/rows/call-columns.ts';
import { packCall } from '../src/store/rows/call-document.ts';
import { keyOf } from '../src/store/rows/key.ts';
import { gramsOf, idStart, partyWords } from '../src/store/rows/search.ts';
import type { Store } from '../src/store/store.ts';
import { aCall, anAttempt } from '../test/helpers/documents.ts';
import { startOwnPostgres } from '../test/helpers/postgres-server.ts';
import type { Bench, Spread } from './bench.ts';
import { spreadOf } from './bench.ts';

const CALLS = 1_000_000;
/** Each caller has two or three calls; our own numbers have fifty thousand each. */
const CALLERS = 400_000;
const OURS = 20;
const BATCH = 5_000;
const T0 = Date.parse('2026-01-01T00:00:00Z');
const EVERY_MS = 2_500;
const PAGE = 50;

export async function searchOnSqlite(bench: Bench): Promise<Spread> {
  const path = join(bench.folder, 'search.db');
  await (await openStore({ kind: 'sqlite', path })).close();
  bench.note(`filling SQLite with ${CALLS.toLocaleString('en')} calls`);
  fillSqlite(path);
  const store = await openStore({ kind: 'sqlite', path });
  return asked(bench, store).finally(() => store.close());
}

export async function searchOnPostgres(bench: Bench): Promise<Spread> {
  const server = await startOwnPostgres();
  try {
    await (await openStore({ kind: 'postgres', url: server.url })).close();
    bench.note(`filling PostgreSQL with ${CALLS.toLocaleString('en')} calls`);
    await fillPostgres(server.url);
    const store = await openStore({ kind: 'postgres', url: server.url });
    return await asked(bench, store).finally(() => store.close());
  } finally {
    await server.stop();
  }
}

/**
 * The number parts belong to older calls, because any search would find the newest ones quickly.
 */
function questions(): [string, Partial<CallFilter>][] {
  const past = callOf(Math.floor(CALLS / 3));
  const caller = past.facts.from ?? '';
  const text = (part: string) => ({ q: { text: part, numbers: [] } });
  return [
    ['four digits in the middle', text(caller.slice(6, 10))],
    ['the last four digits', text(caller.slice(-4))],
    ['the last seven digits', text(caller.slice(-7))],
    ['a national number', text(`0${caller.slice(3)}`)],
    ['our own number', text(past.facts.to ?? '')],
    ['our own number, unsure', { ...text(past.facts.to ?? ''), outcome: 'unsure' }],
    ['the country', text('+4930')],
    ['nobody', text('0000000099')],
    ['a whole id', text(past.id)],
    ['the beginning of an id', text(past.id.slice(0, 12))],
    ['part of a rule', text('rule 7')],
    ['part of a target', text('target-3')],
    [
      'four digits of a day',
      {
        ...text(caller.slice(-4)),
        since: past.createdAt - 43_200_000,
        until: past.createdAt + 43_200_000,
      },
    ],
    ['four digits, not reached', { ...text(caller.slice(-4)), outcome: 'not_reached' }],
    ['no rule', { rule: 'otherwise' }],
    ['an outcome', { outcome: 'unsure' }],
    ['our number and outcome', { number: past.facts.to ?? '', outcome: 'not_reached' }],
  ];
}

/** The slowest search of each round. */
export async function asked(bench: Bench, store: Store): Promise<Spread> {
  const slowest: number[] = [];
  for (let round = 0; round < Math.max(3, bench.rounds); round += 1) {
    let worst = 0;
    for (const [what, filter] of questions()) {
      const startedAt = performance.now();
      const { calls } = await store.list({ limit: PAGE, ...filter });
      const ms = performance.now() - startedAt;
      worst = Math.max(worst, ms);
      bench.note(`${store.kind}: ${what}: ${calls.length} calls, ${ms.toFixed(1)} ms`);
    }
    slowest.push(worst);
  }
  return spreadOf(slowest);
}

/** The same calls each time: numbers are spread by a multiplication that visits all of them. */
function callOf(n: number): Call {
  const caller = `+49${30 + (n % 3)}${String(((n % CALLERS) * 7_919_317) % 1_000_000_000).padStart(9, '0')}`;
  const ends = endsOf(n);
  const createdAt = T0 + n * EVERY_MS;
  const id = `v3:${Buffer.from(`${(n * 48_271) % 2_147_483_647} call ${n} of the bench`).toString('base64url')}`;
  return aCall(id, {
    createdAt,
    endedAt: createdAt + 30_000,
    phase: 'ended',
    ends,
    decided: true,
    rule: n % 5_000 === 2 ? null : `rule ${n % 40}`,
    attempts: ends === 'abandoned' ? [] : [attemptOf(n, ends, createdAt)],
    facts: { from: caller, to: `+4930901${String(n % OURS).padStart(3, '0')}`, sessionId: null },
  });
}

function endsOf(n: number): Ends {
  if (n % 5_000 === 1) return 'unconfirmed';
  if (n % 20 === 3) return 'abandoned';
  return n % 10 === 7 ? 'hung_up' : 'referred';
}

function attemptOf(n: number, ends: Ends, startedAt: number): Attempt {
  return anAttempt(`attempt ${n}`, {
    target: `target-${n % 60}`,
    verdict: ends === 'referred' ? 'completed' : 'busy',
    startedAt,
    endedAt: startedAt + 2_000,
    final: true,
  });
}

function batches<Row>(rowOf: (n: number) => Row): Iterable<Row[]> {
  return (function* () {
    for (let from = 0; from < CALLS; from += BATCH) {
      yield Array.from({ length: BATCH }, (_, i) => rowOf(from + i));
    }
  })();
}

function partiesOf(): string[] {
  const parties = new Set<string>();
  for (let n = 0; n < CALLS; n += 1) {
    const { from, to } = callOf(n).facts;
    for (const party of [from, to]) if (party !== null) parties.add(party);
  }
  return [...parties];
}

function fillSqlite(path: string): void {
  const database = new DatabaseSync(path);
  database.exec('pragma synchronous = off; pragma cache_size = -200000; begin');
  const call = database.prepare(
    `insert into calls (call, key, version, code, entries, created_at, ended_at, due_at, phase, ends,
       rule, caller, callee, session, parent, costs, document)
     values (?, ?, 1, 1, 0, ?, ?, null, 'ended', ?, ?, ?, ?, null, null, null, ?)`,
  );
  const attempt = database.prepare(
    `insert into attempts (call, key, kind, target, verdict, caller, created_at, started_at, unsent, took_ms)
     values (?, ?, ?, ?, ?, ?, ?, ?, 0, ?)`,
  );
  const folded = database.prepare('insert into folded (call, id_start, sums) values (?, ?, ?)');
  for (let n = 0; n < CALLS; n += 1) {
    const made = callOf(n);
    const { createdAt, endedAt, ends, rule, caller, callee } = callColumns(made);
    const row = n + 1;
    call.run(row, keyOf(made.id), createdAt, endedAt, ends, rule, caller, callee, packCall(made));
    for (const { id, kind, target, verdict, startedAt, ...rest } of made.attempts) {
      const took = tookMs({ id, kind, target, verdict, startedAt, ...rest });
      attempt.run(row, keyOf(id), kind, target, verdict, caller, createdAt, startedAt, took);
    }
    folded.run(row, idStart(made.id), JSON.stringify(sumsOf(made)));
  }
  const party = database.prepare('insert into parties (number, party, words) values (?, ?, ?)');
  const gram = database.prepare('insert into party_grams (gram, party) values (?, ?)');
  partiesOf().forEach((each, n) => {
    party.run(n + 1, each, partyWords(each));
    for (const part of gramsOf(partyWords(each))) gram.run(part, n + 1);
  });
  database.exec('commit; pragma wal_checkpoint(truncate)');
  database.close();
}

async function fillPostgres(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('set synchronous_commit = off');
  const insert = async (table: string, rows: object[]) => {
    await client.query(
      `insert into ${table} (${Object.keys(rows[0] ?? {})}) overriding system value
       select ${Object.keys(rows[0] ?? {})} from json_populate_recordset(null::${table}, $1)`,
      [JSON.stringify(rows)],
    );
  };
  for (const batch of batches((n) => ({ made: callOf(n), row: n + 1 }))) {
    const key = (id: string) => Buffer.from(keyOf(id)).toString('hex');
    await insert(
      'calls',
      batch.map(({ made, row }) => ({
        call: row,
        key: key(made.id),
        version: 1,
        code: 1,
        entries: 0,
        phase: 'ended',
        document: packCall(made),
      })),
    );
    await insert(
      'call_filters',
      batch.map(({ made, row }) => {
        const { createdAt, endedAt, ends, rule, caller, callee } = callColumns(made);
        const times = { created_at: createdAt, ended_at: endedAt };
        return { call: row, key: key(made.id), ...times, over: true, ends, rule, caller, callee };
      }),
    );
    await insert(
      'attempts',
      batch.flatMap(({ made, row }) =>
        made.attempts.map((attempt) => ({
          call: row,
          key: key(attempt.id),
          kind: attempt.kind,
          target: attempt.target,
          verdict: attempt.verdict,
          caller: made.facts.from,
          created_at: made.createdAt,
          started_at: attempt.startedAt,
          unsent: false,
          took_ms: tookMs(attempt),
        })),
      ),
    );
    await insert(
      'folded',
      batch.map(({ made, row }) => ({
        call: row,
        id_start: idStart(made.id),
        sums: JSON.stringify(sumsOf(made)),
      })),
    );
  }
  const parties = partiesOf();
  for (let from = 0; from < parties.length; from += BATCH) {
    const rows = parties.slice(from, from + BATCH).map((party, i) => ({
      number: from + i + 1,
      party,
      words: partyWords(party),
    }));
    await insert('parties', rows);
    await insert(
      'party_grams',
      rows.flatMap(({ number, words }) => gramsOf(words).map((gram) => ({ gram, party: number }))),
    );
  }
  await client.query('analyze');
  await client.end();
}
