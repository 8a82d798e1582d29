/** Which attempt a call.refer.* event belongs to, and for which attempts one may still arrive. */
import type { Attempt, Call } from './call.ts';
import type { WebhookEvent } from './event.ts';
import { REFER_SILENT_MS, SAME_COMMAND_MS, TOGETHER_MS } from './limits.ts';

/** Cancelled, and nothing shows that a request of it has reached Telnyx. */
export function wasTakenBack(attempt: Attempt): boolean {
  const { takenBackAt, acceptedAt, requestEndedAt, progress } = attempt;
  return takenBackAt !== null && acceptedAt === null && requestEndedAt === null && !progress;
}

/**
 * Cancelled while it waited to be sent again, and every try before that was turned away. Otherwise
 * a process may have sent it and died before it could report the outcome.
 */
export function neverLeft(attempt: Attempt): boolean {
  return wasTakenBack(attempt) && (attempt.takenBackAt ?? 0) < attempt.sentAt;
}

/**
 * Attempts that still lack their final event (call.refer.completed or .failed), the oldest first.
 * An attempt that was given up stays in the list, because its event may still arrive.
 */
export function awaitingFinal(call: Call): Attempt[] {
  return call.attempts.filter(
    (attempt) =>
      attempt.kind === 'refer' &&
      !attempt.unsent &&
      !attempt.final &&
      !neverLeft(attempt) &&
      attempt.verdict !== 'rejected',
  );
}

/**
 * Whether a REFER without a final event may still report one. If no NOTIFY arrived within 32 s
 * after its request ended, it has failed: see REFER_SILENT_MS. A REFER with progress may report as
 * long as it rings.
 */
function mayStillReport(attempt: Attempt, at: number): boolean {
  const { progress, requestEndedAt, sentAt } = attempt;
  return progress || at - (requestEndedAt ?? sentAt + SAME_COMMAND_MS) <= REFER_SILENT_MS;
}

/** Attempts that could report one when the event occurred, which may be long before it arrives. */
function reportingAt(call: Call, event: WebhookEvent, now: number): Attempt[] {
  const at = Math.min(now, occurredAtByUs(event) ?? now);
  return awaitingFinal(call).filter((attempt) => mayStillReport(attempt, at));
}

/** A REFER that was given up while ringing and has no final event. The caller may have arrived. */
export function mayHaveArrived({ kind, progress, final, verdict }: Attempt): boolean {
  return kind === 'refer' && progress && !final && verdict === 'no_verdict';
}

/** The attempts that may be ringing according to an event without a name: see `attributeRefer`. */
export function mayRing(call: Call, event: WebhookEvent, now: number): Attempt[] {
  return reportingAt(call, event, now).filter(({ sentAt }) => !occurredBefore(event, sentAt));
}

/**
 * The attempt a call.refer.* event belongs to. The envelope is that of the last command on the leg,
 * and Telnyx adds it when it emits the event, so it is reliable only while every earlier attempt
 * has its final event.
 */
export function attributeRefer(call: Call, event: WebhookEvent, now: number): Attempt | null {
  const reporting = reportingAt(call, event, now);
  const named = namedAttempt(call, event);
  if (named === null) return likeliestSource(reporting, awaitingFinal(call), event);
  const older = reporting.filter(
    (attempt) => call.attempts.indexOf(attempt) < call.attempts.indexOf(named),
  );
  const oldest = older[0];
  if (oldest === undefined) return named;
  if (event.type === 'call.refer.failed') return oldest;
  return occurredBefore(event, named.sentAt) ? oldest : named;
}

/**
 * The newer attempts that a call.refer.failed may belong to as well as to the one that got it. Only
 * an event that names that one was emitted before they were on the leg.
 */
export function otherSources(call: Call, event: WebhookEvent, attempt: Attempt): Attempt[] {
  return namedAttempt(call, event) === attempt ? [] : newerThan(call, attempt);
}

/**
 * The newer attempts that may be ringing as well, where one that rings is said to ring once more
 * without a name: those that were cancelled and may have been sent.
 */
export function othersRinging(call: Call, event: WebhookEvent, attempt: Attempt): Attempt[] {
  if (!attempt.progress || namedAttempt(call, event) !== null) return [];
  return newerThan(call, attempt).filter(
    (other) => wasTakenBack(other) && !occurredBefore(event, other.sentAt),
  );
}

/**
 * The transfer that a call.bridged of the caller's leg is about. Without the envelope of a transfer
 * it is the last one that had been sent: one that was sent afterwards may still be ringing.
 */
export function attributeBridge(call: Call, event: WebhookEvent): Attempt | null {
  const transfers = call.attempts.filter(({ kind, unsent }) => kind === 'transfer' && !unsent);
  return (
    transfers.find(({ id }) => id === event.envelope?.id) ??
    transfers.findLast(({ sentAt }) => !occurredBefore(event, sentAt)) ??
    transfers.at(-1) ??
    null
  );
}

/**
 * No attempt can be the one that rings, but Telnyx refused the newest one's request a moment ago and
 * may have executed it all the same: whoever's REFER it is, somebody is called.
 */
export function refusedSource(call: Call, event: WebhookEvent, now: number): Attempt | null {
  const newest = call.attempts.findLast(({ kind, unsent }) => kind === 'refer' && !unsent);
  if (newest?.verdict !== 'rejected' || newest.final) return null;
  return mayStillReport(newest, now) && !occurredBefore(event, newest.sentAt) ? newest : null;
}

/** The newer attempts that still lack their final event. */
export function newerThan(call: Call, attempt: Attempt): Attempt[] {
  const from = call.attempts.indexOf(attempt) + 1;
  return awaitingFinal(call).filter((other) => call.attempts.indexOf(other) >= from);
}

/**
 * The REFER that was still open when the leg ended, and was given up before the hangup arrived.
 */
export function openAtTheEnd(call: Call, hangup: WebhookEvent): Attempt | null {
  const found = call.attempts.findLast(
    ({ kind, acceptedAt, verdict, final, endedAt, sentAt }) =>
      kind === 'refer' &&
      acceptedAt !== null &&
      verdict === 'no_verdict' &&
      !final &&
      occurredBefore(hangup, (endedAt ?? 0) - TOGETHER_MS) &&
      !occurredBefore(hangup, sentAt),
  );
  return found ?? null;
}

/**
 * Without an envelope that names an attempt: the only attempt the event can belong to. An end is
 * that of one whose request was answered, even of one that has been silent for too long: with a
 * request in flight, a target would have to be faster than Telnyx's answer. A ringing may be that
 * of any, because its envelope is hidden by a later prompt, or events carry none.
 */
function likeliestSource(
  reporting: Attempt[],
  awaiting: Attempt[],
  event: WebhookEvent,
): Attempt | null {
  const all = reporting.length > 0 ? reporting : awaiting;
  const answered = [reporting.filter(isAnswered), awaiting.filter(isAnswered)];
  for (const list of event.type === 'call.refer.started' ? [all] : [...answered, all]) {
    const candidates = list.filter(({ sentAt }) => !occurredBefore(event, sentAt));
    if (candidates.length > 0) return candidates.length === 1 ? (candidates[0] ?? null) : null;
  }
  return null;
}

function isAnswered({ acceptedAt, requestEndedAt }: Attempt): boolean {
  return acceptedAt !== null || requestEndedAt !== null;
}

/** Compares `occurred_at` (Telnyx's clock) with `at` (ours), both by our clock. */
function occurredBefore(event: WebhookEvent, at: number): boolean {
  const occurredAt = occurredAtByUs(event);
  return occurredAt !== null && occurredAt < at;
}

export function occurredAtByUs({ occurredAt, clockSkewMs = 0 }: WebhookEvent): number | null {
  return occurredAt === null ? null : occurredAt + clockSkewMs;
}

function namedAttempt(call: Call, { envelope }: WebhookEvent): Attempt | null {
  if (envelope === null) return null;
  return (
    call.attempts.find(
      ({ id, kind, unsent }) => id === envelope.id && kind === 'refer' && !unsent,
    ) ?? null
  );
}
