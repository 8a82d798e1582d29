/** Follows a call that we placed, hangs it up in time, and collects what is known about it. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Delivery } from '../../core/account/account.ts';
import { counted } from '../../core/counted.ts';
import type { CallDetail } from '../../http/api/calls/calls-json.ts';
import type { AccountClient } from '../../telnyx/account/client.ts';
import { deliveredEvent } from '../../telnyx/account/deliveries.ts';
import { CALL_EVENT_TYPES } from '../../telnyx/missed-webhooks.ts';
import type { Documents } from '../sources/documents.ts';
import type { Evidence } from './evidence.ts';

export interface Following {
  client: Pick<AccountClient, 'hangUp' | 'deliveries' | 'clockOffMs'>;
  server: Pick<Documents, 'call' | 'calls'>;
  callingId: string;
  from: string;
  to: string;
  /** Ids of calls to that number that existed before. */
  before: ReadonlySet<string>;
  placedAt: number;
  secs: number;
  /** When aborted, the call is hung up at once. */
  signal: AbortSignal;
  say: (text: string) => void;
}

export interface Followed extends Evidence {
  /** What could not be found out, and why. */
  unknowns: string[];
}

const LOOK_EVERY_MS = 250;
/** How long to wait for the last webhooks after the hangup. */
const END_WITHIN_MS = 20_000;
/** How long to wait for the other leg once one has ended. */
const LATE_LEG_MS = 5_000;
const LOG_WITHIN_MS = 15_000;
const LOG_EVERY_MS = 1_000;
/** Tolerance between Telnyx's clock and ours. */
const CLOCK_MARGIN_MS = 60_000;
const LEGS_MAX = 20;
/** How many of the number's newest calls are looked at; more will not arrive meanwhile. */
export const CALLS_LOOKED_AT = 50;

export async function follow(following: Following): Promise<Followed> {
  const { client, callingId } = following;
  const unknowns: string[] = [];
  let seen: Legs = { calling: null, called: null };
  try {
    seen = await watch(following, unknowns);
  } finally {
    // Always hang up, even after an error, because an open call costs money. Telnyx refuses this if
    // the call has ended.
    if (seen.calling === null || seen.calling.ended_at === null) await client.hangUp(callingId);
  }
  const legs = (seen.called?.legs ?? []).slice(0, LEGS_MAX);
  const details = await Promise.all(
    legs.map((leg) => following.server.call(leg.call_control_id).catch(() => null)),
  );
  const recorded = [seen.calling, seen.called, ...details];
  const known = recorded.filter((call) => call !== null);
  const log = await readLog(known, following, unknowns);
  // The log has what came meanwhile, such as the cost, and so must the records beside it.
  const [calling = null, called = null, ...others] = await Promise.all(
    recorded.map((call) => again(call, following)),
  );
  const bLegs = others.filter((one) => one !== null);
  const calledId = called?.call_control_id ?? calledIn(log, following);
  const ids = new Set<string | null>([callingId, calledId, ...bLegs.map(idOf)]);
  const deliveries = log.filter((one) => ids.has(deliveredEvent(one).callId));
  const { placedAt } = following;
  return { placedAt, callingId, calledId, calling, called, bLegs, deliveries, unknowns };
}

/** The call as it is now, or as it was if the server does not answer. */
async function again(call: CallDetail | null, { server }: Following): Promise<CallDetail | null> {
  if (call === null) return null;
  return (await server.call(idOf(call)).catch(() => null)) ?? call;
}

function idOf(call: CallDetail): string {
  return call.call_control_id;
}

/**
 * If our server does not know the call, its id comes from Telnyx's attempts to deliver its
 * webhooks.
 */
function calledIn(log: readonly Delivery[], { to, placedAt }: Following): string | null {
  const events = log.filter(({ startedAt }) => (startedAt ?? 0) >= placedAt - CLOCK_MARGIN_MS);
  const found = events.map(deliveredEvent).find((event) => event.isIncoming && event.to === to);
  return found?.callId ?? null;
}

interface Legs {
  calling: CallDetail | null;
  called: CallDetail | null;
}

async function watch(following: Following, unknowns: string[]): Promise<Legs> {
  const { client, callingId, placedAt, secs, signal, say } = following;
  const legs: Legs = { calling: null, called: null };
  let hungUpAt: number | null = null;
  let callingEndedAt: number | null = null;
  let calledEndedAt: number | null = null;
  for (;;) {
    await look(following, legs, unknowns);
    const now = Date.now();
    if (legs.calling?.ended_at != null) callingEndedAt ??= now;
    if (legs.called?.ended_at != null) calledEndedAt ??= now;
    if (callingEndedAt !== null && calledEndedAt !== null) return legs;
    // The other leg may not belong to our server, or may never appear.
    const first = calledEndedAt ?? (legs.called === null ? callingEndedAt : null);
    if (first !== null && now - first > LATE_LEG_MS) return legs;
    // If our server never learnt of the call, it will not learn of its end either.
    const endWithinMs = legs.called === null ? LATE_LEG_MS : END_WITHIN_MS;
    if (hungUpAt !== null && now - hungUpAt > endWithinMs) return legs;
    if (hungUpAt === null && (signal.aborted || now - placedAt > secs * 1_000)) {
      hungUpAt = now;
      if (callingEndedAt === null) {
        say(signal.aborted ? 'Stopped: hanging up.\n' : `${secs} s are over: hanging up.\n`);
        await client.hangUp(callingId);
      }
    }
    await pause(LOOK_EVERY_MS);
  }
}

/** The server may be unreachable for a moment; the call continues. */
async function look(
  { server, callingId, from, to, before, placedAt }: Following,
  legs: Legs,
  unknowns: string[],
): Promise<void> {
  try {
    legs.calling = (await server.call(callingId)) ?? legs.calling;
    let id = legs.called?.call_control_id;
    if (id === undefined) {
      const { calls } = await server.calls({ to, limit: CALLS_LOOKED_AT });
      const fresh = calls.filter(
        (call) => call.direction === 'incoming' && !before.has(call.call_control_id),
      );
      // The network may change the caller id that we set; until then it may be a customer's call.
      const other = Date.now() - placedAt > LATE_LEG_MS ? fresh.at(-1) : undefined;
      id = (fresh.find((call) => call.from === from) ?? other)?.call_control_id;
    }
    if (id !== undefined) legs.called = (await server.call(id)) ?? legs.called;
  } catch (error) {
    const why = `Our server did not answer for a while: ${error instanceof Error ? error.message : String(error)}.`;
    if (!unknowns.includes(why)) unknowns.push(why);
  }
}

/** The log has a delay that Telnyx does not document, so it is read repeatedly. */
async function readLog(
  known: readonly CallDetail[],
  { client, placedAt, callingId }: Following,
  unknowns: string[],
): Promise<Delivery[]> {
  const wanted = known.flatMap(({ timeline }) =>
    timeline.filter(({ source }) => source === 'webhook').map(({ id }) => id),
  );
  const startedFrom = placedAt + (client.clockOffMs() ?? 0) - CLOCK_MARGIN_MS;
  const until = Date.now() + LOG_WITHIN_MS;
  for (;;) {
    const reading = await client.deliveries({ eventTypes: CALL_EVENT_TYPES, startedFrom });
    const late = Date.now() > until;
    if (reading.end !== 'value') {
      if (reading.end !== 'unreachable' || late) {
        unknowns.push(`The delivery log could not be read: ${reading.why}.`);
        return [];
      }
    } else {
      const logged = reading.value.map(deliveredEvent);
      const ids = new Set(logged.map(({ eventId }) => eventId));
      const missing = wanted.filter((id) => !ids.has(id)).length;
      const isThere = wanted.length > 0 || logged.some(({ callId }) => callId === callingId);
      if (missing === 0 && isThere) return reading.value;
      if (late) {
        const found =
          wanted.length === 0
            ? 'no webhook yet'
            : `only ${wanted.length - missing} of ${counted(wanted.length, 'webhook')} so far`;
        unknowns.push(`Telnyx's delivery log has ${found}.`);
        return reading.value;
      }
    }
    await pause(LOG_EVERY_MS);
  }
}
