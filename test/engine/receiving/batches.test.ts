/**
 * Batches run one after another, whatever happens to the previous one. Tested on a store that can
 * be blocked, and on PostgreSQL.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CallEvent } from '../../../src/core/machine/event.ts';
import type { Step } from '../../../src/core/machine/plan.ts';
import type { Budget } from '../../../src/core/rules/rule.ts';
import type { Received } from '../../../src/engine/engine.ts';
import { NO_OBSERVER, NO_OUTLET } from '../../../src/engine/observers.ts';
import { type BatchingReceiver, createReceiver } from '../../../src/engine/receive.ts';
import { StoreUnavailable } from '../../../src/errors.ts';
import { openStore } from '../../../src/store/open.ts';
import type { Store } from '../../../src/store/store.ts';
import { decision, hookOf as hook, refer } from '../../helpers/machine.ts';
import { freshDatabase } from '../../helpers/postgres.ts';
import { waitFor } from '../../helpers/waiting.ts';

const UNLIMITED: Budget = { perCall: null, perHour: null, perCallerPerHour: null };
const COMPANY = ['v3:1', 'v3:2', 'v3:3', 'v3:4', 'v3:5', 'v3:6', 'v3:7', 'v3:8'];

let folder: string;
let file: Store;
/** The store's calls and answers, in order. */
let asked: string[];
let told: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referee-batches-'));
  file = await openStore({ kind: 'sqlite', path: join(folder, 'referee.db') });
  asked = [];
  told = [];
});
afterEach(async () => {
  await file.close();
  await rm(folder, { recursive: true });
});

interface Held {
  store: Store;
  /** Releases the first load's answer; events until then form the next batch. */
  loaded: PromiseWithResolvers<void>;
  /**
   * Releases the first commit's answer, after the commit has been executed, as with a distant
   * store.
   */
  answered: PromiseWithResolvers<void>;
  /** Replaces the first commit. */
  commit: Store['commit'] | null;
  /** The error of the second load. */
  loadError: Error | null;
}

function hold(): Held {
  const held: Held = {
    store: Object.assign(Object.create(file), {
      async load(...given: Parameters<Store['load']>) {
        const nth = asked.push('load');
        if (asked.filter((what) => what === 'load').length === 2 && held.loadError !== null) {
          throw held.loadError;
        }
        const loaded = await file.load(...given);
        if (nth === 1) await held.loaded.promise;
        return loaded;
      },
      async commit(...given: Parameters<Store['commit']>) {
        const first = !asked.includes('commit');
        asked.push('commit');
        const done = first && held.commit !== null ? held.commit(...given) : file.commit(...given);
        done.catch(() => {});
        if (first) await held.answered.promise;
        asked.push('answer');
        return done;
      },
    }),
    loaded: Promise.withResolvers(),
    answered: Promise.withResolvers(),
    commit: null,
    loadError: null,
  };
  return held;
}

function open(store: Store, refers = UNLIMITED, plan: Step[] = [refer('a')]): BatchingReceiver {
  return createReceiver({
    store,
    owner: 'this',
    decider: {
      decide: () => decision(plan),
      budgets: () => ({ refers, transfers: UNLIMITED }),
    },
    observer: {
      ...NO_OBSERVER,
      committed: ({ callId, type }) => void told.push(`${callId} ${type}`),
      deadLetter: ({ callId }) => void told.push(`${callId} dead letter`),
    },
    outlet: { ...NO_OUTLET, freeSlots: () => 10 },
  });
}

type Settled = PromiseSettledResult<Received>[];

/** Two batches: `first`, whose commit has been requested but not answered, and then the rest. */
async function twoBatches(
  engine: BatchingReceiver,
  held: Held,
  first: CallEvent[],
  then: CallEvent[],
) {
  const take = (events: CallEvent[]): Promise<Settled> =>
    Promise.allSettled(events.map((event) => engine.receive(event)));
  const one = take(first);
  await waitFor(() => expect(asked).toEqual(['load']));
  const two = take(then);
  held.loaded.resolve();
  await waitFor(() => expect(asked).toContain('commit'));
  return { one, two };
}

const results = async (settled: Promise<Settled>) =>
  (await settled).map((each) => (each.status === 'fulfilled' ? each.value.result : each.reason));
const times = <T>(n: number, value: T): T[] => Array(n).fill(value);
const initiated = (ids: string[]) => ids.map((id) => hook(id, 'call.initiated'));
const attemptsOf = async (...ids: string[]) =>
  Promise.all(ids.map(async (id) => (await file.find(id))?.call.attempts.map((a) => a.verdict)));

test('what arrives while a batch is committed is the next batch, and sees what that wrote', async () => {
  const held = hold();
  const engine = open(held.store);
  const answered = hook('v3:a', 'call.answered');
  const { one, two } = await twoBatches(engine, held, initiated(['v3:a']), [
    answered,
    ...initiated(COMPANY),
  ]);
  expect(asked).toEqual(['load', 'commit']);
  expect(told).toEqual([]);
  held.answered.resolve();
  expect(await results(one)).toEqual(['committed']);
  expect(await results(two)).toEqual(times(9, 'committed'));
  expect(asked).toEqual(['load', 'commit', 'answer', 'load', 'commit', 'answer']);
  expect((await file.find('v3:a'))?.call).toMatchObject({
    phase: 'referring',
    attempts: [{ kind: 'refer' }],
  });
});

test('after a lost race the loser comes before what waits', async () => {
  const held = hold();
  held.commit = async (units) => ({
    results: units.map(() => 'conflict'),
    claimed: [],
    counted: [],
  });
  const engine = open(held.store);
  const { one, two } = await twoBatches(engine, held, initiated(['v3:a']), [
    hook('v3:a', 'call.answered'),
    ...initiated(COMPANY),
  ]);
  held.answered.resolve();
  expect(await results(one)).toEqual(['committed']);
  expect(await results(two)).toEqual(times(9, 'committed'));
  expect(told.slice(0, 2)).toEqual(['v3:a call.initiated', 'v3:a call.answered']);
  expect(asked[asked.indexOf('answer') + 1]).toBe('load');
});

test('a commit that fails is its own batch’s trouble', async () => {
  const held = hold();
  const failure = new StoreUnavailable('the disk is full');
  held.commit = () => Promise.reject(failure);
  const engine = open(held.store);
  const { one, two } = await twoBatches(engine, held, initiated(['v3:a']), initiated(COMPANY));
  held.answered.resolve();
  expect(await results(one)).toEqual([failure]);
  expect(await results(two)).toEqual(times(8, 'committed'));
});

test('so is a load that fails, and whoever comes later is taken', async () => {
  const held = hold();
  held.loadError = new StoreUnavailable('the connection is lost');
  const engine = open(held.store);
  const { one, two } = await twoBatches(engine, held, initiated(['v3:a']), initiated(COMPANY));
  held.answered.resolve();
  expect(await results(one)).toEqual(['committed']);
  expect(await results(two)).toEqual(times(8, held.loadError));
  expect((await engine.receive(hook('v3:b', 'call.initiated'))).result).toBe('committed');
  await engine.drained();
});

test('budgets hold where a batch is tried singly', async () => {
  const held = hold();
  held.commit = () => Promise.reject(new TypeError('one of them breaks the statement'));
  const engine = open(held.store, { ...UNLIMITED, perHour: 2 });
  const answered = (ids: string[]) =>
    ids.map((id) => {
      const event = hook(id, 'call.answered');
      return { ...event, facts: { ...event.facts, direction: 'incoming' as const } };
    });
  const { one, two } = await twoBatches(
    engine,
    held,
    [...initiated(['v3:a', 'v3:b']), ...answered(['v3:a', 'v3:b'])],
    [...initiated(COMPANY), ...answered(COMPANY)],
  );
  held.answered.resolve();
  expect(await results(one)).toEqual(times(4, 'committed'));
  expect(await results(two)).toEqual(times(16, 'committed'));
  expect(await attemptsOf('v3:a', 'v3:b')).toEqual([[null], [null]]);
  expect(await attemptsOf(...COMPANY)).toEqual(times(8, ['rejected']));
});

test('limits that a reload sets while a batch is committed hold for the next', async () => {
  const held = hold();
  const refers = { ...UNLIMITED };
  const engine = open(held.store, refers);
  const answered = (ids: string[]) => ids.map((id) => hook(id, 'call.answered'));
  const { one, two } = await twoBatches(
    engine,
    held,
    [...initiated(['v3:a', 'v3:b']), ...answered(['v3:a', 'v3:b'])],
    [...initiated(COMPANY), ...answered(COMPANY)],
  );
  refers.perHour = 3;
  held.answered.resolve();
  expect(await results(one)).toEqual(times(4, 'committed'));
  expect(await results(two)).toEqual(times(16, 'committed'));
  expect(await attemptsOf('v3:a', 'v3:b')).toEqual([[null], [null]]);
  const sent = (await attemptsOf(...COMPANY)).filter((all) => all?.[0] === null);
  expect(sent).toHaveLength(1);
});

test('on PostgreSQL a flood of one caller gets what the budgets allow, not one more or less', async () => {
  const { url, drop } = await freshDatabase();
  const store = await openStore({ kind: 'postgres', url });
  try {
    const engine = open(store, { perCall: null, perHour: 60, perCallerPerHour: 25 });
    const calls = Array.from({ length: 400 }, (_, n) => `v3:flood-${n}`);
    await Promise.all(
      calls.map(async (id, n) => {
        const from = `+1415555010${n % 3}`;
        for (const type of ['call.initiated', 'call.answered', 'call.dtmf.received']) {
          const event = hook(id, type);
          const facts = { ...event.facts, from };
          expect((await engine.receive({ ...event, facts })).result).toBe('committed');
        }
      }),
    );
    const started = [0, 0, 0];
    for (const [n, id] of calls.entries()) {
      const found = await store.find(id);
      const sent = found?.call.attempts.filter(({ verdict }) => verdict === null).length ?? 0;
      started[n % 3] = (started[n % 3] ?? 0) + sent;
    }
    expect(started.reduce((a, b) => a + b)).toBe(60);
    expect(Math.max(...started)).toBeLessThanOrEqual(25);
  } finally {
    await store.close();
    await drop();
  }
});
