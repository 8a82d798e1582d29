/**
 * What the timeline shows of an event. Recorded events are read back from it too, so it must be
 * complete.
 */
import { costTotals, type ReportedCost } from '../machine/cost.ts';
import type { BLegEvent, CallEvent, OutcomeEvent, WebhookEvent } from '../machine/event.ts';

export type Detail = Record<string, string | number | boolean | null>;

/** Leaves out null fields, because most of them are null. */
export function detailOf(event: CallEvent): Detail {
  const all = allDetails(event);
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
}

function allDetails(event: CallEvent): Detail {
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
        ...lookupOf(event),
      };
    case 'deadline':
      return { deadline: event.name, put_off: event.putOff ? true : null };
    case 'manual':
      return { target: event.step.target, sip_address: event.step.sipAddress };
    case 'operator':
      return { by: event.by, reason: event.reason };
    case 'sighting':
    case 'acknowledged':
      return {};
    default:
      return event satisfies never;
  }
}

/** `tier gold, agent 204`, and how long it took. */
function lookupOf({ lookup: name, outcome }: OutcomeEvent): Detail {
  if (name === undefined) return {};
  const answer = 'lookup' in outcome ? outcome.lookup : undefined;
  const values = Object.entries(answer?.values ?? {}).map(([field, value]) => `${field} ${value}`);
  return {
    lookup: name,
    values: values.length === 0 ? null : values.join(', '),
    ms: answer?.ms ?? null,
    cached: answer?.result === 'cached' ? true : null,
  };
}

function costInWords(cost: ReportedCost | undefined): string | null {
  const totals = costTotals(cost?.parts ?? []);
  if (totals.length === 0) return null;
  return totals.map(({ amount, currency }) => `${amount} ${currency}`).join(', ');
}

/** True if it was found in Telnyx's list of failed deliveries; null if it was delivered. */
function recoveredOf({ recovered }: WebhookEvent | BLegEvent): true | null {
  return recovered === undefined ? null : true;
}
