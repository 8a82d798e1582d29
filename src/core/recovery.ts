/**
 * Decides what is left to do after an outage, given what Telnyx and the store know: which missed
 * events to pass to the receiver and in which order, which callers have hung up, and which live
 * legs are unknown here.
 */
import type { Call } from './machine/call.ts';
import { decodeEnvelope } from './machine/client-state.ts';
import type { SightingEvent, WebhookEvent } from './machine/event.ts';
import { isLost } from './machine/gone.ts';
import { CALL_MS_MAX } from './machine/limits.ts';
import { newCall } from './machine/new-call.ts';

/** A webhook whose delivery failed. */
export interface Missed {
  event: WebhookEvent;
  /** When its first delivery was tried, for events without a time of their own. */
  triedAt: number | null;
}

/** One of the legs that Telnyx lists as live. */
export interface LiveLeg {
  callId: string;
  sessionId: string | null;
  connectionId: string;
  clientState: string | null;
  durationSecs: number | null;
}

export interface Outage {
  missed: Missed[];
  live: LiveLeg[];
  /** Stored calls: those of the missed events, of their sessions, and of the live legs. */
  calls: ReadonlyMap<string, Call>;
  /** Whether the store holds the event already. */
  holds(event: WebhookEvent): boolean;
  now: number;
}

export interface RecoveryPlan {
  /** Oldest first, each with the legs that are live. */
  events: WebhookEvent[];
  /** For calls whose attempt has an unknown outcome: the envelope that is on the leg. */
  sightings: SightingEvent[];
  /** Callers who hung up before we heard of them. */
  lost: LostCaller[];
  /** Live legs that neither the store nor the deliveries mention. */
  unknownLive: LiveLeg[];
  /**
   * How many events are left for the next time, because it is unknown whether their leg is live.
   */
  postponed: number;
}

export interface LostCaller {
  callId: string;
  from: string | null;
  to: string | null;
  /** Milliseconds since the epoch. */
  at: number;
}

/**
 * Legs that must be asked for one by one, because neither the list nor a hangup tells whether they
 * are live. The list alone is not enough to give up a caller who may be hearing a ringing tone.
 */
export function legsToAsk(outage: Outage): string[] {
  const { live, calls, now } = outage;
  const known = new Set(live.map(({ callId }) => callId));
  const over = endedLegs(outage);
  const lastHeardOf = new Map<string, number>();
  const sessions = new Set<string>();
  for (const { event, triedAt } of newOnes(outage)) {
    const at = event.occurredAt ?? triedAt ?? now;
    lastHeardOf.set(event.callId, Math.max(at, lastHeardOf.get(event.callId) ?? 0));
    if (event.facts.sessionId !== null) sessions.add(event.facts.sessionId);
  }
  // The fate of a B-leg is an event of its caller too.
  for (const { id, facts } of calls.values()) {
    if (facts.sessionId !== null && sessions.has(facts.sessionId)) lastHeardOf.set(id, now);
  }
  return [...lastHeardOf]
    .filter(([id, at]) => !known.has(id) && !over.has(id) && now - at < CALL_MS_MAX)
    .map(([id]) => id);
}

/** `asked`: the answers for `legsToAsk`; null where Telnyx could not say. */
export function planRecovery(
  outage: Outage,
  asked: ReadonlyMap<string, boolean | null>,
): RecoveryPlan {
  const { live, missed } = outage;
  const living = new Set(live.map(({ callId }) => callId));
  for (const [id, alive] of asked) if (alive === true) living.add(id);
  for (const id of endedLegs(outage)) living.delete(id);

  const unsure = doubtful(outage, asked);
  const all = newOnes(outage);
  const sure = all.filter(({ event: { callId, facts } }) => {
    return !unsure.has(callId) && (facts.sessionId === null || !unsure.has(facts.sessionId));
  });
  const events = sure
    .toSorted(oldestFirst)
    .map(({ event }): WebhookEvent => ({ ...event, recovered: { living } }));
  const heardOf = new Set(missed.map(({ event }) => event.callId));
  return {
    events,
    sightings: live.flatMap((leg) => sightingOf(leg, outage.calls.get(leg.callId)) ?? []),
    lost: lostOf(events, outage, living),
    unknownLive: live.filter(
      ({ callId }) => living.has(callId) && !heardOf.has(callId) && !outage.calls.has(callId),
    ),
    postponed: all.length - sure.length,
  };
}

/**
 * Each event once, even if a failover URL made two deliveries of it, and none that is stored
 * already.
 */
function newOnes({ missed, holds }: Outage): Missed[] {
  const byKey = new Map<string, Missed>();
  for (const each of missed) {
    const { callId, type, id } = each.event;
    const key = JSON.stringify([callId, type, id]);
    if (!byKey.has(key) && !holds(each.event)) byKey.set(key, each);
  }
  return [...byKey.values()];
}

/** Legs whose hangup is known, even if the list of live legs still contains them. */
function endedLegs({ missed, calls }: Outage): Set<string> {
  const ended = new Set<string>();
  for (const { event } of missed) if (event.type === 'call.hangup') ended.add(event.callId);
  for (const { id, phase } of calls.values()) if (phase === 'ended') ended.add(id);
  return ended;
}

/**
 * Legs of which nothing is known, and the sessions of those that are calls here, because an event
 * of a B-leg also concerns its caller.
 */
function doubtful({ calls }: Outage, asked: ReadonlyMap<string, boolean | null>): Set<string> {
  const ids = [...asked].flatMap(([id, alive]) => (alive === null ? [id] : []));
  return new Set(ids.flatMap((id) => [id, calls.get(id)?.facts.sessionId ?? id]));
}

function oldestFirst(a: Missed, b: Missed): number {
  const at = ({ event, triedAt }: Missed) => event.occurredAt ?? triedAt ?? 0;
  const first = ({ event }: Missed) => (event.type === 'call.initiated' ? 0 : 1);
  return at(a) - at(b) || first(a) - first(b);
}

/** Our envelope, naming an attempt of which it is unknown whether Telnyx executed it. */
function sightingOf(
  { callId, clientState }: LiveLeg,
  call: Call | undefined,
): SightingEvent | null {
  const envelope = decodeEnvelope(clientState);
  const attempt = call?.attempts.find(({ id }) => id === envelope?.id);
  const open = attempt !== undefined && attempt.verdict === null && attempt.acceptedAt === null;
  if (!open) return null;
  return {
    source: 'sighting',
    id: `sighting:${attempt.id}`,
    type: 'recovery.seen',
    callId,
    receivedAt: 0,
    occurredAt: null,
    envelope,
  };
}

/** As the machine will see them; a dry run has nothing else to go by. */
function lostOf(
  events: WebhookEvent[],
  { calls, now }: Outage,
  living: ReadonlySet<string>,
): LostCaller[] {
  const byLeg = Map.groupBy(events, ({ callId }) => callId);
  return [...byLeg].flatMap(([callId, own]) => {
    if (living.has(callId)) return [];
    const known = calls.get(callId) ?? newCall(callId, now);
    const told = own.map(({ facts }) => facts);
    const first = <T>(values: (T | null)[]): T | null =>
      values.find((each) => each !== null) ?? null;
    const facts = {
      ...known.facts,
      direction: first([known.facts, ...told].map(({ direction }) => direction)),
    };
    if (known.ends === 'missed' || !isLost({ ...known, facts })) return [];
    return [
      {
        callId,
        from: first([known.facts, ...told].map(({ from }) => from)),
        to: first([known.facts, ...told].map(({ to }) => to)),
        at: Math.min(known.createdAt, first(own.map(({ occurredAt }) => occurredAt)) ?? now),
      },
    ];
  });
}
