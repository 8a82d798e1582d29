/** Which attempt a call.refer.* event speaks of, and which of them may still be spoken of. */
import type { Attempt, Call } from './call.ts';
import { decodeClientState } from './client-state.ts';
import type { WebhookEvent } from './event.ts';
import { REFER_SILENT_MS, SAME_COMMAND_MS } from './limits.ts';

/** Before any request of it may have reached Telnyx. */
export function wasTakenBack({ takenBackAt, acceptedAt, requestEndedAt }: Attempt): boolean {
  return takenBackAt !== null && acceptedAt === null && requestEndedAt === null;
}

/**
 * Attempts whose final event (call.refer.completed or .failed) is still owed, the oldest first. An
 * attempt that we gave up on stays here: Telnyx may speak of it yet.
 */
export function awaitingFinal(call: Call): Attempt[] {
  return call.attempts.filter(
    (attempt) =>
      attempt.kind === 'refer' &&
      !attempt.unsent &&
      !attempt.final &&
      !wasTakenBack(attempt) &&
      attempt.verdict !== 'rejected',
  );
}

/**
 * Whether a REFER that owes its final event may still report one. One that stayed silent for 32 s after
 * its request ended owes nothing: see REFER_SILENT_MS. With progress it may report for as long as it rings.
 */
function mayStillReport(attempt: Attempt, at: number): boolean {
  const { progress, requestEndedAt, sentAt } = attempt;
  return progress || at - (requestEndedAt ?? sentAt + SAME_COMMAND_MS) <= REFER_SILENT_MS;
}

/** Those that may report one when the event occurred; it may reach us much later. */
function reportingAt(call: Call, event: WebhookEvent, now: number): Attempt[] {
  const at = Math.min(now, occurredAtByUs(event) ?? now);
  return awaitingFinal(call).filter((attempt) => mayStillReport(attempt, at));
}

/** A REFER that we gave up on, that had begun to ring and never had its final event: it may have arrived. */
export function mayHaveArrived({ kind, progress, final, verdict }: Attempt): boolean {
  return kind === 'refer' && progress && !final && verdict === 'no_verdict';
}

/** Whose ringing an event may be that names none of them: see `attributeRefer`. */
export function mayRing(call: Call, event: WebhookEvent, now: number): Attempt[] {
  return reportingAt(call, event, now).filter(({ sentAt }) => !occurredBefore(event, sentAt));
}

/**
 * The attempt a call.refer.* event speaks of. The envelope belongs to the leg, the last writer wins,
 * and Telnyx stamps it when it emits the event: it is good evidence only while every earlier attempt
 * has its final event.
 */
export function attributeRefer(call: Call, event: WebhookEvent, now: number): Attempt | null {
  const reporting = reportingAt(call, event, now);
  const named = namedAttempt(call, event);
  if (named === null) {
    return likeliestSource(reporting.length > 0 ? reporting : awaitingFinal(call), event);
  }
  const older = reporting.filter(
    (attempt) => call.attempts.indexOf(attempt) < call.attempts.indexOf(named),
  );
  const oldest = older[0];
  if (oldest === undefined) return named;
  if (event.type === 'call.refer.failed') return oldest;
  return occurredBefore(event, named.sentAt) ? oldest : named;
}

/**
 * Without an envelope that names one: the only attempt that the event can speak of. One whose request has
 * had no answer yet would have put its own envelope on the leg.
 */
function likeliestSource(attempts: Attempt[], event: WebhookEvent): Attempt | null {
  const before = attempts.filter(({ sentAt }) => !occurredBefore(event, sentAt));
  const sent = before.filter(({ acceptedAt, requestEndedAt }) => acceptedAt ?? requestEndedAt);
  const candidates = sent.length > 0 ? sent : before;
  return candidates.length === 1 ? (candidates[0] ?? null) : null;
}

/** `occurred_at` is by Telnyx's clock and `at` by ours: compared by ours. */
function occurredBefore(event: WebhookEvent, at: number): boolean {
  const occurredAt = occurredAtByUs(event);
  return occurredAt !== null && occurredAt < at;
}

function occurredAtByUs({ occurredAt, clockSkewMs = 0 }: WebhookEvent): number | null {
  return occurredAt === null ? null : occurredAt + clockSkewMs;
}

function namedAttempt(call: Call, event: WebhookEvent): Attempt | null {
  const envelope = decodeClientState(event.clientState);
  if (envelope === null) return null;
  return (
    call.attempts.find(
      ({ id, kind, unsent }) => id === envelope.a && kind === 'refer' && !unsent,
    ) ?? null
  );
}
