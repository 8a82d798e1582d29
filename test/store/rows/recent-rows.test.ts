/**
 * The cache in SQLite's store between batches is invisible: the store answers like a simple model
 * without a cache.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Call } from '../../../src/core/machine/call.ts';
import {
  type CommitResult,
  type CommitUnit,
  type Loaded,
  loadKeys,
} from '../../../src/store/contract/calls.ts';
import { openStore } from '../../../src/store/open.ts';
import { callColumns, tookMs } from '../../../src/store/rows/call-columns.ts';
import { keyOf } from '../../../src/store/rows/key.ts';
import type { Store } from '../../../src/store/store.ts';
import { aCall, aChange, anAttempt, anEntry, aUnit } from '../../helpers/documents.ts';

const RUNS = 250;
const STEPS_MAX = 25;
const IDS = ['a', 'b', 'c'];
const EVENTS = ['e0', 'e1', 'e2', 'e3'].map((id) => anEntry(id).key);

let folder: string;
let path: string;
const opened: Store[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'referee-recent-'));
  path = join(folder, 'referee.db');
});
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  rmSync(folder, { recursive: true });
});

async function open(): Promise<Store> {
  const store = await openStore({ kind: 'sqlite', path });
  opened.push(store);
  return store;
}

/** The expected contents. */
type Model = Map<string, { call: Call; version: number; events: string[] }>;

const aStep = fc.record({
  who: fc.constantFrom(0, 1),
  kind: fc.constantFrom('load', 'commit', 'commit', 'commit', 'mistake', 'prune'),
  by: fc.constantFrom<'calls' | 'attempts' | 'sessions'>('calls', 'attempts', 'sessions'),
  units: fc.array(
    fc.array(
      fc.record({
        id: fc.constantFrom(...IDS),
        event: fc.option(fc.constantFrom('e0', 'e1', 'e2', 'e3')),
        phase: fc.constantFrom<Call['phase']>('answering', 'referring', 'ended'),
        rule: fc.option(fc.constantFrom('support', 'sales')),
        attempts: fc.array(fc.boolean(), { maxLength: 2 }),
      }),
      { minLength: 1, maxLength: 2 },
    ),
    { minLength: 1, maxLength: 2 },
  ),
});
type Step = typeof aStep extends fc.Arbitrary<infer T> ? T : never;

test('two stores on one file, in any order of loads, commits, mistakes and prunes, answer as one that remembers nothing', {
  tags: ['long'],
  timeout: 20_000,
}, async () => {
  const stores = [await open(), await open()] as const;
  const file = new DatabaseSync(path);
  await fc.assert(
    fc.asyncProperty(fc.array(aStep, { maxLength: STEPS_MAX }), async (steps) => {
      file.exec(
        'begin; delete from events; delete from attempts; delete from calls; delete from commands; commit',
      );
      const model: Model = new Map();
      const loads: [Loaded, Loaded] = [await load(stores[0]), await load(stores[1])];
      for (const step of steps) {
        const store = stores[step.who];
        if (step.kind === 'prune') {
          await store.prune(9e15, 10);
          for (const [id, { call }] of model) if (call.endedAt !== null) model.delete(id);
        } else if (step.kind === 'load') {
          const loaded = await load(store, step.by);
          loads[step.who] = loaded;
          expectLoaded(loaded, model);
        } else {
          const units = unitsOf(step, loads[step.who]);
          if (step.kind === 'mistake') {
            const broken = aUnit(aCall('z', { rule: {} as unknown as string }), 0);
            await expect(store.commit([...units, broken], null)).rejects.toThrow();
          } else {
            const { results } = await store.commit(units, null);
            expect(results).toEqual(units.map((unit) => commitTo(model, unit)));
          }
        }
      }
      for (const store of stores) expectLoaded(await load(store), model);
      await expectRows(file, stores[0], model);
    }),
    { numRuns: RUNS },
  );
  file.close();
});

test.each(['it', 'another process'])(
  'a call that is written after %s pruned it never lands in the row of the call that came next',
  async (who) => {
    const store = await open();
    const pruner = who === 'it' ? store : await open();
    const late = aUnit(aCall('a', { phase: 'ended', endedAt: 2_000, rule: 'late' }), 1);
    await store.commit([aUnit(aCall('a', { phase: 'ended', endedAt: 2_000 }), 0)], null);
    expect((await load(store)).calls.size).toBe(1);
    expect(await pruner.prune(9e15, 10)).toBe(1);
    await pruner.commit([aUnit(aCall('b'), 0)], null);

    expect((await store.commit([late], null)).results).toEqual(['conflict']);
    expect(await store.find('b')).toEqual({ call: aCall('b'), version: 1 });
  },
);

function load(store: Store, by: Step['by'] = 'calls'): Promise<Loaded> {
  return store.load(
    loadKeys({
      callIds: by === 'calls' ? IDS : [],
      // Each call that was ever stored has this attempt and this session.
      attemptIds: by === 'attempts' ? IDS.map((id) => `${id}-0`) : [],
      sessionIds: by === 'sessions' ? ['session'] : [],
      events: IDS.flatMap((callId) => EVENTS.map((key) => ({ callId, key }))),
    }),
  );
}

function unitsOf({ units }: Step, loaded: Loaded): CommitUnit[] {
  return units.map((changes) => ({
    changes: changes.map(({ id, event, phase, rule, attempts }) => {
      const call = aCall(id, {
        phase,
        endedAt: phase === 'ended' ? 2_000 : null,
        rule,
        facts: { sessionId: 'session' },
        attempts: [false, ...attempts].map((unsent, i) => anAttempt(`${id}-${i}`, { unsent })),
      });
      const version = loaded.calls.get(id)?.version ?? 0;
      return aChange(call, version, { events: event === null ? [] : [anEntry(event)] });
    }),
  }));
}

function commitTo(model: Model, { changes }: CommitUnit): CommitResult {
  const after: Model = new Map(model);
  for (const { call, version, events } of changes) {
    const before = after.get(call.id);
    const added = events.map(({ key }) => key);
    if ((before?.version ?? 0) !== version) return 'conflict';
    if (added.some((key) => before?.events.includes(key))) return 'conflict';
    after.set(call.id, {
      call,
      version: version + 1,
      events: [...(before?.events ?? []), ...added],
    });
  }
  for (const [id, stored] of after) model.set(id, stored);
  return 'committed';
}

function expectLoaded(loaded: Loaded, model: Model): void {
  expect([...loaded.calls].sort()).toEqual(
    [...model].map(([id, { call, version }]) => [id, { call, version }]).sort(),
  );
  expect([...loaded.seen].sort()).toEqual(
    [...model].flatMap(([id, { events }]) => events.map((key) => `${id}\n${key}`)).sort(),
  );
}

/** Compares the search columns and the timeline with the documents. */
async function expectRows(file: DatabaseSync, store: Store, model: Model): Promise<void> {
  const rows = file.prepare('select * from calls').all();
  expect(rows).toHaveLength(model.size);
  const attemptOf = file.prepare('select unsent, took_ms from attempts where call = ? and key = ?');
  for (const row of rows) {
    const { id } = JSON.parse(String(row.document)) as Call;
    const stored = model.get(id);
    if (stored === undefined) throw new Error(`${id} is stored, and should not be`);
    const { createdAt, endedAt, phase, rule, session } = callColumns(stored.call);
    expect(row).toMatchObject({
      created_at: createdAt,
      ended_at: endedAt,
      phase,
      rule,
      session,
      entries: stored.events.length,
    });
    expect((await store.timeline(id)).map(({ key }) => key)).toEqual(stored.events);
    for (const attempt of stored.call.attempts) {
      expect(attemptOf.get(row.call ?? null, keyOf(attempt.id))).toEqual({
        unsent: attempt.unsent ? 1 : 0,
        took_ms: tookMs(attempt),
      });
    }
  }
}
