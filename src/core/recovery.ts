/**
 * What an outage left to do, given what Telnyx and the store know: which missed events to hand to the receiver and in
 * which order, who of the callers has gone, and which legs live that nobody here has heard of.
 */
import type { Call } from './machine/call.ts';
import { decodeEnvelope } from './machine/client-state.ts';
import type { SightingEvent, WebhookEvent } from './machine/event.ts';
import { isLost } from './machine/gone.ts';
import { CALL_MS_MAX } from './machine/limits.ts';
import { newCall } from './machine/new-call.ts';

/** A webhook of a failed delivery. */
export interface Missed {
  event: WebhookEvent;
  /** When its first delivery was tried, where Telnyx does not say when it occurred. */
  triedAt: number | null;
}

/** A leg among those that Telnyx says live now. */
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
  /** Calls of the store: those of the missed events, of their sessions, and of the living legs. */
  calls: ReadonlyMap<string, Call>;
  /** Whether the store holds the event already. */
  holds(event: WebhookEvent): boolean;
  now: number;
}

export interface RecoveryPlan {
  /** Oldest first, each with the legs that live. */
  events: WebhookEvent[];
  /** Of calls whose attempt has an unknown outcome: what stands on the leg. */
  sightings: SightingEvent[];
  /** Callers who have gone before we heard of them. */
  lost: LostCaller[];
  /** Living legs of which neither the store nor the deliveries know. */
  unknownLive: LiveLeg[];
  /** Events of legs of which nobody could say whether they live: next time. */
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
 * Legs of which neither the list nor a hangup tells whether they live: to be asked for one by one. The list alone
 * is not enough to give up a caller who may be listening to a ringing tone.
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
  // What becomes of a B-leg is an event of its caller as well.
  for (const { id, facts } of calls.values()) {
    if (facts.sessionId !== null && sessions.has(facts.sessionId)) lastHeardOf.set(id, now);
  }
  return [...lastHeardOf]
    .filter(([id, at]) => !known.has(id) && !over.has(id) && now - at < CALL_MS_MAX)
    .map(([id]) => id);
}

/** `asked`: what was answered for `legsToAsk`; null where nobody could say. */
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

/** Each event once, though a failover URL has made two deliveries of it; and none that the store holds. */
function newOnes({ missed, holds }: Outage): Missed[] {
  const byKey = new Map<string, Missed>();
  for (const each of missed) {
    const { callId, type, id } = each.event;
    const key = JSON.stringify([callId, type, id]);
    if (!byKey.has(key) && !holds(each.event)) byKey.set(key, each);
  }
  return [...byKey.values()];
}

/** Legs whose hangup is known, whatever the list of living ones still says. */
function endedLegs({ missed, calls }: Outage): Set<string> {
  const ended = new Set<string>();
  for (const { event } of missed) if (event.type === 'call.hangup') ended.add(event.callId);
  for (const { id, phase } of calls.values()) if (phase === 'ended') ended.add(id);
  return ended;
}

/** Legs of which nobody could say, and the sessions of those that are calls here: an event of a B-leg is also its caller's. */
function doubtful({ calls }: Outage, asked: ReadonlyMap<string, boolean | null>): Set<string> {
  const ids = [...asked].flatMap(([id, alive]) => (alive === null ? [id] : []));
  return new Set(ids.flatMap((id) => [id, calls.get(id)?.facts.sessionId ?? id]));
}

function oldestFirst(a: Missed, b: Missed): number {
  const at = ({ event, triedAt }: Missed) => event.occurredAt ?? triedAt ?? 0;
  const first = ({ event }: Missed) => (event.type === 'call.initiated' ? 0 : 1);
  return at(a) - at(b) || first(a) - first(b);
}

/** An envelope of ours that names an attempt of which nobody knows whether Telnyx applied it. */
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

/** As the machine will find them; a dry run has nothing else to go by. */
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
