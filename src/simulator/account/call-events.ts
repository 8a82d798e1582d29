/** `GET /call_events`: every webhook and every command of every call, oldest first. */
import type { PlacedLegs } from '../leg.ts';

interface CallEvent {
  connectionId: string;
  from: string;
  to: string;
  failed: boolean;
  json: {
    record_type: 'call_event';
    call_leg_id: string;
    call_session_id: string;
    event_timestamp: string;
    name: string;
    type: 'command' | 'webhook';
    metadata: Record<string, unknown>;
  };
}

export function callEvents(calls: readonly PlacedLegs[], query: URLSearchParams) {
  const wanted = (name: string, value: string) => {
    const filter = query.get(`filter[${name}]`);
    return filter === null || filter === value;
  };
  return calls
    .flatMap(eventsOf)
    .filter(
      ({ connectionId, from, to, failed, json }) =>
        wanted('leg_id', json.call_leg_id) &&
        wanted('application_session_id', json.call_session_id) &&
        wanted('connection_id', connectionId) &&
        wanted('from', from) &&
        wanted('to', to) &&
        wanted('failed', String(failed)) &&
        wanted('name', json.name) &&
        wanted('type', json.type) &&
        occurred(json.event_timestamp, query),
    )
    .map(({ json }) => json)
    .toSorted((a, b) => a.event_timestamp.localeCompare(b.event_timestamp));
}

function eventsOf({ book, legs, connectionId, sessionId }: PlacedLegs): CallEvent[] {
  const legIds = new Map(legs.map((leg) => [leg.callControlId, leg.callLegId]));
  const shared = { connectionId, from: book.from, to: book.to };
  const ids = (callControlId: string) => ({
    record_type: 'call_event' as const,
    call_leg_id: legIds.get(callControlId) ?? '',
    call_session_id: sessionId,
  });
  const webhooks = book.webhooks.map((webhook): CallEvent => {
    const last = webhook.deliveries.at(-1);
    return {
      ...shared,
      failed: webhook.outcome === 'given_up',
      json: {
        ...ids(webhook.leg),
        event_timestamp: webhook.occurredAt,
        name: webhook.type,
        type: 'webhook',
        metadata: {
          attempt: last?.attempt ?? 0,
          delivered_to: last?.url ?? null,
          event: { id: webhook.id, occurred_at: webhook.occurredAt },
          status: last?.status ?? null,
        },
      },
    };
  });
  const commands = book.requests
    .filter(({ method }) => method !== 'GET')
    .map(
      (request): CallEvent => ({
        ...shared,
        failed: request.status !== 200,
        json: {
          ...ids(book.callControlId),
          event_timestamp: request.at,
          name: request.action,
          type: 'command',
          metadata: { status: request.status, command_id: request.body?.command_id ?? null },
        },
      }),
    );
  return [...webhooks, ...commands];
}

const RELATIONS: Record<string, (at: number, limit: number) => boolean> = {
  eq: (at, limit) => at === limit,
  gt: (at, limit) => at > limit,
  gte: (at, limit) => at >= limit,
  lt: (at, limit) => at < limit,
  lte: (at, limit) => at <= limit,
};

function occurred(at: string, query: URLSearchParams): boolean {
  return Object.entries(RELATIONS).every(([name, holds]) => {
    const limit = query.get(`filter[occurred_at][${name}]`);
    return limit === null || holds(Date.parse(at), Date.parse(limit));
  });
}
