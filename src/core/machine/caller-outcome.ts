/**
 * What became of a caller, in one word and in one sentence that a support lead would use. The page,
 * the API, the command line, the log and the metrics all use these words.
 */

import type { Attempt, Call, Ends } from './call.ts';
import { maybeTried, triesAgain } from './counting.ts';
import { attemptEndedAt, callEndedAt } from './heard-late.ts';
import { RINGING, type Verdict } from './verdict.ts';

export const CALLER_OUTCOMES = [
  /** A REFER completed, or a transfer was bridged and both talked. */
  'reached',
  /** Nobody took the call, or we heard of it only after the caller had hung up. */
  'not_reached',
  /** They hung up first. */
  'gave_up',
  /** A target took the call over and never reported what became of it. */
  'unsure',
  /**
   * The routes did not move the caller: the call was rejected, or a prompt was played and the call
   * hung up.
   */
  'turned_away',
  /** Another application's call. */
  'not_ours',
] as const;
export type CallerOutcome = (typeof CALLER_OUTCOMES)[number];

/** From how the call ended and how many attempts it had; null while it is live. */
export function callerOutcome(ends: Ends | null, attempts: number): CallerOutcome | null {
  switch (ends) {
    case null:
      return null;
    case 'referred':
    case 'transferred':
      return 'reached';
    case 'failed':
    case 'missed':
      return 'not_reached';
    case 'hung_up':
    case 'rejected':
      // If a move was tried first, it was not the routes that turned the caller away.
      return attempts === 0 ? 'turned_away' : 'not_reached';
    case 'abandoned':
      return 'gave_up';
    case 'unconfirmed':
      return 'unsure';
    case 'ignored':
      return 'not_ours';
    default:
      return ends satisfies never;
  }
}

/** Null also for a transfer's B-leg: it belongs to its caller. */
export function outcomeOfCall({ ends, attempts, parentId }: Call): CallerOutcome | null {
  return parentId === null ? callerOutcome(ends, attempts.length) : null;
}

/** "Reached support-eu after 1.4 s: support-us was busy." */
export function summaryOf(call: Call): string {
  if (call.parentId !== null) return 'The far end of a transfer: see the call of its caller.';
  return `${outcomeOfCall(call) === null ? liveWords(call) : endWords(call)}.`;
}

function endWords(call: Call): string {
  const { ends, attempts, createdAt } = call;
  const lasted = duration((callEndedAt(call) ?? createdAt) - createdAt);
  const last = attempts.at(-1);
  const outcome = outcomeOfCall(call);
  switch (outcome) {
    case 'reached':
      return reachedWords(call);
    case 'not_reached':
      if (ends === 'missed') return 'Not reached: they had gone before we heard of them';
      if (last === undefined) return `Not reached after ${lasted}: nobody could be tried`;
      return `Not reached after ${lasted}${becauseOf(attempts)}${operatorWords(call)}`;
    case 'gave_up':
      return `Gave up after ${lasted}${whileWords(last)}`;
    case 'unsure': {
      const open = attempts.findLast(({ verdict }) => verdict === 'no_verdict') ?? last;
      const where = open === undefined ? 'a target' : shortName(open);
      return `Perhaps reached ${where}, which never confirmed it${becauseOf(attempts, open)}`;
    }
    case 'turned_away':
      return `Turned away after ${lasted}${whyTurnedAway(call)}`;
    case 'not_ours':
      return 'Left to another application';
    case null:
      return 'Live';
    default:
      return outcome satisfies never;
  }

  function whileWords(open: Attempt | undefined): string {
    if (open === undefined) return ' before anybody was tried';
    if (open.verdict !== 'abandoned') return becauseOf(attempts);
    return `, waiting for ${shortName(open)}${becauseOf(attempts, open)}`;
  }
}

function liveWords(call: Call): string {
  const { phase, attempts } = call;
  switch (phase) {
    case 'new':
      return 'Just came in, nothing is decided yet';
    case 'answering':
      return 'Being answered';
    case 'referring':
    case 'transferring': {
      const open = attempts.findLast(({ verdict }) => verdict === null);
      if (open === undefined) return `About to be moved${becauseOf(attempts)}`;
      return `${wayWords(open)} ${shortName(open)}${becauseOf(attempts, open)}`;
    }
    case 'speaking':
      return `Hearing a message${becauseOf(attempts)}`;
    case 'gathering':
      return `Asked to press a key${becauseOf(attempts)}`;
    case 'referred':
      return reachedWords(call);
    case 'bridged':
      return `${reachedWords(call)}; they are talking`;
    case 'releasing':
      return `Being hung up${becauseOf(attempts)}`;
    case 'unmanaged':
      return 'Left to another application';
    case 'ended':
      return 'Ended';
    default:
      return phase satisfies never;
  }
}

/**
 * Only 180 says that a phone rings. 100 says that the target is being called, and so does a B-leg,
 * whose ringing Telnyx does not report.
 */
function wayWords({ kind, progress, sipNotifyResponse, bLegAnswered }: Attempt): string {
  if (kind === 'transfer' && bLegAnswered) return 'Picked up at';
  if (kind === 'refer' && sipNotifyResponse === RINGING) return 'Ringing at';
  return progress ? 'Calling' : 'On the way to';
}

function reachedWords(call: Call): string {
  const { attempts, createdAt } = call;
  const taken = attempts.findLast(({ verdict }) => verdict === 'completed') ?? attempts.at(-1);
  if (taken === undefined) return 'Reached somebody';
  // The news may come after the hangup, but then the caller had arrived before it.
  const arrivedAt = Math.min(attemptEndedAt(taken) ?? Infinity, callEndedAt(call) ?? Infinity);
  const waited = arrivedAt === Infinity ? '' : ` after ${duration(arrivedAt - createdAt)}`;
  return `Reached ${shortName(taken)}${waited}${becauseOf(attempts, taken)}`;
}

/** What happened to the other attempts: ": support-us was busy, support-eu did not answer". */
function becauseOf(attempts: Attempt[], except?: Attempt): string {
  const others = attempts.filter((attempt) => {
    return attempt !== except && attempt.verdict !== null && !triesAgain(attempt, attempts);
  });
  const told = others
    .slice(-TOLD_MAX)
    .map((attempt) => `${shortName(attempt)} ${metWords(attempt)}`);
  if (told.length === 0) return '';
  const earlier = others.length - told.length;
  return `: ${earlier > 0 ? `${earlier} earlier ${earlier === 1 ? 'try' : 'tries'}, then ` : ''}${told.join(', ')}`;
}

/** More would not fit into one sentence. */
const TOLD_MAX = 3;

function metWords(attempt: Attempt): string {
  const { verdict, unsent } = attempt;
  if (verdict === null) return 'is being tried';
  if (verdict === 'skipped') return MET.skipped;
  if (maybeTried(attempt)) return 'may not have been tried';
  return unsent ? 'was not tried' : MET[verdict];
}

const MET = {
  completed: 'took the call',
  busy: 'was busy',
  no_answer: 'did not answer',
  declined: 'declined',
  not_found: 'does not know the number',
  not_allowed: 'was refused as a destination',
  server_error: 'had an error',
  other: 'refused',
  rejected: 'could not be tried',
  no_verdict: 'never reported the result',
  abandoned: 'was still being tried',
  skipped: 'was skipped',
} as const satisfies Record<Verdict, string>;

function shortName({ target, sipAddress }: Attempt): string {
  return target ?? sipAddress.replace(/^sips?:/i, '').replace(/[;?].*$/s, '');
}

function operatorWords({ ends, releasedByOperator }: Call): string {
  return ends === 'hung_up' && releasedByOperator ? '; an operator hung up' : '';
}

function whyTurnedAway(call: Call): string {
  const { rule, decided, ends, answerRefused, releasedByOperator } = call;
  if (ends === 'hung_up' && releasedByOperator) return ': an operator hung up';
  // The rule may have steps that would have moved the caller.
  if (ends === 'hung_up' && answerRefused) return ': Telnyx refused to answer the call';
  if (rule !== null) return ` by the rule "${rule}"`;
  return decided ? ': no rule matched this call' : '';
}

/** How long something took, as somebody would say it: 1.4 s, 42 s, 2 min 5 s, 1 h 3 min. */
export function duration(ms: number): string {
  const secs = Math.max(0, ms) / 1_000;
  if (secs < 9.95) return `${secs.toFixed(1)} s`;
  const whole = Math.round(secs);
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3_600)} h ${Math.floor((whole % 3_600) / 60)} min`;
}
