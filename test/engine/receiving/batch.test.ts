/**
 * Which events share a commit, and which batches need the budgets. Uses a real SQLite store and
 * counts its batches.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CallEvent } from '../../../src/core/machine/event.ts';
import type { Budget } from '../../../src/core/rules/rule.ts';
import { BudgetUse } from '../../../src/core/rules/targets/budget.ts';
import type { Decider } from '../../../src/engine/engine.ts';
import { NO_OBSERVER, NO_OUTLET } from '../../../src/engine/observers.ts';
import { type BatchingReceiver, createReceiver } from '../../../src/engine/receive.ts';
import { applyAll } from '../../../src/engine/receiving/batch.ts';
import { keysOf } from '../../../src/engine/receiving/batch-load.ts';
import type { QueuedEvent } from '../../../src/engine/receiving/queue.ts';
import type { Loaded } from '../../../src/store/contract/calls.ts';
import { openStore } from '../../../src/store/open.ts';
import type { Store } from '../../../src/store/store.ts';
import { decision, drive, refer, transfer, webhook } from '../../helpers/machine.ts';

const HOURLY: Budget = { perCall: null, perHour: 100, perCallerPerHour: 5 };
const decider: Decider = {
  decide: () => decision([refer('a')]),
  budgets: () => ({ refers: HOURLY, transfers: HOURLY }),
};

let folder: string;
let store: Store;
let batches: number[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referee-gather-'));
  store = await openStore({ kind: 'sqlite', path: join(folder, 'referee.db') });
  batches = [];
});

afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

function open(): BatchingReceiver {
  return createReceiver({
    store,
    decider,
    owner: 'test',
    outlet: NO_OUTLET,
    observer: { ...NO_OBSERVER, batch: (events) => void batches.push(events) },
  });
}

function initiated(callId: string): CallEvent {
  return webhook('call.initiated', { id: `i-${callId}`, callId });
}

test('what arrives in one turn shares a commit, and nothing waits for more', async () => {
  const engine = open();
  const accepted = (callId: string): CallEvent => ({
    source: 'outcome',
    id: `outcome-${callId}`,
    callId,
    type: 'command.accepted',
    receivedAt: Date.now(),
    occurredAt: null,
    commandId: `command-${callId}`,
    legId: callId,
    action: 'answer',
    outcome: { kind: 'accepted', status: 200, alive: null },
    firstSentAt: null,
  });
  const one = engine.receive(accepted('v3:one'));
  await Promise.all([one, engine.receive(initiated('v3:two'))]);
  expect(batches).toEqual([2]);

  await engine.receive(accepted('v3:three'));
  expect(batches).toEqual([2, 1]);

  const left = engine.receive(accepted('v3:four'));
  await engine.drained();
  await left;
  expect(batches).toEqual([2, 1, 1]);
});

test('the hangup of a B-leg may start its caller’s next attempt, so its batch counts the budgets', () => {
  const keys = (event: CallEvent) => {
    const queued: QueuedEvent = {
      event,
      settle: null,
      lostRaces: 0,
      resolve: () => {},
      reject: () => {},
    };
    return keysOf([queued], 101, Date.now());
  };
  expect(keys(webhook('call.hangup', {})).budget).toMatchObject({ limit: 101 });
  expect(keys(webhook('call.refer.started', {})).budget).toBeNull();
});

test('of an event that its caller’s call cannot take, nothing is stored', () => {
  const caller = drive(decision([transfer('+14155550199')]));
  caller.hook('call.initiated');
  caller.accept(caller.last('answer'));
  caller.hook('call.answered');
  caller.accept(caller.last('transfer'));
  const parent = caller.call;
  const [attempt] = parent.attempts;
  const loaded: Loaded = {
    now: Date.now(),
    // As if an older version had written it.
    calls: new Map([[parent.id, { call: { ...parent, plan: null as never }, version: 1 }]]),
    attempts: new Map([[attempt?.id ?? '', parent.id]]),
    seen: new Set(),
    budget: null,
    settings: { overrides: 0, rest: 0, reload: 0 },
  };
  const queued = (event: CallEvent): QueuedEvent => {
    return { event, settle: null, lostRaces: 0, resolve: () => {}, reject: () => {} };
  };
  const hangup = queued(
    webhook('call.hangup', {
      callId: 'v3:its-b-leg',
      envelope: { id: attempt?.id ?? '', foreignState: null },
    }),
  );
  const batch = applyAll([hangup], {
    loaded,
    overrides: {},
    decider,
    budget: new BudgetUse(decider.budgets(), null),
    lastWebhookAt: null,
    storeAheadMs: 0,
  });
  expect(batch.broken.map(({ queued: it }) => it)).toEqual([hangup]);
  expect(batch.units).toEqual([]);
});
