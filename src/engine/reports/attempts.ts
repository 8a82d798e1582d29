/** Reports attempts: when they start, make progress and end, with advice if they fail. */
import type { Attempt, Call } from '../../core/machine/call.ts';
import { triesAgain } from '../../core/machine/counting.ts';
import type { Notice } from '../../core/machine/notice.ts';
import { budgetOf } from '../../core/rules/targets/budget.ts';
import { isLoopReason } from '../../core/rules/targets/loop.ts';
import type { Log, LogFields } from '../../log/log.ts';
import type { Metrics } from '../../metrics.ts';
import { adviceForAttempt } from '../../telnyx/advice.ts';

export interface AttemptReport {
  started(attempt: Attempt, call: Call, fields: LogFields): void;
  progress(attempt: Attempt, fields: LogFields): void;
  ended(notice: Ended, call: Call, fields: LogFields): void;
}

type Ended = Extract<Notice, { kind: 'attempt_ended' }>;

export function createAttemptReport(
  log: Log,
  metrics: Pick<Metrics, 'attemptStarted' | 'budgetRefused'>,
): AttemptReport {
  const progressShown = log.shows?.('attempt.progress') ?? true;
  return {
    started(attempt, call, fields) {
      const before = call.attempts[call.attempts.indexOf(attempt) - 1];
      const isNew = before === undefined || !triesAgain(before, call.attempts);
      if (isNew && isCaller(call)) {
        metrics.attemptStarted(attempt.kind, call.rule, attempt.target);
      }
      log.emit('attempt.started', { ...fields, ...attemptFields(attempt) });
    },
    progress(attempt, fields) {
      if (progressShown) log.emit('attempt.progress', { ...fields, ...attemptFields(attempt) });
    },
    ended,
  };

  function ended({ attempt, corrected }: Ended, call: Call, fields: LogFields): void {
    const { verdict } = attempt;
    if (verdict === null) return;
    const line = { ...fields, ...attemptFields(attempt), reason: attempt.reason, corrected };
    if (verdict === 'completed') log.emit('attempt.completed', line);
    else if (verdict === 'abandoned') log.emit('attempt.abandoned', line);
    else if (verdict === 'skipped') log.emit('attempt.skipped', line);
    else log.emit('attempt.failed', { ...line, ...adviceForAttempt(attempt), next: call.phase });
    const budget = attempt.unsent && !corrected ? budgetOf(attempt.reason) : null;
    if (budget !== null && isCaller(call)) metrics.budgetRefused(budget);
    if (attempt.unsent && isLoopReason(attempt.reason)) {
      log.emit('attempt.loop', { ...fields, ...attemptFields(attempt), reason: attempt.reason });
    }
  }
}

/** Metrics count callers, and a transfer's B-leg belongs to its caller. */
export function isCaller({ parentId }: Call): boolean {
  return parentId === null;
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
