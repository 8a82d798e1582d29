/** One event as an entry of the call's timeline. */
import type { Call } from '../core/machine/call.ts';
import { costTotals, type ReportedCost } from '../core/machine/cost.ts';
import type { BLegEvent, CallEvent, WebhookEvent } from '../core/machine/event.ts';
import type { Transition } from '../core/machine/transition.ts';
import type { TimelineEntry } from '../store/store.ts';

/**
 * The key that identifies repeats: event id and type. A B-leg's event has its own key on the
 * caller's call.
 */
export function keyOf(event: CallEvent): string {
  const key = `${event.type}|${event.id}`;
  return event.source === 'b_leg' ? `b-leg|${key}` : key;
}

export function timelineEntry(
  event: CallEvent,
  before: Call | null,
  step: Transition,
  now: number,
): TimelineEntry {
  return {
    key: keyOf(event),
    id: event.id,
    source: event.source,
    type: event.type,
    at: now,
    occurredAt: event.occurredAt,
    phaseBefore: before?.phase ?? null,
    phase: step.call.phase,
    notes: step.notes,
    commands: step.commands.map(({ id, action, attemptId }) => ({
      id,
      action,
      attempt: attemptId,
    })),
    attempt: step.attemptId,
    detail: detailOf(event),
    trace: step.trace,
  };
}

/** Leaves out null fields, which most are. */
function detailOf(event: CallEvent): TimelineEntry['detail'] {
  const all = allDetails(event);
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
}

function allDetails(event: CallEvent): TimelineEntry['detail'] {
  switch (event.source) {
    case 'webhook':
      return {
        sip_notify_response: event.sipNotifyResponse,
        hangup_cause: event.hangupCause,
        hangup_source: event.hangupSource,
        sip_hangup_cause: event.sipHangupCause,
        status: event.status,
        delivery_attempt: event.deliveryAttempt === 1 ? null : event.deliveryAttempt,
        cost: costInWords(event.cost),
        recovered: recoveredOf(event),
      };
    case 'b_leg':
      return {
        b_leg: event.bLegId,
        hangup_cause: event.hangupCause,
        sip_hangup_cause: event.sipHangupCause,
        cost: costInWords(event.cost),
        recovered: recoveredOf(event),
      };
    case 'outcome':
      return {
        command: event.commandId,
        action: event.action,
        outcome: event.outcome.kind,
        status: 'status' in event.outcome ? event.outcome.status : null,
        code: event.outcome.kind === 'rejected' ? event.outcome.code : null,
        detail: 'detail' in event.outcome ? event.outcome.detail : null,
      };
    case 'deadline':
      return { deadline: event.name, put_off: event.putOff ? true : null };
    case 'manual':
      return { target: event.step.target, sip_address: event.step.sipAddress };
    case 'sighting':
    case 'acknowledged':
      return {};
    default:
      return event satisfies never;
  }
}

function costInWords(cost: ReportedCost | undefined): string | null {
  const totals = costTotals(cost?.parts ?? []);
  if (totals.length === 0) return null;
  return totals.map(({ amount, currency }) => `${amount} ${currency}`).join(', ');
}

/** Whether Telnyx's list of failed deliveries gave it back; null where it was delivered. */
function recoveredOf({ recovered }: WebhookEvent | BLegEvent): true | null {
  return recovered === undefined ? null : true;
}
