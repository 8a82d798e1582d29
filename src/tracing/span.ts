/** A finished span as plain data, and what all spans of a call share. */
import type { Call } from '../core/machine/call.ts';
import type { CallEvent } from '../core/machine/event.ts';
import { spanIdOf, traceIdOf } from './ids.ts';

export interface FinishedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string | null;
  name: string;
  /** server: a webhook came in; client: a request of ours went out. */
  kind: 'server' | 'client' | 'internal';
  /** Milliseconds since the epoch. */
  startedAt: number;
  endedAt: number;
  fields: Fields;
  events: { name: string; fields: Fields }[];
  /** Why it counts as an error; null if it does not. */
  failure: string | null;
  /** The span of the same trace that caused it. */
  causedBy: string | null;
}

export type Fields = Record<string, string | number | boolean | null>;

export function rootId(callId: string): string {
  return spanIdOf('call', callId);
}

export function attemptId(id: string): string {
  return spanIdOf('attempt', id);
}

export function eventId(event: CallEvent): string {
  return spanIdOf('event', event.callId, event.type, event.id);
}

export function ofCall(call: Call) {
  return blank(call.id, call.facts.sessionId);
}

export function blank(callId: string, sessionId: string | null) {
  return {
    traceId: traceIdOf(callId, sessionId),
    kind: 'internal' as const,
    fields: { call_control_id: callId, call_session_id: sessionId } as Fields,
    events: [] as FinishedSpan['events'],
    failure: null as string | null,
    causedBy: null,
  };
}

export function callFields(call: Call): Fields {
  return {
    call_control_id: call.id,
    call_session_id: call.facts.sessionId,
    rule: call.rule,
    route_set: call.routeSet,
  };
}
