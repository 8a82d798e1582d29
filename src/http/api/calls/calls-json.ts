/**
 * Calls as the API shows them: snake_case, ISO times, numbers in full (the client has the token),
 * and no secrets: `auth` of a step is left out, and templates only contain references to secrets.
 */
import { iso } from '../../../core/iso-time.ts';
import type { Attempt, Call } from '../../../core/machine/call.ts';
import { outcomeOfCall, summaryOf } from '../../../core/machine/caller-outcome.ts';
import { costTotals } from '../../../core/machine/cost.ts';
import { attemptEndedAt, callEndedAt } from '../../../core/machine/heard-late.ts';
import { whyNotMovable } from '../../../core/machine/movable.ts';
import type { Step } from '../../../core/machine/plan.ts';
import type { Asked } from '../../../engine/manual-refer.ts';
import type { TimelineEntry } from '../../../store/contract/timeline.ts';
import { adviceFor, adviceForAttempt } from '../../../telnyx/advice.ts';

export type CallSummary = ReturnType<typeof callSummary>;

export function callSummary(call: Call) {
  const [cost = null, ...others] = costTotals(call.costs);
  return {
    call_control_id: call.id,
    call_session_id: call.facts.sessionId,
    from: call.facts.from,
    to: call.facts.to,
    label: call.label,
    direction: call.facts.direction,
    phase: call.phase,
    ends: call.ends,
    outcome: outcomeOfCall(call),
    summary: summaryOf(call),
    rule: call.rule,
    rows: call.rows.map(({ table, key }) => ({ table, key })),
    route_set: call.routeSet,
    decided: call.decided,
    answered: call.answered && !call.answerAssumed,
    created_at: iso(call.createdAt),
    ended_at: iso(callEndedAt(call)),
    parent_call_control_id: call.parentId,
    cost,
    other_costs: others,
    attempts: call.attempts.map(attemptJson),
  };
}

export type CallDetail = ReturnType<typeof callDetail>;

/** `legs`: the B-legs of its transfers. */
export function callDetail(call: Call, timeline: TimelineEntry[], legs: Call[]) {
  return {
    ...callSummary(call),
    call_leg_id: call.facts.legId,
    connection_id: call.facts.connectionId,
    caller_name: call.facts.callerName,
    caller_type: call.facts.callerType,
    attestation: call.facts.attestation,
    attestation_validated: call.facts.attestationValidated,
    headers: call.facts.headers,
    tags: call.facts.tags,
    legs: legs.map(callSummary),
    plan: call.plan.flatMap((frame) => frame.steps.map(stepInWords)),
    refer_refused: referRefused(call),
    running: call.running === null ? null : stepInWords(call.running.step),
    deadlines: call.deadlines.map((deadline) => ({
      name: deadline.name,
      due_at: iso(deadline.dueAt),
    })),
    timeline: timeline.map(timelineJson),
    trace: timeline.findLast((entry) => entry.trace !== null)?.trace ?? [],
  };
}

/** Why a manual refer would be answered 409 now; null if it is allowed. */
function referRefused(call: Call): 'call_ended' | 'call_being_moved' | null {
  const why = whyNotMovable(call);
  if (why === null) return null;
  return why === 'ended' ? 'call_ended' : 'call_being_moved';
}

export function attemptJson(attempt: Attempt) {
  return {
    id: attempt.id,
    kind: attempt.kind,
    target: attempt.target,
    sip_address: attempt.sipAddress,
    verdict: attempt.verdict,
    sip_notify_response: attempt.sipNotifyResponse,
    reason: attempt.reason,
    never_sent: attempt.unsent,
    progress: attempt.progress,
    final: attempt.final,
    manual: attempt.manual,
    started_at: iso(attempt.startedAt),
    accepted_at: iso(attempt.acceptedAt),
    ended_at: iso(attemptEndedAt(attempt)),
    b_leg: attempt.bLeg,
    // In the same words as in the log.
    advice: adviceForAttempt(attempt),
  };
}

/** An attempt that has not started yet, because the call is being answered first. */
export function attemptToCome({ attemptId, step }: Asked) {
  return {
    id: attemptId,
    kind: 'refer' as const,
    target: step.target,
    sip_address: step.sipAddress,
    verdict: null,
    sip_notify_response: null,
    reason: null,
    never_sent: false,
    progress: false,
    final: false,
    manual: true,
    started_at: null,
    accepted_at: null,
    ended_at: null,
    b_leg: null,
    advice: null,
  };
}

function timelineJson(entry: TimelineEntry) {
  return {
    id: entry.id,
    source: entry.source,
    type: entry.type,
    at: iso(entry.at),
    occurred_at: iso(entry.occurredAt),
    phase_before: entry.phaseBefore,
    phase: entry.phase,
    notes: entry.notes,
    commands: entry.commands,
    attempt: entry.attempt,
    recovered: entry.detail.recovered === true,
    detail: entry.detail,
    advice: adviceOfEntry(entry),
    trace: entry.trace,
  };
}

/**
 * Advice for a command that Telnyx refused. If policy or a budget stopped it, the detail is
 * sufficient.
 */
function adviceOfEntry({ source, detail: { outcome, code, status } }: TimelineEntry) {
  if (source !== 'outcome' || outcome !== 'rejected' || status === 0) return null;
  return adviceFor({
    verdict: 'rejected',
    code: typeof code === 'string' ? code : null,
    status: typeof status === 'number' ? status : null,
  });
}

/** A step as `referee route` prints it: "refer support-us", "say", "reject busy". */
function stepInWords(step: Step): string {
  switch (step.do) {
    case 'refer':
      return `refer ${step.target ?? step.sipAddress}`;
    case 'transfer':
      return `transfer ${step.target ?? step.to}`;
    case 'reject':
      return `reject ${step.cause}`;
    case 'say':
    case 'play':
    case 'menu':
    case 'hangup':
    case 'ignore':
    case 'continue':
      return step.do;
  }
}
