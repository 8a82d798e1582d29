/** The ways out of the plan: release, referred, bridged, unmanaged, ended. */
import { endAttempt, openAttempt } from './attempt.ts';
import { mayHaveArrived } from './attribution.ts';
import type { Attempt, Call, Ends, Phase } from './call.ts';
import { CORRECTION_MS, HANGUP_EXPECTED_MS, RELEASE_AGAIN_MS, WATCH_MS } from './limits.ts';
import { cancelOutstanding, issue, note, setDeadline, type Turn } from './turn.ts';
import { stopWhileMoving } from './voice.ts';

/** We let the caller go: reject where he called and nobody answered yet, hangup otherwise. */
export function release(turn: Turn, as: Ends, cause: 'busy' | 'declined' | null): void {
  const { call } = turn;
  cancelOutstanding(turn);
  endPlan(turn);
  call.phase = 'releasing';
  call.releasedAs = as;
  call.releases = 0;
  // A call that somebody placed from our side is nobody's to reject.
  if (cause !== null && !call.answered && call.facts.direction !== 'outgoing') {
    issue(turn, { action: 'reject', cause });
    note(turn, `reject ${cause}`);
  } else {
    issue(turn, { action: 'hangup' });
    note(turn, cause === null ? 'hang up' : `hang up (reject ${cause} where only a hangup can)`);
  }
  setDeadline(turn, 'release', RELEASE_AGAIN_MS[0] ?? 0);
}

/** A REFER completed, whichever attempt's: the caller has arrived and nothing else may be sent. */
export function becomeReferred(turn: Turn): void {
  const { call } = turn;
  cancelOutstanding(turn);
  endPlan(turn);
  call.releasedAs = null;
  if (call.phase === 'ended') {
    const before = call.ends;
    call.ends = 'referred';
    if (before !== 'referred') {
      note(turn, `the call ended as referred, not ${before}`);
      turn.notices.push({ kind: 'ends_corrected', ends: 'referred', before });
    }
    return;
  }
  call.phase = 'referred';
  setDeadline(turn, 'referred', HANGUP_EXPECTED_MS);
}

/** A transfer reached call.bridged: it lasts as long as they talk. */
export function becomeBridged(turn: Turn): void {
  const { call } = turn;
  cancelOutstanding(turn);
  endPlan(turn);
  stopWhileMoving(turn);
  call.phase = 'bridged';
  setDeadline(turn, 'watch', WATCH_MS);
}

/** Somebody else looks after this call: what stood in client_state before us is given back. */
export function leaveUnmanaged(turn: Turn, why: string): void {
  const { call } = turn;
  endPlan(turn);
  stopWhileMoving(turn);
  call.phase = 'unmanaged';
  setDeadline(turn, 'watch', WATCH_MS);
  restoreClientState(turn);
  note(turn, why);
  turn.notices.push({ kind: 'left_unmanaged', why });
}

export function restoreClientState(turn: Turn): void {
  const { call } = turn;
  if (!call.stamped || call.foreignState === null) return;
  issue(turn, { action: 'client_state_update' }, { clientState: call.foreignState });
  call.stamped = false;
}

/**
 * The leg is gone: by its hangup, or by what shows that the hangup's webhook was missed. `byCaller`: they
 * hung up; otherwise nobody knows who did, or it was not them.
 */
export function endCall(turn: Turn, how: string, byCaller = false): void {
  const { call } = turn;
  if (call.phase === 'ended') return;
  const before = call.phase;
  cancelOutstanding(turn);
  const open = openAttempt(call);
  for (const attempt of call.attempts) if (attempt.verdict === null) endWithTheLeg(turn, attempt);
  const ends = endsOf(call, before, open, byCaller);
  endPlan(turn);
  call.deadlines = [];
  call.suspended = null;
  call.phase = 'ended';
  call.ends = ends;
  call.endedAt = turn.now;
  call.endedByCaller = byCaller;
  note(turn, `${how}: the call ended as ${ends}`);
  turn.notices.push({ kind: 'ended', ends, how });
}

/** A final event so soon after the hangup still says what became of the caller. */
export function correctable(turn: Turn): boolean {
  const { endedAt } = turn.call;
  return endedAt !== null && turn.now - endedAt <= CORRECTION_MS;
}

/** A fresh start for whatever comes next: no step runs, nothing is waited for but the rules of `final`. */
function endPlan(turn: Turn): void {
  const { call } = turn;
  call.plan = [];
  call.running = null;
  call.probe = null;
  call.suspended = null;
  call.deadlines = call.deadlines.filter((deadline) => deadline.name === 'final');
  turn.goOn = false;
}

/** The call ended as abandoned, and its REFER turns out to have been accepted before. */
export function endedWhileAccepted(turn: Turn, attempt: Attempt): void {
  const { call } = turn;
  const lost = call.ends === 'abandoned' || (call.ends === 'failed' && !call.lastResortRan);
  if (attempt.kind !== 'refer' || !lost) return;
  attempt.acceptedAt = call.endedAt;
  endWithTheLeg(turn, attempt);
  correctEnds(turn, attempt.verdict === 'completed' ? 'referred' : 'unconfirmed');
}

function endWithTheLeg(turn: Turn, attempt: Attempt): void {
  if (attempt.kind === 'transfer') {
    if (attempt.bLegAnswered) {
      endAttempt(turn, attempt, 'no_verdict', 'the leg ended after the B-leg had answered');
    } else {
      endAttempt(turn, attempt, 'abandoned', 'the caller left while the B-leg rang');
    }
    return;
  }
  if (attempt.acceptedAt === null) {
    endAttempt(turn, attempt, 'abandoned', 'the caller left before the REFER was accepted');
  } else if (attempt.byeWithoutVerdict === 'completed') {
    endAttempt(
      turn,
      attempt,
      'completed',
      'the leg ended without a NOTIFY; the target counts that as arrived',
    );
  } else {
    endAttempt(
      turn,
      attempt,
      'no_verdict',
      'the leg ended while the accepted REFER had no final NOTIFY',
    );
  }
}

function endsOf(call: Call, before: Phase, open: Attempt | null, byCaller: boolean): Ends {
  const referred = before === 'referred' || call.releasedAs === 'referred';
  if (referred || call.attempts.some(isArrived('refer'))) return 'referred';
  if (before === 'bridged' || call.attempts.some(isArrived('transfer'))) return 'transferred';
  if (open?.verdict === 'no_verdict') return 'unconfirmed';
  if (call.releasedAs !== null) return call.releasedAs;
  // A REFER that we gave up on had begun to ring and was never answered for: it may well have arrived.
  if (call.movingUnsafe || call.attempts.some(mayHaveArrived)) return 'unconfirmed';
  if (call.lastResortRan) return 'failed';
  const unmanaged =
    before === 'unmanaged' || (before === 'new' && call.facts.direction !== 'incoming');
  if (unmanaged) return 'ignored';
  // The leg went with a REFER that failed, and it was not the caller who ended it.
  return lostEnds(call, byCaller);
}

/** The caller has gone, and no attempt reached anybody. */
export function lostEnds({ attempts }: Call, byCaller: boolean): 'failed' | 'abandoned' {
  return !byCaller && attempts.some(hasFailed) ? 'failed' : 'abandoned';
}

function hasFailed({ verdict }: Attempt): boolean {
  return verdict !== null && verdict !== 'completed' && verdict !== 'abandoned';
}

/** The call counts as failed for want of news; now its hangup says that the caller had left. */
export function endedByCaller(turn: Turn): void {
  const { call } = turn;
  if (!correctable(turn)) return;
  call.endedByCaller = true;
  if (call.ends !== 'failed' || call.lastResortRan || call.releasedAs !== null) return;
  correctEnds(turn, 'abandoned');
}

export function correctEnds(turn: Turn, ends: Ends): void {
  const { call } = turn;
  turn.notices.push({ kind: 'ends_corrected', ends, before: call.ends });
  call.ends = ends;
}

function isArrived(kind: Attempt['kind']) {
  return (attempt: Attempt) => attempt.kind === kind && attempt.verdict === 'completed';
}
