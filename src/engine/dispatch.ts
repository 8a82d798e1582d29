/**
 * Sends commands. Right after a commit it is offered the commands that the commit claimed; commands
 * left by a crash, a retry or a lack of free slots it claims from the store. Each is sent within
 * its lease and time limits, and its outcome is passed to the receiver as an event until the
 * receiver has stored it.
 */

import type { Action, Command, Outcome } from '../core/machine/command.ts';
import { outcomeEventId } from '../core/machine/command-id.ts';
import type { CallEvent, OutcomeEvent } from '../core/machine/event.ts';
import type { Log } from '../log/log.ts';
import type { ClaimedCommand, Settlement, Store } from '../store/store.ts';
import { CONNECTIONS_MAX, REQUEST_TIMEOUT_MS } from '../telnyx/client.ts';
import { atLeastSince, type Clock, type Mark } from './clock.ts';
import { createCommandReport } from './command-report.ts';
import type { Outlet, Received } from './engine.ts';
import { mayJoin } from './order.ts';
import { createOutboxPoll } from './outbox-poll.ts';
import { createRecorder } from './record-outcome.ts';
import {
  asRepetition,
  LEASE_MS,
  maySend,
  type Permission,
  sentSince,
  settlementOf,
} from './sending.ts';

export interface CommandObserver {
  /** One request to Telnyx and what became of it. */
  command(action: Action, outcome: Outcome['kind'], ms: number): void;
  retry?(action: Action): void;
  /** Time from the commit that stored a command to its first request. */
  waited?(action: Action, ms: number): void;
}

export interface DispatcherOptions {
  store: Pick<Store, 'claim' | 'releaseLeases'>;
  /** `mayWrite` is called just before the request is written; false: nothing is written. */
  client: { send(command: Command, mayWrite?: () => boolean): Promise<Outcome> };
  /** The receiver; the settlement is committed with the event. */
  receive(event: CallEvent, settle: Settlement): Promise<Received>;
  log: Log;
  clock: Clock;
  /** The owner name of our leases. */
  instance: string;
  /** Concurrent requests; default: the number of connections. */
  concurrencyMax?: number;
  leaseMs?: number;
  /** How long `client.send` may take, in ms. */
  requestMs?: number;
  pollIdleMs?: number;
  /** 0..1, for jitter. */
  chance?(): number;
  observer?: CommandObserver;
}

export interface Dispatcher extends Omit<Outlet, 'poke'> {
  /** Starts to claim commands that were not offered. */
  start(): void;
  /** There are pending commands that were not offered: the outlet's `poke`. */
  wake(): void;
  /** Sentences for the ready endpoint. */
  warnings(): string[];
  /**
   * Sends what is claimed, and returns the rest when the time is over. Resolves when nothing is in
   * flight.
   */
  stop(withinMs: number): Promise<void>;
}

const POLL_IDLE_MS = 1_000;
/** Limit for outcomes that the store does not accept; above it nothing new is claimed. */
const UNRECORDED_MAX = 1_000;

interface Job {
  claimed: ClaimedCommand;
  /** Our monotonic time at `claimed.now`, or slightly before. */
  claimedAt: Mark;
}

/** The outcome of a request, or why it was not made. */
type Sent =
  | { requested: true; outcome: Outcome }
  | { requested: false; permission: Exclude<Permission, { kind: 'send' }> };

export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { store, client, clock, log, instance, observer } = options;
  const concurrencyMax = options.concurrencyMax ?? CONNECTIONS_MAX;
  const leaseMs = options.leaseMs ?? LEASE_MS;
  const requestMs = options.requestMs ?? REQUEST_TIMEOUT_MS;
  const chance = options.chance ?? Math.random;
  const report = createCommandReport(log, clock);
  const recorder = createRecorder({ receive: options.receive, log, clock, chance });
  const outbox = createOutboxPoll({
    claim: (limit) => store.claim({ owner: instance, leaseMs }, limit),
    take,
    room: freeSlots,
    roomWorth: Math.max(1, concurrencyMax >> 2),
    idleMs: options.pollIdleMs ?? POLL_IDLE_MS,
    clock,
    log,
    onEnd() {
      takenBack.clear();
      settleDown();
    },
  });

  /** Hangups and rejects, and the rest. */
  const urgent: Job[] = [];
  const others: Job[] = [];
  /** Queued, in flight, or with an outcome that is not recorded yet; never started twice. */
  const held = new Set<string>();
  /** Cancelled while a claim that may return them was running. */
  const takenBack = new Set<string>();
  /** What is in flight per leg, because the prompts of a leg must reach Telnyx in order. */
  const underWay = new Map<string, Action[]>();
  let sending = 0;
  let phase: 'idle' | 'running' | 'stopping' | 'stopped' = 'idle';
  let quiet: (() => void) | null = null;
  let stopped: Promise<void> | null = null;

  return {
    start() {
      phase = 'running';
      outbox.start();
    },
    offer: take,
    freeSlots,
    wake: outbox.wake,
    cancel(commandIds) {
      for (const id of commandIds) {
        if (outbox.busy()) takenBack.add(id);
        if (remove(urgent, id) || remove(others, id)) held.delete(id);
      }
      settleDown();
    },
    warnings: report.warnings,
    stop(withinMs) {
      stopped ??= stop(withinMs);
      return stopped;
    },
  };

  function freeSlots(): number {
    if (phase !== 'running' || recorder.waiting() >= UNRECORDED_MAX) return 0;
    return Math.max(0, concurrencyMax - sending - urgent.length - others.length);
  }

  function take(claimed: ClaimedCommand[], claimedAt: Mark): void {
    if (phase === 'stopped') return;
    for (const each of claimed) {
      const { id, action } = each.command;
      if (held.has(id) || takenBack.has(id)) continue;
      held.add(id);
      const queue = action === 'hangup' || action === 'reject' ? urgent : others;
      queue.push({ claimed: each, claimedAt });
    }
    pump();
  }

  function pump(): void {
    while (sending < concurrencyMax) {
      const job = urgent.shift() ?? nextInOrder();
      if (job === undefined) break;
      const permission = maySend(job.claimed, latestStoreNow(job), requestMs);
      if (permission.kind === 'lapsed') {
        leaveToOthers(job);
        continue;
      }
      sending += 1;
      join(job);
      void run(job, permission);
    }
  }

  function nextInOrder(): Job | undefined {
    const index = others.findIndex(({ claimed: { command } }) => {
      return mayJoin(command.action, underWay.get(command.legId) ?? []);
    });
    return index < 0 ? undefined : others.splice(index, 1)[0];
  }

  function join({ claimed: { command } }: Job): void {
    underWay.set(command.legId, [...(underWay.get(command.legId) ?? []), command.action]);
  }

  function leave({ claimed: { command } }: Job): void {
    const left = [...(underWay.get(command.legId) ?? [])];
    left.splice(left.indexOf(command.action), 1);
    if (left.length === 0) underWay.delete(command.legId);
    else underWay.set(command.legId, left);
  }

  function leaveToOthers(job: Job): void {
    const { command, leaseUntil } = job.claimed;
    const { id, callId, action } = command;
    log.emit('command.lapsed', { call_control_id: callId, command: id, action });
    held.delete(id);
    outbox.dueWithin(leaseUntil - storeNow(job));
  }

  async function run(job: Job, permission: Exclude<Permission, { kind: 'lapsed' }>): Promise<void> {
    const { claimed } = job;
    const sent: Sent =
      permission.kind === 'send' ? await request(job) : { requested: false, permission };
    const outcome = outcomeOf(job, sent);
    if (outcome === null) {
      sending -= 1;
      leave(job);
      leaveToOthers(job);
      next();
      return;
    }
    if (!sent.requested) reportOutcome(claimed, outcome, 0);
    const settlement = settlementOf(claimed, outcome, storeNow(job), chance());
    const recorded = recorder.record(eventOf(job, outcome, sent.requested), settlement);
    sending -= 1;
    leave(job);
    next();
    await recorded;
    held.delete(claimed.command.id);
    if (settlement.retryAt !== null) outbox.dueWithin(settlement.retryAt - storeNow(job));
    next();
  }

  /** Null: nothing may be recorded, because the command may belong to another process by now. */
  function outcomeOf(job: Job, sent: Sent): Outcome | null {
    const { claimed } = job;
    if (!sent.requested) {
      return sent.permission.kind === 'lapsed'
        ? null
        : asRepetition(claimed, sent.permission.outcome);
    }
    // A clear answer is valid in any case; a retry would be about another replica's try.
    const lapsed = maySend(claimed, latestStoreNow(job), 0).kind === 'lapsed';
    return sent.outcome.kind === 'retry' && lapsed ? null : asRepetition(claimed, sent.outcome);
  }

  async function request(job: Job): Promise<Sent> {
    const { command, tries, createdAt } = job.claimed;
    if (tries === 1) observer?.waited?.(command.action, Math.max(0, storeNow(job) - createdAt));
    const startedAt = clock.monotonic();
    let permission: Permission = { kind: 'send' };
    // Between the first check and the write there may be a new connection, a queue and, if the
    // process is stopped or the machine suspended, any length of time.
    const mayWrite = () => {
      const leftMs = Math.max(0, requestMs - (clock.monotonic() - startedAt));
      permission = maySend(job.claimed, latestStoreNow(job), leftMs);
      return permission.kind === 'send';
    };
    const outcome = await client.send(command, mayWrite).catch((error: unknown): Outcome => {
      // The client turns every failure into an outcome; a bug in it must not stop other commands.
      const detail = `the client failed: ${String(error)}`;
      return { kind: 'retry', status: null, detail, afterMs: null, provenUnsent: false };
    });
    const refused = permission as Permission;
    if (refused.kind !== 'send') return { requested: false, permission: refused };
    reportOutcome(job.claimed, outcome, clock.monotonic() - startedAt);
    return { requested: true, outcome };
  }

  function reportOutcome({ command, tries }: ClaimedCommand, outcome: Outcome, ms: number): void {
    report.outcome(command, outcome, tries, ms);
    observer?.command(command.action, outcome.kind, ms);
    if (outcome.kind === 'retry') observer?.retry?.(command.action);
  }

  function eventOf(job: Job, outcome: Outcome, requested: boolean): OutcomeEvent {
    const { claimed } = job;
    const { command, tries } = claimed;
    return {
      source: 'outcome',
      id: outcomeEventId(command.id, tries),
      callId: command.callId,
      type: `command.${outcome.kind}`,
      // By the same clock as the time it is compared with.
      receivedAt: Math.round(storeNow(job)),
      occurredAt: null,
      commandId: command.id,
      legId: command.legId,
      action: command.action,
      outcome,
      firstSentAt: sentSince(claimed, outcome, requested),
    };
  }

  /** The store's clock, continued with our monotonic clock. */
  function storeNow(job: Job): number {
    return job.claimed.now + (clock.monotonic() - job.claimedAt.monotonic);
  }

  /** The same, by whichever clock is later, for things that must not be sent too late. */
  function latestStoreNow(job: Job): number {
    return job.claimed.now + atLeastSince(clock, job.claimedAt);
  }

  /** Called when a slot or a held outcome is free again. */
  function next(): void {
    pump();
    outbox.roomFreed();
    settleDown();
  }

  function settleDown(): void {
    if (held.size === 0 && !outbox.busy()) quiet?.();
  }

  async function stop(withinMs: number): Promise<void> {
    phase = 'stopping';
    outbox.stop();
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, withinMs);
      quiet = () => {
        clearTimeout(late);
        resolve();
      };
      settleDown();
    });
    phase = 'stopped';
    urgent.length = 0;
    others.length = 0;
    recorder.stop();
    try {
      await store.releaseLeases(instance);
    } catch (error) {
      // The leases expire by themselves.
      log.emit('outbox.unreadable', { err: error });
    }
  }
}

function remove(queue: Job[], commandId: string): boolean {
  const index = queue.findIndex(({ claimed }) => claimed.command.id === commandId);
  if (index >= 0) queue.splice(index, 1);
  return index >= 0;
}
