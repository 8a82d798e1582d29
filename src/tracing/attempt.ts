/** An attempt as spans: one from its start to its verdict, and the verdict as its child. */
import type { Attempt, Call } from '../core/machine/call.ts';
import type { CallEvent } from '../core/machine/event.ts';
import { isFailed } from '../core/machine/verdict.ts';
import { spanIdOf } from './ids.ts';
import {
  attemptId,
  callFields,
  eventId,
  type Fields,
  type FinishedSpan,
  ofCall,
  rootId,
} from './span.ts';

export function attemptSpan(attempt: Attempt, call: Call): FinishedSpan {
  const { verdict, reason } = attempt;
  return {
    ...ofCall(call),
    spanId: attemptId(attempt.id),
    parentSpanId: rootId(call.id),
    name: `attempt ${attempt.kind}`,
    startedAt: attempt.startedAt,
    endedAt: Math.max(attempt.startedAt, attempt.endedAt ?? attempt.startedAt),
    fields: {
      ...callFields(call),
      ...attemptFields(attempt),
      sip_address: attempt.sipAddress,
      progress: attempt.progress,
      manual: attempt.manual,
    },
    failure: isFailed(attempt.verdict) ? `${verdict}${reason === null ? '' : `: ${reason}`}` : null,
  };
}

export function verdictSpan(
  attempt: Attempt,
  corrected: boolean,
  event: CallEvent,
  call: Call,
): FinishedSpan {
  const at = attempt.endedAt ?? event.receivedAt;
  return {
    ...ofCall(call),
    spanId: spanIdOf('verdict', attempt.id, event.type, event.id),
    parentSpanId: attemptId(attempt.id),
    name: `verdict ${attempt.verdict}`,
    startedAt: at,
    endedAt: at,
    fields: { ...callFields(call), ...attemptFields(attempt), corrected },
    failure: isFailed(attempt.verdict) ? (attempt.reason ?? attempt.verdict) : null,
    causedBy: eventId(event),
  };
}

function attemptFields(attempt: Attempt): Fields {
  return {
    attempt: attempt.id,
    kind: attempt.kind,
    target: attempt.target,
    verdict: attempt.verdict,
    sip_notify_response: attempt.sipNotifyResponse,
    reason: attempt.reason,
  };
}
