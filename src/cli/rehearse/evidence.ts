/** Combines what our server recorded of a rehearsed call with Telnyx's delivery log. */
import type { Delivery } from '../../core/account/account.ts';
import type { DeliveryTry, Rehearsal, RehearsedWebhook } from '../../core/account/rehearsal.ts';
import type { CallDetail } from '../../http/api/calls/calls-json.ts';
import { deliveredEvent } from '../../telnyx/account/deliveries.ts';

export interface Evidence {
  placedAt: number;
  callingId: string;
  /** Null: neither our server nor Telnyx's log knows the incoming leg. */
  calledId: string | null;
  /** The legs as our server recorded them; null: it does not know that leg. */
  calling: CallDetail | null;
  called: CallDetail | null;
  bLegs: CallDetail[];
  /** Deliveries for these legs; empty if the log could not be read. */
  deliveries: Delivery[];
}

export function rehearsalOf({ placedAt, calling, called, ...rest }: Evidence): Rehearsal {
  const { bLegs, deliveries, callingId, calledId } = rest;
  const webhooks = [
    ...webhooksOf(callingId, calling, 'calling', deliveries),
    ...(calledId === null ? [] : webhooksOf(calledId, called, 'called', deliveries)),
    ...bLegs.flatMap((leg) => webhooksOf(leg.call_control_id, leg, 'b_leg', deliveries)),
  ];
  const answered = called?.timeline.find(({ type }) => type === 'call.answered');
  return {
    placedAt,
    webhooks: webhooks.toSorted((a, b) => (a.occurredAt ?? 0) - (b.occurredAt ?? 0)),
    commands: commandsOf(called),
    attempts: (called?.attempts ?? []).map((attempt) => ({
      kind: attempt.kind,
      target: attempt.target ?? attempt.sip_address,
      verdict: attempt.verdict,
      sipNotifyResponse: attempt.sip_notify_response,
      reason: attempt.reason,
      acceptedAt: msOf(attempt.accepted_at),
    })),
    ends: called?.ends ?? null,
    answeredAt: answered === undefined ? null : earlier(answered.occurred_at, answered.at),
    callerType: called?.caller_type ?? null,
  };
}

/** Webhooks that our server received, and those that are only in Telnyx's log. */
function webhooksOf(
  callId: string,
  call: CallDetail | null,
  leg: RehearsedWebhook['leg'],
  deliveries: readonly Delivery[],
): RehearsedWebhook[] {
  const own = deliveries.filter((one) => deliveredEvent(one).callId === callId);
  const byEvent = Map.groupBy(own, (one) => deliveredEvent(one).eventId);
  const taken = (call?.timeline ?? []).filter(({ source }) => source === 'webhook');
  const known = new Set<string | null>(taken.map(({ id }) => id));
  const recorded = taken.map((entry): RehearsedWebhook => {
    const logged = byEvent.get(entry.id) ?? [];
    return {
      id: entry.id,
      type: entry.type,
      leg,
      occurredAt: msOf(entry.occurred_at),
      receivedAt: msOf(entry.at),
      sipNotifyResponse: numberOf(entry.detail.sip_notify_response),
      hangupCause: textOf(entry.detail.hangup_cause),
      clientStateChars: logged[0] === undefined ? null : deliveredEvent(logged[0]).clientStateChars,
      tries: triesOf(logged),
    };
  });
  const missed = [...byEvent].flatMap(([id, logged]): RehearsedWebhook[] => {
    const [first] = logged;
    if (first === undefined || id === null || known.has(id)) return [];
    return [
      {
        id,
        type: first.eventType ?? 'unknown',
        leg,
        occurredAt: first.startedAt,
        receivedAt: null,
        sipNotifyResponse: null,
        hangupCause: null,
        clientStateChars: deliveredEvent(first).clientStateChars,
        tries: triesOf(logged),
      },
    ];
  });
  return [...recorded, ...missed];
}

function triesOf(deliveries: readonly Delivery[]): DeliveryTry[] {
  return deliveries
    .flatMap(({ attempts }) => attempts)
    .map(({ startedAt, timestamp, response, errors }) => ({
      startedAt,
      status: response?.status ?? null,
      timestamp,
      errors: errors.map(({ code }) => code),
    }))
    .toSorted((a, b) => (a.startedAt ?? 0) - (b.startedAt ?? 0));
}

function commandsOf(called: CallDetail | null): Rehearsal['commands'] {
  const outcomes = (called?.timeline ?? []).filter(({ source }) => source === 'outcome');
  return outcomes.map(({ at, detail }) => ({
    id: textOf(detail.command) ?? '',
    action: textOf(detail.action) ?? 'unknown',
    at: msOf(at) ?? 0,
    outcome: textOf(detail.outcome) ?? 'unknown',
    status: numberOf(detail.status),
    code: textOf(detail.code),
  }));
}

/** Commands have our clock's time, so if Telnyx's clock is ahead, the time by ours counts. */
function earlier(one: string | null, other: string): number {
  return Math.min(Date.parse(one ?? other), Date.parse(other));
}

function msOf(time: string | null): number | null {
  return time === null ? null : Date.parse(time);
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}
