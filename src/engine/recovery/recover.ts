/**
 * One recovery: asks Telnyx which webhooks we missed and which legs are live, and passes each
 * missed event to the receiver. It may fail or die at any point: next time, events that were passed
 * on are duplicates, and the rest are still in Telnyx's list.
 */

import { setTimeout } from 'node:timers/promises';
import { counted } from '../../core/counted.ts';
import type { Call } from '../../core/machine/call.ts';
import type { WebhookEvent } from '../../core/machine/event.ts';
import {
  type LiveLeg,
  type LostCaller,
  legsToAsk,
  type Missed,
  type Outage,
  planRecovery,
  type RecoveryPlan,
} from '../../core/recovery.ts';
import { TooBusy } from '../../errors.ts';
import { NotToldByTelnyx, type OutageSource } from '../../telnyx/outage-source.ts';
import type { Received, Receiver } from '../engine.ts';

export interface Recovery {
  since: number;
  /** Live legs of our connections. */
  live: number;
  /** Missed events that were stored, by type. */
  byType: Map<string, number>;
  recovered: number;
  lost: LostCaller[];
  unknownLive: LiveLeg[];
  /** In Telnyx's list although they are stored, by us or meanwhile by another replica. */
  duplicates: number;
  /** Not about a call, or not readable. */
  unusable: number;
  /** Of connections that TELNYX_CONNECTION_IDS does not include. */
  foreign: number;
  /**
   * Left for the next time: it is unknown whether the leg is live, or no server runs to serve the
   * caller.
   */
  postponed: number;
  /** Why the recovery is incomplete; null if it is not. */
  failed: string | null;
}

/** What the store knows of these events and legs. */
export interface Known {
  calls: Map<string, Call>;
  holds(event: WebhookEvent): boolean;
}

export interface RecoverOptions {
  source: OutageSource;
  know(events: WebhookEvent[], legIds: string[]): Promise<Known>;
  /** Null: a dry run. */
  receive: Receiver['receive'] | null;
  /** Null: all connections of the account are ours. */
  connectionIds: ReadonlySet<string> | null;
  /** False: events of live legs are left for the server, which is not running. */
  servesCallers: boolean;
  signal: AbortSignal;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** One event was stored. */
  onRecovered(type: string): void;
  /**
   * A leg may be younger than its first webhook, so an unknown leg is looked up again after this
   * time.
   */
  unknownAgainMs?: number;
}

/** Covers deliveries that began before the outage and were repeated during it. */
const SLACK_MS = 5 * 60_000;
/** How many events are passed on together: few, so that new webhooks need not wait for them. */
const CHUNK_EVENTS = 32;
const ASKED_AT_ONCE = 4;
const BUSY_WAIT_MS = 200;
const UNKNOWN_AGAIN_MS = 2_000;

export async function recover(options: RecoverOptions, since: number): Promise<Recovery> {
  const { now, know } = options;
  const failures: string[] = [];
  const listed = await listMissed(options, since, failures);
  // Listed after the deliveries, so that every leg with a failed delivery has begun by now.
  const live = await listLive(options, listed.missed, failures);
  const events = listed.missed.map(({ event }) => event);
  const known = await know(
    events,
    live.map(({ callId }) => callId),
  );
  const outage: Outage = { missed: listed.missed, live, ...known, now: now() };
  const plan = planRecovery(outage, await askOneByOne(options, legsToAsk(outage)));
  if (plan.postponed > 0) {
    failures.push(
      `Telnyx did not say whether the legs of ${counted(plan.postponed, 'event')} are live`,
    );
  }
  return {
    since,
    live: live.length,
    unusable: listed.unusable,
    foreign: listed.foreign,
    ...(await handOver(options, plan)),
    unknownLive: await stillUnknown(options, plan.unknownLive),
    failed: failures.length === 0 ? null : failures.join('; '),
  };
}

interface Listed {
  missed: Missed[];
  unusable: number;
  foreign: number;
}

/** Pages that were read before one failed are still used. */
async function listMissed(
  options: RecoverOptions,
  since: number,
  failures: string[],
): Promise<Listed> {
  const { source, connectionIds } = options;
  const listed: Listed = { missed: [], unusable: 0, foreign: 0 };
  await noting(options, failures, async () => {
    for await (const page of source.failedDeliveries(since - SLACK_MS)) {
      listed.unusable += page.unusable;
      for (const each of page.missed) {
        const { connectionId } = each.event.facts;
        const ours =
          connectionIds === null || connectionId === null || connectionIds.has(connectionId);
        if (ours) listed.missed.push(each);
        else listed.foreign += 1;
      }
    }
  });
  return listed;
}

async function listLive(
  options: RecoverOptions,
  missed: Missed[],
  failures: string[],
): Promise<LiveLeg[]> {
  const { source, connectionIds } = options;
  const ids = new Set(connectionIds);
  let listed: ReadonlySet<string> | null = null;
  if (connectionIds === null) {
    for (const { event } of missed) {
      if (event.facts.connectionId !== null) ids.add(event.facts.connectionId);
    }
    await noting(options, failures, async () => {
      listed = new Set(await source.connections());
      for (const id of listed) ids.add(id);
    });
  }
  // A connection that was deleted since has no live legs; its events alone still name it.
  const isDeleted = (id: string, error: unknown) =>
    listed?.has(id) === false && error instanceof NotToldByTelnyx && error.missing;
  const live = new Map<string, LiveLeg>();
  for (const id of ids) {
    await noting(options, failures, async () => {
      const legs = await source.activeCalls(id).catch((error: unknown) => {
        if (isDeleted(id, error)) return [];
        throw error;
      });
      for (const leg of legs) live.set(leg.callId, leg);
    });
  }
  return [...live.values()];
}

/** If one list cannot be read, the others are still used. */
async function noting(
  { signal }: RecoverOptions,
  failures: string[],
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (signal.aborted) throw error;
    failures.push(error instanceof Error ? error.message : String(error));
  }
}

async function askOneByOne(
  { source }: RecoverOptions,
  legIds: string[],
): Promise<Map<string, boolean | null>> {
  const answers = new Map<string, boolean | null>();
  const waiting = [...legIds];
  const ask = async () => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      answers.set(id, await source.isAlive(id));
    }
  };
  await Promise.all(Array.from({ length: ASKED_AT_ONCE }, ask));
  return answers;
}

type HandedOver = Pick<Recovery, 'recovered' | 'byType' | 'duplicates' | 'lost' | 'postponed'>;

async function handOver(options: RecoverOptions, plan: RecoveryPlan): Promise<HandedOver> {
  const { receive, servesCallers, now, onRecovered } = options;
  const events = servesCallers ? plan.events : plan.events.filter(hasGone);
  const handed: HandedOver = {
    recovered: 0,
    byType: new Map(),
    duplicates: 0,
    lost: receive === null ? plan.lost : [],
    postponed: plan.postponed + plan.events.length - events.length,
  };
  const lost = new Map<string, LostCaller>();
  for (let from = 0; from < events.length; from += CHUNK_EVENTS) {
    options.signal.throwIfAborted();
    const chunk = events.slice(from, from + CHUNK_EVENTS);
    await Promise.all(
      chunk.map(async (event) => {
        if (receive !== null) {
          // Decisions use the time of receipt, which is now: the caller is still waiting.
          const received = await patiently(receive, { ...event, receivedAt: now() });
          if (received.result !== 'committed') {
            handed.duplicates += 1;
            return;
          }
          onRecovered(event.type);
          if (received.call.ends === 'missed') lost.set(event.callId, lostCaller(received.call));
        }
        handed.recovered += 1;
        handed.byType.set(event.type, (handed.byType.get(event.type) ?? 0) + 1);
      }),
    );
  }
  if (receive === null) return handed;
  for (const sighting of plan.sightings) await receive({ ...sighting, receivedAt: now() });
  return { ...handed, lost: [...lost.values()] };
}

function hasGone({ callId, recovered }: WebhookEvent): boolean {
  return recovered?.living.has(callId) === false;
}

/** New webhooks come first: if the queue is full, the recovery waits. */
async function patiently(receive: Receiver['receive'], event: WebhookEvent): Promise<Received> {
  for (;;) {
    try {
      return await receive(event);
    } catch (error) {
      if (!(error instanceof TooBusy)) throw error;
      await setTimeout(BUSY_WAIT_MS);
    }
  }
}

/** A leg that has just begun is unknown until its first webhook arrives. */
async function stillUnknown(
  { know, signal, unknownAgainMs = UNKNOWN_AGAIN_MS }: RecoverOptions,
  legs: LiveLeg[],
): Promise<LiveLeg[]> {
  if (legs.length === 0) return [];
  await setTimeout(unknownAgainMs, undefined, { signal });
  const { calls } = await know(
    [],
    legs.map(({ callId }) => callId),
  );
  return legs.filter(({ callId }) => !calls.has(callId));
}

export function lostCaller({ id, facts, createdAt }: Call): LostCaller {
  return { callId: id, from: facts.from, to: facts.to, at: createdAt };
}
