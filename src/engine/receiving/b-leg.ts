/** A B-leg's webhooks: whose call it belongs to, and what its caller's call learns from them. */
import type { Call } from '../../core/machine/call.ts';
import type { BLegEvent, WebhookEvent } from '../../core/machine/event.ts';
import type { Loaded } from '../../store/contract/calls.ts';

/**
 * The id of the caller's call if the event belongs to a B-leg, which is recognized by its stored
 * call, by the envelope in its `client_state`, or by the session. `callOf` returns a call as the
 * batch has changed it so far.
 */
export function parentOf(
  event: WebhookEvent,
  loaded: Loaded,
  callOf: (callId: string) => Call | null,
): string | null {
  const known = callOf(event.callId);
  if (known !== null && known.parentId !== null) return known.parentId;
  const direction = known?.facts.direction ?? event.facts.direction;
  // A transfer dials its B-leg. Whoever calls us is a caller, whatever their client_state names.
  if (direction === 'incoming') return null;
  const { envelope } = event;
  const named = envelope === null ? undefined : loaded.attempts.get(envelope.id);
  if (named !== undefined && named !== event.callId) return named;
  const first = known === null && direction === null;
  if (direction !== 'outgoing' && !first) return null;
  const callers = [...loaded.calls.keys()]
    .flatMap((callId) => callOf(callId) ?? [])
    .filter((call) => hasTransferred(call, event));
  const waiting = callers.filter((call) => waitsForLeg(call, event.callId));
  // A B-leg whose attempt is over remains a B-leg and is no call of its own. That is unsafe while
  // another attempt is open, because the leg's events would be taken for events of that attempt.
  const parents = waiting.length > 0 ? waiting : callers.filter((call) => !isTransferring(call));
  return parents.length === 1 ? (parents[0]?.id ?? null) : null;
}

/** The B-leg's event as an event of its caller's call. */
export function bLegEvent(event: WebhookEvent, parentId: string): BLegEvent {
  const { id, type, receivedAt, occurredAt, callId, hangupCause, sipHangupCause, cost, recovered } =
    event;
  return {
    source: 'b_leg',
    id,
    type,
    receivedAt,
    occurredAt,
    callId: parentId,
    bLegId: callId,
    attemptId: event.envelope?.id ?? null,
    hangupCause,
    sipHangupCause,
    ...(cost === undefined ? {} : { cost }),
    ...(recovered === undefined ? {} : { recovered }),
  };
}

/** Whether a transfer of this call may have created the leg that the event belongs to. */
function hasTransferred(call: Call, event: WebhookEvent): boolean {
  if (call.id === event.callId || call.parentId !== null) return false;
  const { sessionId } = call.facts;
  if (sessionId === null || sessionId !== event.facts.sessionId) return false;
  return call.attempts.some(({ kind, unsent }) => kind === 'transfer' && !unsent);
}

function isTransferring(call: Call): boolean {
  return call.attempts.some(({ kind, verdict }) => kind === 'transfer' && verdict === null);
}

/** Whether an open or bridged transfer has this leg, or none yet. */
function waitsForLeg(call: Call, legId: string): boolean {
  return call.attempts.some(
    ({ kind, unsent, verdict, bLeg }) =>
      kind === 'transfer' &&
      !unsent &&
      (verdict === null || verdict === 'completed') &&
      (bLeg === null || bLeg === legId),
  );
}
