/**
 * What is counted and by which replica, and that everything is counted once: two replicas on one
 * store, and a restart.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { costTotals } from '../../../src/core/machine/cost.ts';
import type { CallEvent, WebhookEvent } from '../../../src/core/machine/event.ts';
import { CORRECTION_MS } from '../../../src/core/machine/limits.ts';
import type { Step } from '../../../src/core/machine/plan.ts';
import { type BatchingReceiver, createReceiver } from '../../../src/engine/receive.ts';
import { createReport } from '../../../src/engine/report.ts';
import { createUpkeep } from '../../../src/engine/upkeep.ts';
import { createMetrics, type Metrics } from '../../../src/metrics.ts';
import type { ClaimedCommand } from '../../../src/store/contract/outbox.ts';
import { CODE_VERSION } from '../../../src/store/migrate.ts';
import { openSqlite } from '../../../src/store/sqlite/store.ts';
import { systemClocks } from '../../../src/store/sqlite/store-time.ts';
import type { Store } from '../../../src/store/store.ts';
import { aUnit } from '../../helpers/documents.ts';
import { decision, hookOf as hook, refer, transfer } from '../../helpers/machine.ts';
import { waitFor } from '../../helpers/waiting.ts';

const UNLIMITED = { perCall: null, perHour: null, perCallerPerHour: null };

interface Replica {
  engine: BatchingReceiver;
  metrics: Metrics;
  /** Takes what waits; stops at the end of the test. */
  start(): void;
  stop(): Promise<void>;
}

/** How far the store's clock is ahead of ours. */
let laterMs: number;
let folder: string;
let store: Store;
let replicas: Replica[];
let offered: ClaimedCommand[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referee-tally-'));
  laterMs = 0;
  store = await openSqlite(join(folder, 'referee.db'), CODE_VERSION, {
    clocks: {
      ...systemClocks,
      wall: () => systemClocks.wall() + laterMs,
      sinceBoot: () => systemClocks.sinceBoot() + laterMs,
    },
  });
  replicas = [];
  offered = [];
});

afterEach(async () => {
  for (const { stop, metrics } of replicas) {
    await stop();
    metrics.close();
  }
  await store.close();
  await rm(folder, { recursive: true });
});

function replica(plan: Step[] = [refer('a')]): Replica {
  const metrics = createMetrics();
  const observer = createReport({ emit: () => {} }, metrics);
  const engine = createReceiver({
    store,
    decider: {
      decide: () => decision(plan),
      budgets: () => ({ refers: UNLIMITED, transfers: UNLIMITED }),
    },
    observer,
    owner: `replica ${replicas.length}`,
    outlet: {
      freeSlots: () => 10,
      offer: (claimed) => void offered.push(...claimed),
      wake: () => {},
      cancel: () => {},
    },
  });
  const upkeep = createUpkeep({
    store,
    retentionDays: 30,
    versionsKept: 50,
    historyDays: 400,
    instance: `replica ${replicas.length}`,
    clock: Date.now,
    status: () => ({ routeSet: 'hash', refusal: null }),
    lookAround: async () => {},
    followReload: async () => {},
    counted: (final) => observer.counted(final),
    failures: () => ({
      failed(error) {
        throw error;
      },
      worked() {},
    }),
    onPruned: () => {},
  });
  const made = { engine, metrics, start: upkeep.start, stop: upkeep.stop };
  replicas.push(made);
  return made;
}

/** The total counts of all replicas, without zeros. */
async function counted(): Promise<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const { metrics } of replicas) {
    for (const [, name = '', labels = '', value] of (await metrics.text()).matchAll(
      /^referee_(verdicts|calls_ended|arrivals)_total\{(.*)\} (\d+)$/gm,
    )) {
      if (Number(value) === 0) continue;
      const [, word = ''] = /(?:verdict|ends|arrived)="(.*?)"/.exec(labels) ?? [];
      sums[`${name} ${word}`] = (sums[`${name} ${word}`] ?? 0) + Number(value);
    }
  }
  return sums;
}

/** Plays the call until the REFER or transfer is accepted. */
async function moved({ engine }: Replica, id: string): Promise<void> {
  await engine.receive(hook(id, 'call.initiated'));
  await engine.receive(hook(id, 'call.answered'));
  const move = offered.findLast(
    ({ command }) => command.callId === id && command.attemptId !== null,
  );
  if (move === undefined) throw new Error('no attempt');
  const { command } = move;
  const event: CallEvent = {
    source: 'outcome',
    id: `outcome-${id}`,
    callId: id,
    type: 'command.accepted',
    receivedAt: Date.now(),
    occurredAt: null,
    commandId: command.id,
    legId: command.legId,
    action: command.action,
    outcome: { kind: 'accepted', status: 200, alive: null },
    firstSentAt: Date.now(),
  };
  const settle = { commandId: command.id, owner: 'nobody', outcome: event.outcome, retryAt: null };
  await engine.receive(event, settle);
}

/** The total costs that all replicas counted, by currency and part. */
async function charged(): Promise<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const { metrics } of replicas) {
    for (const [, labels = '', value] of (await metrics.text()).matchAll(
      /^referee_cost_total\{(.*)\} (\S+)$/gm,
    )) {
      const key = labels.replace(/currency="(.*)",part="(.*)"/, '$1 $2');
      sums[key] = (sums[key] ?? 0) + Number(value);
    }
  }
  return sums;
}

const cost = (id: string, amount: string, more: Partial<WebhookEvent> = {}) =>
  hook(id, 'call.cost', {
    cost: { parts: [{ part: 'call-control', currency: 'USD', amount }], problem: null },
    ...more,
  });

const failed = (id: string) => hook(id, 'call.refer.failed', { sipNotifyResponse: 486 });

test('what nothing can correct is counted with its commit', async () => {
  const one = replica();
  await moved(one, 'v3:a');
  await one.engine.receive(hook('v3:a', 'call.refer.completed'));
  await one.engine.receive(hook('v3:a', 'call.hangup'));
  const all = { 'verdicts completed': 1, 'calls_ended referred': 1, 'arrivals yes': 1 };
  expect(await counted()).toEqual(all);
  expect(await store.takeUncounted(10)).toEqual([]);
});

test('an end that another replica corrects is counted once, as it was corrected', async () => {
  const [one, two] = [replica(), replica()];
  await moved(one, 'v3:a');
  await one.engine.receive(hook('v3:a', 'call.hangup'));
  expect((await store.find('v3:a'))?.call.ends).toBe('unconfirmed');
  expect(await counted()).toEqual({});
  await two.engine.receive(hook('v3:a', 'call.refer.completed'));
  const all = { 'verdicts completed': 1, 'calls_ended referred': 1, 'arrivals yes': 1 };
  expect(await counted()).toEqual(all);
  expect(await store.takeUncounted(10)).toEqual([]);
});

test('the hangup and its correction in one batch are counted once', async () => {
  const one = replica();
  await moved(one, 'v3:a');
  const events = [hook('v3:a', 'call.hangup'), failed('v3:a')];
  await Promise.all(events.map((event) => one.engine.receive(event)));
  expect(await counted()).toEqual({ 'verdicts busy': 1, 'calls_ended abandoned': 1 });
});

test('what nobody corrects is counted when its time is over, also after a restart, by one replica', async () => {
  const gone = replica();
  await moved(gone, 'v3:a');
  await gone.engine.receive(hook('v3:a', 'call.hangup'));
  expect(await store.takeUncounted(10)).toEqual([]);
  expect(await counted()).toEqual({});
  const [one, two] = [replica(), replica()];
  laterMs = CORRECTION_MS + 1;
  one.start();
  two.start();
  const all = { 'verdicts no_verdict': 1, 'calls_ended unconfirmed': 1, 'arrivals no': 1 };
  await waitFor(async () => expect(await counted()).toEqual(all));
  // Later events change the call but not the counts.
  await two.engine.receive(hook('v3:a', 'call.refer.completed'));
  expect((await store.find('v3:a'))?.call.ends).toBe('referred');
  expect(await counted()).toEqual(all);
});

test('a caller who arrived is counted at once, though another REFER was never heard of', async () => {
  const one = replica([refer('a', { timeoutMs: 1 }), refer('b')]);
  await moved(one, 'v3:a');
  const found = await store.find('v3:a');
  const [attempt] = found?.call.attempts ?? [];
  if (found === null || attempt === undefined) throw new Error('no attempt');
  const given = { ...attempt, id: 'given-up', verdict: 'no_verdict' as const, endedAt: Date.now() };
  const call = { ...found.call, attempts: [given, attempt] };
  const waits = new Map([['given-up', { waits: Date.now() + CORRECTION_MS }]]);
  await store.commit([aUnit(call, found.version, { tally: waits })], null);
  const { clientState } =
    offered.findLast(({ command }) => command.attemptId !== null)?.command ?? {};
  const completed = { clientState: clientState ?? null, occurredAt: Date.now() + 1 };
  await one.engine.receive(hook('v3:a', 'call.refer.completed', completed));
  await one.engine.receive(hook('v3:a', 'call.hangup'));
  const all = { 'verdicts completed': 1, 'calls_ended referred': 1, 'arrivals yes': 1 };
  expect(await counted()).toEqual(all);
});

test('a verdict of our own is counted once, whether it is corrected or not', async () => {
  const one = replica([refer('a', { timeoutMs: 1 }), refer('b')]);
  await moved(one, 'v3:a');
  await one.engine.receive(failed('v3:a'));
  expect(await counted()).toEqual({ 'verdicts busy': 1 });
  await one.engine.receive(failed('v3:a'));
  expect(await counted()).toEqual({ 'verdicts busy': 1 });
});

test('a B-leg is no caller: neither its end nor anything else of it is counted', async () => {
  const one = replica([transfer('+14155550199')]);
  await moved(one, 'v3:a');
  const leg = (type: string) =>
    hook('v3:leg', type, { facts: { ...hook('v3:leg', type).facts, direction: 'outgoing' } });
  for (const type of ['call.initiated', 'call.answered', 'call.bridged']) {
    await one.engine.receive(leg(type));
  }
  await one.engine.receive(hook('v3:a', 'call.bridged'));
  await one.engine.receive(leg('call.hangup'));
  await one.engine.receive(hook('v3:a', 'call.hangup'));
  expect((await store.find('v3:leg'))?.call).toMatchObject({ parentId: 'v3:a', phase: 'ended' });
  const all = { 'verdicts completed': 1, 'calls_ended transferred': 1, 'arrivals yes': 1 };
  expect(await counted()).toEqual(all);
});

test('a B-leg that is heard of only when its attempt is over is a leg all the same', async () => {
  const one = replica([transfer('+14155550199')]);
  await moved(one, 'v3:a');
  await one.engine.receive(hook('v3:a', 'call.hangup'));
  const facts = { ...hook('v3:leg', 'call.hangup').facts, direction: 'outgoing' as const };
  await one.engine.receive(hook('v3:leg', 'call.initiated', { facts }));
  await one.engine.receive(hook('v3:leg', 'call.hangup', { facts }));
  expect((await store.list({ limit: 10 })).calls.map(({ id }) => id)).toEqual(['v3:a']);
});

test('callers who were never moved, or left first, have neither arrived nor not', async () => {
  const one = replica([{ do: 'hangup' }]);
  await one.engine.receive(hook('v3:a', 'call.initiated'));
  await one.engine.receive(hook('v3:a', 'call.hangup'));
  expect(await counted()).toEqual({ 'calls_ended hung_up': 1 });
});

test('a cost is counted once, though two replicas hear of it and the one that stored it is gone', async () => {
  const gone = replica();
  await moved(gone, 'v3:a');
  await gone.engine.receive(hook('v3:a', 'call.hangup'));
  await gone.engine.receive(cost('v3:a', '0.0020'));
  expect(await charged()).toEqual({});
  const [one, two] = [replica(), replica()];
  expect(await one.engine.receive(cost('v3:a', '0.0020'))).toEqual({ result: 'duplicate' });
  // Telnyx reports it again with another event id.
  await two.engine.receive(cost('v3:a', '0.0020', { id: 'again' }));
  one.start();
  two.start();
  await waitFor(async () => expect(await charged()).toEqual({ 'USD call-control': 0.002 }));
  expect(await store.takeUncounted(10)).toEqual([]);
  expect((await store.find('v3:a'))?.call.costs).toHaveLength(1);
});

test('the costs of a caller and of their B-leg are counted once each, with the caller', async () => {
  const one = replica([transfer('+14155550199')]);
  await moved(one, 'v3:a');
  const facts = { ...hook('v3:leg', 'call.initiated').facts, direction: 'outgoing' as const };
  await one.engine.receive(hook('v3:leg', 'call.initiated', { facts }));
  await one.engine.receive(hook('v3:leg', 'call.hangup', { facts }));
  await one.engine.receive(hook('v3:a', 'call.hangup'));
  // Without numbers and direction, as Telnyx sends it.
  await one.engine.receive(cost('v3:leg', '0.0050', { facts: { ...facts, direction: null } }));
  await one.engine.receive(cost('v3:a', '0.0035'));
  const found = await store.find('v3:a');
  expect(costTotals(found?.call.costs ?? [])).toMatchObject([{ amount: '0.0085' }]);
  one.start();
  await waitFor(async () => expect(await charged()).toEqual({ 'USD call-control': 0.0085 }));
  expect(await store.takeUncounted(10)).toEqual([]);
});

test('a cost that names its B-leg by the envelope alone belongs to the caller too', async () => {
  const one = replica([transfer('+14155550199')]);
  await moved(one, 'v3:a');
  const command = offered.find(({ command }) => command.action === 'transfer')?.command;
  const clientState = command?.action === 'transfer' ? command.targetClientState : null;
  const { facts } = hook('v3:leg', 'call.cost');
  const stranger = { ...facts, sessionId: null, from: null, to: null };
  await one.engine.receive(cost('v3:leg', '0.0050', { clientState, facts: stranger }));
  expect((await store.find('v3:a'))?.call.costs).toMatchObject([
    { legId: 'v3:leg', amount: '0.0050' },
  ]);
  expect((await store.find('v3:leg'))?.call.parentId).toBe('v3:a');
});

test('a cost long after the hangup, when the call is pruned, makes no call that is moved or asked for', async () => {
  const one = replica();
  await moved(one, 'v3:a');
  await one.engine.receive(hook('v3:a', 'call.refer.completed'));
  await one.engine.receive(hook('v3:a', 'call.hangup'));
  await store.fold(10);
  expect(await store.prune(Date.now() + 60_000, 10)).toBe(1);
  const before = offered.length;
  const { facts } = hook('v3:a', 'call.cost');
  const bare = { ...facts, from: null, to: null };
  await one.engine.receive(cost('v3:a', '0.0020', { facts: bare }));
  const [due] = (await store.find('v3:a'))?.call.deadlines ?? [];
  if (due === undefined) throw new Error('no deadline');
  await one.engine.receive({
    source: 'deadline',
    id: 'deadline-1',
    callId: 'v3:a',
    type: 'deadline.undecided',
    receivedAt: Date.now(),
    occurredAt: null,
    name: due.name,
    n: due.n,
    putOff: false,
  });
  expect((await store.find('v3:a'))?.call).toMatchObject({ phase: 'ended', ends: 'ignored' });
  expect(offered.length).toBe(before);
  one.start();
  await waitFor(async () => expect(await charged()).toEqual({ 'USD call-control': 0.002 }));
});

test('the cost of a B-leg whose caller is pruned is not stored with a new call of theirs', async () => {
  const one = replica([transfer('+14155550199')]);
  await moved(one, 'v3:a');
  const facts = { ...hook('v3:leg', 'call.initiated').facts, direction: 'outgoing' as const };
  await one.engine.receive(hook('v3:leg', 'call.initiated', { facts }));
  await one.engine.receive(hook('v3:a', 'call.hangup'));
  laterMs = 10_000;
  await one.engine.receive(hook('v3:leg', 'call.hangup', { facts }));
  await store.fold(10);
  expect(await store.prune(Date.now() + 5_000, 10)).toBe(1);
  await one.engine.receive(cost('v3:leg', '0.0050', { facts }));
  expect(await store.find('v3:a')).toBeNull();
  expect((await store.find('v3:leg'))?.call.costs).toHaveLength(1);
});

test('a credit lowers the sum of the call, and not the counter', async () => {
  const one = replica();
  await moved(one, 'v3:a');
  await one.engine.receive(cost('v3:a', '0.0020'));
  await one.engine.receive(
    cost('v3:a', '-0.0010', {
      id: 'credit',
      cost: { parts: [{ part: 'credit', currency: 'USD', amount: '-0.0010' }], problem: null },
    }),
  );
  const found = await store.find('v3:a');
  expect(costTotals(found?.call.costs ?? [])).toMatchObject([{ amount: '0.0010' }]);
  one.start();
  await waitFor(async () => expect(await charged()).toEqual({ 'USD call-control': 0.002 }));
});
