/** Reports everything that was committed to the log and the metrics. */
import type { Attempt, Call, Verdict } from '../core/machine/call.ts';
import { outcomeOf, summaryOf } from '../core/machine/caller-outcome.ts';
import type { CallEvent } from '../core/machine/event.ts';
import type { Notice } from '../core/machine/notice.ts';
import { isLoopReason } from '../core/rules/loop.ts';
import type { LogEventName } from '../log/events.ts';
import type { Log, LogFields } from '../log/log.ts';
import type { Metrics } from '../metrics.ts';
import { adviceFor } from '../telnyx/advice.ts';
import { budgetOf } from './budget.ts';
import type { Observer } from './engine.ts';
import { createLookupReport } from './lookup-report.ts';
import { arrival, type Final } from './tally.ts';

export function createReport(log: Log, metrics: Metrics): Observer {
  const shows = (name: LogEventName) => log.shows?.(name) ?? true;
  const eventShown = shows('call.event');
  const traceShown = shows('call.trace');
  const progressShown = shows('attempt.progress');
  const lookup = createLookupReport(log, metrics);
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
      if (isCaller(final.call)) count(final);
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
        if (isCaller(call)) {
          metrics.attemptStarted(notice.attempt.kind, call.rule, notice.attempt.target);
        }
        log.emit('attempt.started', { ...fields, ...attemptFields(notice.attempt) });
        return;
      case 'attempt_progress':
        if (progressShown) {
          log.emit('attempt.progress', { ...fields, ...attemptFields(notice.attempt) });
        }
        return;
      case 'attempt_ended':
        attemptEnded(notice.attempt, notice.corrected, event, call, fields);
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
        metrics.reconciliation(notice.contradicts ? 'contradiction' : 'found_dead');
        log.emit(notice.contradicts ? 'call.contradiction' : 'call.found_dead', {
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

  function count(final: Final): void {
    switch (final.type) {
      case 'end':
        ended(final.call);
        return;
      case 'verdict': {
        const { call, attempt } = final;
        if (attempt.verdict !== null) verdict(call, attempt, attempt.verdict);
        return;
      }
      case 'cost':
        for (const { currency, part, amount } of final.costs) metrics.cost(currency, part, amount);
        return;
      default:
        final satisfies never;
    }
  }

  function ended(call: Call): void {
    const { ends, rule, attempts } = call;
    if (ends === null) return;
    metrics.callEnded(ends);
    const outcome = outcomeOf(call);
    if (outcome !== null) metrics.callerOutcome(rule, outcome);
    const arrived = arrival(ends, attempts.length);
    if (arrived !== null) metrics.arrival(rule, arrived);
  }

  function verdict(call: Call, attempt: Attempt, verdict: Verdict): void {
    metrics.verdict(call.rule, attempt.target, verdict);
    if (attempt.acceptedAt !== null && attempt.endedAt !== null) {
      metrics.commandToVerdict(verdict, attempt.endedAt - attempt.acceptedAt);
    }
  }

  function attemptEnded(
    attempt: Attempt,
    corrected: boolean,
    event: CallEvent,
    call: Call,
    fields: LogFields,
  ): void {
    const { verdict } = attempt;
    if (verdict === null) return;
    const line = { ...fields, ...attemptFields(attempt), reason: attempt.reason, corrected };
    if (verdict === 'completed') log.emit('attempt.completed', line);
    else if (verdict === 'abandoned') log.emit('attempt.abandoned', line);
    else if (verdict === 'skipped') log.emit('attempt.skipped', line);
    else log.emit('attempt.failed', { ...line, ...adviceOf(attempt, event), next: call.phase });
    const budget = attempt.unsent && !corrected ? budgetOf(attempt.reason) : null;
    if (budget !== null && isCaller(call)) metrics.budgetRefused(budget);
    if (attempt.unsent && isLoopReason(attempt.reason)) {
      log.emit('attempt.loop', { ...fields, ...attemptFields(attempt), reason: attempt.reason });
    }
  }
}

/** Metrics count callers, and a transfer's B-leg belongs to its caller. */
function isCaller({ parentId }: Call): boolean {
  return parentId === null;
}

function adviceOf(attempt: Attempt, event: CallEvent) {
  const refusal =
    event.source === 'outcome' && event.outcome.kind === 'rejected' ? event.outcome : null;
  // A local refusal (budget, policy, template) has its own reason, so no advice about the network
  // is added.
  if (attempt.unsent) return {};
  return (
    adviceFor({
      verdict: attempt.verdict,
      sipNotifyResponse: attempt.final ? attempt.sipNotifyResponse : null,
      code: refusal?.code ?? null,
      status: refusal?.status ?? null,
    }) ?? {}
  );
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

function attemptFields(attempt: Attempt): LogFields {
  return {
    attempt: attempt.id,
    kind: attempt.kind,
    target: attempt.target,
    sip_address: attempt.sipAddress,
    verdict: attempt.verdict,
    sip_notify_response: attempt.sipNotifyResponse,
  };
}

function outcomeFields(call: Call) {
  return { outcome: outcomeOf(call), summary: summaryOf(call) };
}

function duration(call: Call) {
  return { seconds: Math.round(((call.endedAt ?? 0) - call.createdAt) / 100) / 10 };
}

/** Pressed keys are only shown at debug; see `digits` in core/rules/clause/clause.ts. */
const PRESSED = /\b(digits: )[^;)|]+/g;
