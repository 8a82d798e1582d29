/**
 * Sends commands. Right after a commit it is offered the commands that the commit claimed; it
 * claims commands that were left by a crash, a retry or a lack of free slots from the store. It
 * sends each within its lease and time limits, and passes its outcome to the receiver as an event
 * until the receiver has stored it.
 *
 * `createDispatcher` is long because its functions share one state; each of them is short.
 */
import type { LookupCommand, TelnyxCommand } from '../core/machine/command.ts';
import type { CallEvent } from '../core/machine/event.ts';
import type { Log } from '../log/log.ts';
import type { Settlement } from '../store/contract/calls.ts';
import type { ClaimedCommand } from '../store/contract/outbox.ts';
import type { Store } from '../store/store.ts';
import { CONNECTIONS_MAX, REQUEST_TIMEOUT_MS } from '../telnyx/client.ts';
import { atLeastSince, type Clock, type Mark, mark } from './clock.ts';
import type { Outlet, Received } from './engine.ts';
import { guardCommands } from './observers.ts';
import { createCommandReport } from './reports/commands.ts';
import { createConfirmation } from './sending/confirmation.ts';
import { type Job, storeNow } from './sending/job.ts';
import { JobQueue } from './sending/job-queue.ts';
import { createOutboxPoll } from './sending/outbox-poll.ts';
import { createRecorder } from './sending/record-outcome.ts';
import {
  type CommandObserver,
  createSender,
  type NotLapsed,
  type SendRequest,
} from './sending/sender.ts';
import { LEASE_MS, settlementOf } from './sending/sending.ts';

export interface DispatcherOptions {
  store: Pick<Store, 'claim' | 'stillToSend' | 'releaseLeases'>;
  client: { send: SendRequest<TelnyxCommand> };
  /** Asks the operator's own servers. */
  lookups: { send: SendRequest<LookupCommand> };
  /** Hands an outcome to the receiver; the settlement is committed with the event. */
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

export interface Dispatcher extends Outlet {
  /** Starts to claim commands that were not offered. */
  start(): void;
  /** Sentences for the ready endpoint. */
  warnings(): string[];
  /**
   * Sends what is claimed until the time is over, then returns the rest to the store. Resolves when
   * nothing is in flight.
   */
  stop(withinMs: number): Promise<void>;
}

/**
 * Concurrent lookups. They have slots of their own, so that a slow server of the operator's does
 * not delay requests to Telnyx.
 */
const LOOKUPS_MAX = 64;
const POLL_IDLE_MS = 1_000;
/** A command that had to wait for this long is sent only if the store still has it to be sent. */
const CONFIRM_AFTER_MS = 250;
/**
 * How many outcomes may wait for a store that does not accept them; beyond that nothing new is
 * claimed.
 */
const UNRECORDED_MAX = 1_000;

export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { store, client, lookups, clock, instance } = options;
  const { log, observer } = guardCommands(options.log, options.observer);
  const concurrencyMax = options.concurrencyMax ?? CONNECTIONS_MAX;
  const leaseMs = options.leaseMs ?? LEASE_MS;
  const chance = options.chance ?? Math.random;
  const report = createCommandReport(log, clock);
  const sender = createSender({
    send: (command, mayWrite) =>
      command.action === 'lookup'
        ? lookups.send(command, mayWrite)
        : client.send(command, mayWrite),
    report,
    clock,
    requestMs: options.requestMs ?? REQUEST_TIMEOUT_MS,
    observer,
  });
  const recorder = createRecorder({ receive: options.receive, log, clock, chance });
  const confirmation = createConfirmation((ids) => store.stillToSend(instance, ids));
  const outbox = createOutboxPoll({
    claim: (limit) => store.claim({ owner: instance, leaseMs }, limit),
    take,
    room,
    roomWorth: Math.max(1, concurrencyMax >> 2),
    idleMs: options.pollIdleMs ?? POLL_IDLE_MS,
    clock,
    log,
    onEnd() {
      cancelledMeanwhile.clear();
      settleDown();
    },
  });

  const queue = new JobQueue();
  /** Queued, in flight, or with an outcome that is not recorded yet; never started twice. */
  const held = new Map<string, Job>();
  /** Cancelled while a claim that may return them is running. */
  const cancelledMeanwhile = new Set<string>();
  let sending = 0;
  let looking = 0;
  let phase: 'idle' | 'running' | 'stopping' | 'stopped' = 'idle';
  let quiet: (() => void) | null = null;
  let stopped: Promise<void> | null = null;

  return {
    start() {
      phase = 'running';
      outbox.start();
    },
    offer: take,
    // New commands wait behind older ones, which under load would otherwise never get a slot.
    freeSlots: () => (outbox.hasOlder() ? 0 : room()),
    wake: outbox.wake,
    cancel(commandIds) {
      for (const id of commandIds) {
        if (outbox.busy()) cancelledMeanwhile.add(id);
        const job = held.get(id);
        if (job !== undefined) job.cancelled = true;
        if (queue.remove(id)) held.delete(id);
      }
      settleDown();
    },
    warnings: report.warnings,
    stop(withinMs) {
      stopped ??= stop(withinMs);
      return stopped;
    },
  };

  function room(): number {
    if (phase !== 'running' || recorder.waiting() >= UNRECORDED_MAX) return 0;
    return Math.max(0, concurrencyMax - sending - queue.waiting);
  }

  function take(claimed: ClaimedCommand[], claimedAt: Mark): void {
    if (phase === 'stopped') return;
    const queuedAt = mark(clock);
    for (const each of claimed) {
      const { id } = each.command;
      if (cancelledMeanwhile.has(id)) continue;
      const underWay = held.get(id);
      if (underWay !== undefined) {
        underWay.again = { claimed: each, claimedAt };
        continue;
      }
      const job = { claimed: each, claimedAt, queuedAt, cancelled: false, again: null };
      held.set(id, job);
      queue.add(job);
    }
    pump();
  }

  function pump(): void {
    while (sending < concurrencyMax) {
      const job = queue.next();
      if (job === undefined) break;
      start(job);
    }
    while (looking < LOOKUPS_MAX) {
      const job = queue.nextLookup();
      if (job === undefined) break;
      start(job);
    }
  }

  function start(job: Job): void {
    const permission = sender.permission(job);
    if (permission.kind === 'lapsed') {
      leaveToOthers(job);
      return;
    }
    occupy(job, 1);
    queue.started(job);
    void run(job, permission);
  }

  function occupy({ claimed }: Job, slots: 1 | -1): void {
    if (claimed.command.action === 'lookup') looking += slots;
    else sending += slots;
  }

  function leaveToOthers(job: Job): void {
    const { command, leaseUntil } = job.claimed;
    const { id, callId, action } = command;
    log.emit('command.lapsed', { call_control_id: callId, command: id, action });
    held.delete(id);
    // The others include us.
    if (job.again !== null && !job.cancelled) take([job.again.claimed], job.again.claimedAt);
    else outbox.dueWithin(leaseUntil - storeNow(job, clock));
  }

  async function run(job: Job, permission: NotLapsed): Promise<void> {
    const { claimed } = job;
    const hasWaited = atLeastSince(clock, job.queuedAt) > CONFIRM_AFTER_MS;
    const isCancelled = hasWaited && !(await confirmation.stillToSend(claimed.command.id));
    if (isCancelled || phase === 'stopped') {
      free(job);
      held.delete(claimed.command.id);
      next();
      return;
    }
    const event = await sender.run(job, permission);
    if (event === null) {
      free(job);
      leaveToOthers(job);
      next();
      return;
    }
    const settlement = {
      ...settlementOf(claimed, event.outcome, storeNow(job, clock), chance()),
      owner: instance,
    };
    const recorded = recorder.record(event, settlement);
    free(job);
    next();
    await recorded;
    held.delete(claimed.command.id);
    if (settlement.retryAt !== null) {
      outbox.dueWithin(settlement.retryAt - storeNow(job, clock));
    }
    next();
  }

  function free(job: Job): void {
    occupy(job, -1);
    queue.ended(job);
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
    queue.clear();
    recorder.stop();
    try {
      await store.releaseLeases(instance);
    } catch (error) {
      // The leases expire by themselves.
      log.emit('outbox.unreadable', { err: error });
    }
  }
}
