/**
 * Converts committed changes into spans. One call is one tree. The root span lasts from the first
 * event to the end of the call. Its children are each webhook, deadline and command, and each
 * attempt from its start to its verdict, with its commands and that verdict as children. A span is
 * written when it is over, so the root comes last.
 */
import type { Call } from '../core/machine/call.ts';
import type { CallEvent, OutcomeEvent } from '../core/machine/event.ts';
import type { Notice } from '../core/machine/notice.ts';
import type { Observer } from '../engine/engine.ts';
import { attemptSpan, verdictSpan } from './attempt.ts';
import { spanIdOf } from './ids.ts';
import {
  attemptId,
  blank,
  callFields,
  eventId,
  type Fields,
  type FinishedSpan,
  ofCall,
  rootId,
} from './span.ts';

export function createSpans(
  write: (span: FinishedSpan) => void,
  now: () => number,
): Pick<Observer, 'committed' | 'deadLetter'> {
  return {
    committed(event, _before, call, notices) {
      write(eventSpan(event, call, notices, now()));
      for (const notice of notices) {
        if (notice.kind === 'decided') write(decisionSpan(notice, event, call, now()));
        else if (notice.kind === 'attempt_ended') writeAttempt(notice, event, call);
        else if (notice.kind === 'ended') write(callSpan(call, notice, now()));
      }
    },
    deadLetter(event, error) {
      // Only a webhook says which session, and so which trace, it belongs to.
      if (event.source !== 'webhook') return;
      write({
        ...blank(event.callId, event.facts.sessionId),
        spanId: spanIdOf('dead letter', event.callId, event.type, event.id),
        parentSpanId: rootId(event.callId),
        name: `webhook ${event.type}`,
        kind: 'server',
        startedAt: event.receivedAt,
        endedAt: Math.max(event.receivedAt, now()),
        failure: `dead letter: ${error instanceof Error ? error.message : String(error)}`,
      });
    },
  };

  function writeAttempt(
    { attempt, corrected }: Extract<Notice, { kind: 'attempt_ended' }>,
    event: CallEvent,
    call: Call,
  ): void {
    // A written span cannot be changed, so a corrected verdict becomes another child span.
    if (!corrected) write(attemptSpan(attempt, call));
    write(verdictSpan(attempt, corrected, event, call));
  }
}

function callSpan(call: Call, notice: Extract<Notice, { kind: 'ended' }>, now: number) {
  return {
    ...ofCall(call),
    spanId: rootId(call.id),
    // The B-leg of our transfer is a child of its caller's span.
    parentSpanId: call.parentId === null ? null : rootId(call.parentId),
    name: 'call',
    startedAt: call.createdAt,
    endedAt: Math.max(call.createdAt, call.endedAt ?? now),
    fields: {
      ...callFields(call),
      from: call.facts.from,
      to: call.facts.to,
      direction: call.facts.direction,
      ends: notice.ends,
      how: notice.how,
      attempts: call.attempts.length,
    },
    failure: notice.ends === 'failed' ? notice.how : null,
  };
}

function eventSpan(event: CallEvent, call: Call, notices: Notice[], now: number): FinishedSpan {
  const base = {
    ...ofCall(call),
    spanId: eventId(event),
    parentSpanId: rootId(call.id),
    startedAt: event.receivedAt,
    endedAt: Math.max(event.receivedAt, now),
    events: notices.flatMap(remark),
  };
  const fields = { ...callFields(call), event_id: event.id, phase: call.phase };
  switch (event.source) {
    case 'webhook': {
      const { sipNotifyResponse, hangupCause, hangupSource, deliveryAttempt } = event;
      const said = {
        sip_notify_response: sipNotifyResponse,
        hangup_cause: hangupCause,
        hangup_source: hangupSource,
        delivery_attempt: deliveryAttempt,
      };
      const name = `webhook ${event.type}`;
      return { ...base, name, kind: 'server', fields: { ...fields, ...said } };
    }
    case 'b_leg': {
      const far = { b_leg_call_control_id: event.bLegId, hangup_cause: event.hangupCause };
      const parentSpanId =
        event.attemptId === null ? base.parentSpanId : attemptId(event.attemptId);
      return {
        ...base,
        parentSpanId,
        name: `B-leg ${event.type}`,
        fields: { ...fields, ...far },
      };
    }
    case 'outcome':
      return { ...base, ...commandSpan(event, call, fields) };
    case 'deadline':
      return {
        ...base,
        name: `deadline ${event.name}`,
        fields: { ...fields, put_off: event.putOff },
      };
    case 'manual':
      return { ...base, name: 'manual refer', fields: { ...fields, target: event.step.target } };
    case 'operator':
    case 'sighting':
    case 'acknowledged':
      return { ...base, name: event.type, fields };
  }
}

/** Lasts from the first try of the command to its outcome, including all tries. */
function commandSpan(event: OutcomeEvent, call: Call, fields: Fields) {
  const { action, outcome, commandId } = event;
  const ofAttempt = call.attempts.some(({ id }) => id === commandId);
  const startedAt = Math.min(event.firstSentAt ?? event.receivedAt, event.receivedAt);
  return {
    name: `command ${action}`,
    kind: 'client' as const,
    parentSpanId: ofAttempt ? attemptId(commandId) : rootId(call.id),
    startedAt,
    endedAt: event.receivedAt,
    fields: {
      ...fields,
      command: commandId,
      action,
      outcome: outcome.kind,
      http_status: 'status' in outcome ? outcome.status : null,
      telnyx_code: outcome.kind === 'rejected' ? outcome.code : null,
    },
    // A command that came too late is not an error.
    failure:
      outcome.kind === 'accepted' || (outcome.kind === 'rejected' && outcome.callEnded)
        ? null
        : `${outcome.kind}: ${outcome.detail}`,
  };
}

function decisionSpan(
  notice: Extract<Notice, { kind: 'decided' }>,
  event: CallEvent,
  call: Call,
  now: number,
): FinishedSpan {
  return {
    ...ofCall(call),
    spanId: spanIdOf('decision', call.id, event.type, event.id),
    parentSpanId: eventId(event),
    name: 'decide',
    startedAt: event.receivedAt,
    endedAt: Math.max(event.receivedAt, now),
    fields: { ...callFields(call), why: notice.why },
    events: notice.trace.map(({ rule, matched, why }) => ({
      name: 'rule',
      fields: { rule, matched, why },
    })),
  };
}

/** Notices that are shown as span events on the span of their event. */
function remark(notice: Notice): FinishedSpan['events'] {
  switch (notice.kind) {
    case 'handler_warning':
      return [{ name: notice.kind, fields: { detail: notice.text } }];
    case 'answer_refused':
      return [{ name: notice.kind, fields: { detail: notice.detail } }];
    case 'left_unmanaged':
    case 'last_resort':
      return [{ name: notice.kind, fields: { why: notice.why } }];
    case 'ends_corrected':
      return [{ name: notice.kind, fields: { ends: notice.ends, before: notice.before } }];
    case 'found_dead':
      return [{ name: notice.kind, fields: { how: notice.how, contradicts: notice.contradicts } }];
    case 'release_stuck':
      return [{ name: notice.kind, fields: { releases: notice.releases } }];
    case 'event_late':
    case 'event_foreign':
      return [{ name: notice.kind, fields: {} }];
    default:
      // These have their own spans, or are part of one.
      return [];
  }
}
