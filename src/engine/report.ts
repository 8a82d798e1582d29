/** Reports everything that was committed to the log and the metrics. */
import type { Call } from '../core/machine/call.ts';
import { outcomeOfCall, summaryOf } from '../core/machine/caller-outcome.ts';
import type { CallEvent } from '../core/machine/event.ts';
import { callEndedAt } from '../core/machine/heard-late.ts';
import type { Notice } from '../core/machine/notice.ts';
import type { LogEventName } from '../log/events.ts';
import type { Log, LogFields } from '../log/log.ts';
import type { Metrics } from '../metrics.ts';
import type { Observer } from './engine.ts';
import { createAttemptReport, isCaller } from './reports/attempts.ts';
import { countFinal } from './reports/final.ts';
import { createLookupReport } from './reports/lookups.ts';

/** One closure over the log and the metrics, as long as the list of notices. */
export function createReport(log: Log, metrics: Metrics): Observer {
  const shows = (name: LogEventName) => log.shows?.(name) ?? true;
  const eventShown = shows('call.event');
  const traceShown = shows('call.trace');
  const lookup = createLookupReport(log, metrics);
  const attempt = createAttemptReport(log, metrics);
  return {
    committed(event, before, call, notices) {
      metrics.event(event.source, 'committed');
      // This is the usual case: do not build fields for a line that is not written.
      if (!eventShown && notices.length === 0) return;
      const fields = callFields(call);
      if (eventShown) {
        log.emit('call.event', {
          ...fields,
          type: event.type,
          source: event.source,
          phase_before: before?.phase ?? null,
          phase: call.phase,
        });
      }
      for (const notice of notices) tell(notice, event, call, fields);
    },
    duplicate(event) {
      metrics.event(event.source, 'duplicate');
    },
    deadLetter(event, error) {
      metrics.event(event.source, 'dead');
      log.emit('event.dead_letter', {
        call_control_id: event.callId,
        type: event.type,
        id: event.id,
        err: error,
      });
    },
    batch(events, loadMs, commitMs) {
      metrics.batch(events);
      metrics.storeLatency('load', loadMs);
      metrics.storeLatency('commit', commitMs);
    },
    counted(final) {
      if (isCaller(final.call)) countFinal(metrics, final);
    },
  };

  function tell(notice: Notice, event: CallEvent, call: Call, fields: LogFields): void {
    switch (notice.kind) {
      case 'decided':
        metrics.decision(notice.rule);
        log.emit('call.decided', {
          ...fields,
          from: call.facts.from,
          to: call.facts.to,
          why: notice.why.replace(PRESSED, '$1[digits]'),
        });
        if (traceShown) log.emit('call.trace', { ...fields, trace: notice.trace });
        return;
      case 'handler_warning':
        metrics.handlerFailed();
        log.emit('handler.failed', { ...fields, detail: notice.text });
        return;
      case 'lookup':
        lookup(notice, fields);
        return;
      case 'left_unmanaged':
        log.emit('call.unmanaged', { ...fields, why: notice.why });
        return;
      case 'answer_refused':
        log.emit('call.answer_refused', { ...fields, detail: notice.detail });
        return;
      case 'attempt_started':
        attempt.started(notice.attempt, call, fields);
        return;
      case 'attempt_progress':
        attempt.progress(notice.attempt, fields);
        return;
      case 'attempt_ended':
        attempt.ended(notice, call, fields);
        return;
      case 'last_resort':
        log.emit('call.last_resort', { ...fields, why: notice.why });
        return;
      case 'ended':
        log.emit('call.ended', {
          ...fields,
          ends: notice.ends,
          ...outcomeFields(call),
          how: notice.how,
          ...duration(call),
        });
        return;
      case 'ends_corrected':
        log.emit('call.corrected', {
          ...fields,
          ends: notice.ends,
          before: notice.before,
          ...outcomeFields(call),
        });
        return;
      case 'deadline':
        metrics.deadline(notice.name);
        if (notice.putOff) log.emit('deadline.put_off', { ...fields, deadline: notice.name });
        return;
      case 'found_dead':
        // The critical alert on contradictions is about calls that Telnyx does not know at all.
        metrics.reconciliation(notice.contradicts === 'unknown' ? 'contradiction' : 'found_dead');
        log.emit(notice.contradicts === null ? 'call.found_dead' : 'call.contradiction', {
          ...fields,
          phase_before: notice.phase,
          how: notice.how,
        });
        return;
      case 'release_stuck':
        metrics.reconciliation('release_stuck');
        log.emit('call.release_stuck', { ...fields, releases: notice.releases });
        return;
      case 'cost_unreadable':
        log.emit('call.cost_unreadable', { ...fields, detail: notice.problem });
        return;
      case 'event_late':
        metrics.event(event.source, 'late');
        return;
      case 'event_foreign':
        metrics.event(event.source, 'ignored');
        return;
      default:
        notice satisfies never;
    }
  }
}

function callFields(call: Call): LogFields {
  return {
    call_control_id: call.id,
    call_session_id: call.facts.sessionId,
    rule: call.rule,
    route_set: call.routeSet,
    ...(call.label === null ? {} : { label: call.label }),
  };
}

function outcomeFields(call: Call) {
  return { outcome: outcomeOfCall(call), summary: summaryOf(call) };
}

function duration(call: Call) {
  return { seconds: Math.round(((callEndedAt(call) ?? 0) - call.createdAt) / 100) / 10 };
}

/** Pressed keys are only shown at debug; see `digits` in core/rules/clause/clause.ts. */
const PRESSED = /\b(digits: )[^;)|]+/g;
