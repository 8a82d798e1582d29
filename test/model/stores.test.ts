/**
 * The stores against the reference: the same random sequence of operations runs on all of them, and
 * answers and contents must agree at each step. `STORE_RUNS=2000 STORE_SEED=2 npx vitest run
 * test/model/stores.test.ts` runs for longer, `STORE_DEPTH=5` tries all sequences of that length on
 * SQLite.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { freshDatabase } from '../helpers/postgres.ts';
import { ReferenceStore } from './reference-store.ts';
import {
  type ChangeGiven,
  type ClaimedAnswer,
  carryOut,
  contentsOf,
  type Operation,
  operations,
  Run,
} from './store-operations.ts';

const RUNS = Number(process.env.STORE_RUNS ?? 25);
const SEED = Number(process.env.STORE_SEED ?? 1);
const DEPTH = Number(process.env.STORE_DEPTH ?? 2);
const TABLES = ['calls', 'events', 'attempts', 'commands', 'uncounted', 'settings', 'dead_letters'];

let runs = 0;
const ends: (() => unknown)[] = [];
afterAll(async () => {
  for (const end of ends.reverse()) await end();
});

/** A store and a function that empties it, because ids of one run mean nothing to the next. */
interface Emptied {
  store: Store;
  empty(): Promise<unknown> | unknown;
}

async function sqlite(): Promise<Emptied> {
  const folder = mkdtempSync(join(tmpdir(), 'referee-agree-'));
  const path = join(folder, 'referee.db');
  const store = await openStore({ kind: 'sqlite', path });
  const beside = new DatabaseSync(path, { timeout: 5_000 });
  // What is on disk after a crash is tested elsewhere.
  beside.exec('pragma synchronous = off');
  ends.push(async () => {
    beside.close();
    await store.close();
    rmSync(folder, { recursive: true });
  });
  return { store, empty: () => beside.exec(TABLES.map((name) => `delete from ${name}`).join(';')) };
}

async function postgres(): Promise<Emptied> {
  const { url, drop } = await freshDatabase();
  const store = await openStore({ kind: 'postgres', url });
  const beside = new pg.Client({ connectionString: url });
  await beside.connect();
  ends.push(async () => {
    await beside.end();
    await store.close();
    await drop();
  });
  const schema = 'select schemaname from pg_tables where tablename = $1';
  const { rows } = await beside.query(schema, ['dead_letters']);
  const tables = TABLES.map((name) => `${rows[0].schemaname}.${name}`).join();
  return {
    store,
    empty: () =>
      beside.query(
        tables
          .split(',')
          .map((name) => `delete from ${name}`)
          .join(';'),
      ),
  };
}

/** Executes the sequence on all stores and adds the situations that occurred to `happened`. */
async function agree(sequence: Operation[], stores: Emptied[], happened: Set<string>) {
  runs += 1;
  const run = new Run(`r${runs}`);
  const reference = new ReferenceStore();
  for (const { empty } of stores) await empty();
  for (const [step, operation] of sequence.entries()) {
    reference.now += 1;
    // Versions are those of the reference before the operation.
    const answers: unknown[] = [];
    for (const { store } of stores) answers.push(await carryOut(operation, store, run, reference));
    const expected = await carryOut(operation, reference, run, reference);
    for (const [n, answer] of answers.entries()) {
      const kind = stores[n]?.store.kind;
      expect(asSaid(answer, expected), `${kind}, step ${step + 1}: ${operation.do}`).toEqual(
        expected,
      );
    }
    happened.add(shown(operation, expected));
  }
  const expected = await contentsOf(reference, run);
  for (const { store } of stores)
    expect(await contentsOf(store, run), store.kind).toEqual(expected);
}

/**
 * A claim in the same millisecond as the first one cannot be distinguished from it by the clock.
 */
function asSaid(answer: unknown, expected: unknown): unknown {
  const wanted = claimsIn(expected);
  claimsIn(answer).forEach((each, n) => {
    if (wanted[n]?.first === false) each.first = false;
  });
  return answer;
}

function claimsIn(answer: unknown): ClaimedAnswer[] {
  if (Array.isArray(answer)) return answer.filter((each) => each?.tries !== undefined);
  return (answer as { claimed?: ClaimedAnswer[] } | null)?.claimed ?? [];
}

function shown(operation: Operation, answer: unknown): string {
  if (operation.do === 'commit') {
    const { results, claimed, counted } = answer as {
      results: string[];
      claimed: unknown[];
      counted: unknown[];
    };
    if (results.includes('conflict')) return 'a unit lost';
    if (counted.length > 0) return 'an item that waited was counted';
    return claimed.length > 0 ? 'a command was stored and claimed' : 'a commit';
  }
  const isEmpty = Array.isArray(answer) ? answer.length === 0 : answer === 0;
  return `${operation.do}${isEmpty ? ', nothing' : ''}`;
}

const MUST_OCCUR = [
  'a unit lost',
  'an item that waited was counted',
  'a command was stored and claimed',
  'a commit',
  ...['claim', 'release', 'load', 'list', 'due', 'count', 'dead_letter', 'setting', 'prune'],
];

describe('SQLite and PostgreSQL do what the reference does', () => {
  const stores: Emptied[] = [];
  beforeAll(async () => {
    stores.push(await sqlite(), await postgres());
  });

  test('in random sequences', { timeout: 60_000 + RUNS * 5_000 }, async () => {
    const happened = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(operations, { minLength: 1, maxLength: 40, size: 'max' }), (each) =>
        agree(each, stores, happened),
      ),
      {
        numRuns: RUNS,
        seed: SEED,
        endOnFailure: true,
      },
    );
    expect(MUST_OCCUR.filter((name) => !happened.has(name))).toEqual([]);
  });

  test(`SQLite, in all sequences of ${DEPTH}`, {
    timeout: 60_000 * 10 ** (DEPTH - 2),
  }, async () => {
    const [first] = stores;
    if (first === undefined) return;
    const happened = new Set<string>();
    for (const sequence of sequences(DEPTH)) await agree(sequence, [first], happened);
    expect(happened.size).toBeGreaterThan(5);
  });
});

/** One call and its command, seen by two processes. */
const CHANGE: ChangeGiven = {
  call: 0,
  stale: false,
  phase: 'referring',
  deadline: 'past',
  attempts: [],
  events: [],
  commands: [],
  cancel: [],
  settle: [],
  tally: [],
};
const OURS = { owner: 'a', leaseMs: 60_000 };
const commit = (given: Partial<ChangeGiven>, claim: typeof OURS | null = null): Operation => ({
  do: 'commit',
  units: [[{ ...CHANGE, ...given }]],
  claim,
});
const ALPHABET: Operation[] = [
  commit({ commands: [{ n: 0, urgent: false }], tally: [{ n: 0, how: 'past' }] }),
  commit({ commands: [{ n: 0, urgent: false }], events: [0] }, OURS),
  commit({ stale: true }),
  commit({ cancel: [0] }),
  commit({ settle: [{ n: 0, by: 'a', how: 'unsent' }], tally: [{ n: 0, how: 'final' }] }),
  { do: 'claim', claim: { owner: 'b', leaseMs: 0 } },
  { do: 'release', owner: null },
  { do: 'count', limit: 10 },
  commit({ phase: 'ended', deadline: 'none', settle: [{ n: 0, by: 'a', how: 'done' }] }),
  { do: 'prune', limit: 10 },
];

function* sequences(length: number): Generator<Operation[]> {
  if (length === 0) {
    yield [];
    return;
  }
  for (const rest of sequences(length - 1)) {
    for (const operation of ALPHABET) yield [...rest, operation];
  }
}
