/** How a call leaves its plan: release, referred, bridged, unmanaged, ended. */
import { stopAsking } from './ask-lookup.ts';
import { endAttempt, openAttempt } from './attempt.ts';
import { mayHaveArrived } from './attribution.ts';
import { answeredLate } from './b-leg.ts';
import type { Attempt, Call, Ends, Phase } from './call.ts';
import { heardLateMs } from './heard-late.ts';
import { CORRECTION_MS, HANGUP_EXPECTED_MS, RELEASE_AGAIN_MS, WATCH_MS } from './limits.ts';
import { cancelOutstanding, clearDeadline, issue, note, setDeadline, type Turn } from './turn.ts';
import { isFailed } from './verdict.ts';
import { stopWhileMoving } from './voice.ts';

/** Ends the call: reject if it is incoming and not answered yet, otherwise hangup. */
export function release(turn: Turn, as: Ends, cause: 'busy' | 'declined' | null): void {
  const { call } = turn;
  cancelOutstanding(turn);
  endPlan(turn);
  call.phase = 'releasing';
  call.releasedAs = as;
  call.releases = 0;
  // An outgoing call cannot be rejected.
  if (cause !== null && !call.answered && call.facts.direction !== 'outgoing') {
    issue(turn, { action: 'reject', cause });
    note(turn, `reject ${cause}`);
  } else {
    issue(turn, { action: 'hangup' });
    note(turn, cause === null ? 'hang up' : `hang up (reject ${cause} where only a hangup can)`);
  }
  setDeadline(turn, 'release', RELEASE_AGAIN_MS[0] ?? 0);
}

/** A REFER of any attempt completed: the caller has arrived, and nothing else may be sent. */
export function becomeReferred(turn: Turn): void {
  const { call } = turn;
  cancelOutstanding(turn);
  endPlan(turn);
  call.releasedAs = null;
  if (call.phase === 'ended') {
    if (call.ends === 'referred') return;
    note(turn, `the call ended as referred, not ${call.ends}`);
    correctEnds(turn, 'referred');
    return;
  }
  call.phase = 'referred';
  setDeadline(turn, 'referred', HANGUP_EXPECTED_MS);
}

/** A transfer reached call.bridged. The phase lasts as long as they talk. */
export function becomeBridged(turn: Turn): void {
  const { call } = turn;
  cancelOutstanding(turn);
  endPlan(turn);
  stopWhileMoving(turn);
  call.phase = 'bridged';
  setDeadline(turn, 'watch', WATCH_MS);
}

/**
 * The conversation is over. Telnyx hangs up the caller's leg as well; a caller left in silence is
 * released.
 */
export function hangupExpected(turn: Turn): void {
  clearDeadline(turn, 'watch');
  setDeadline(turn, 'referred', HANGUP_EXPECTED_MS);
}

/** Another application handles this call; restores the client_state that was there before ours. */
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
 * The leg has ended, as its hangup shows or something that proves that the hangup's webhook was
 * missed. `byCaller`: the caller hung up; otherwise it was somebody else, or it is unknown.
 * `openThen`: see `openAtTheEnd`.
 */
export function endCall(
  turn: Turn,
  how: string,
  byCaller = false,
  openThen: Attempt | null = null,
): void {
  const { call } = turn;
  if (call.phase === 'ended') return;
  const before = call.phase;
  cancelOutstanding(turn);
  const open = openThen ?? openAttempt(call);
  if (openThen !== null) endedByItsBye(turn, openThen);
  for (const attempt of call.attempts)
    if (attempt.verdict === null) endWithTheLeg(turn, attempt, byCaller);
  const ends = endsOf(call, before, open, byCaller);
  call.endedByCaller = byCaller;
  end(turn, ends, how);
}

/** The caller hung up before we heard of them. */
export function endMissed(turn: Turn): void {
  cancelOutstanding(turn);
  end(turn, 'missed', 'the caller had gone before we heard of them');
}

function end(turn: Turn, ends: Ends, how: string): void {
  const { call } = turn;
  endPlan(turn);
  call.deadlines = [];
  call.phase = 'ended';
  call.ends = ends;
  call.endedAt = turn.now;
  call.endHeardLateMs = heardLateMs(turn.event, turn.now, call.createdAt);
  note(turn, `${how}: the call ended as ${ends}`);
  turn.notices.push({ kind: 'ended', ends, how });
}

/** A final event this soon after the hangup still decides where the caller went. */
export function correctable(turn: Turn): boolean {
  const { endedAt } = turn.call;
  return endedAt !== null && turn.now - endedAt <= CORRECTION_MS;
}

/** Resets the call: no step runs, and only a `final` deadline stays. */
function endPlan(turn: Turn): void {
  const { call } = turn;
  stopAsking(turn);
  call.plan = [];
  call.running = null;
  call.probe = null;
  call.suspended = null;
  call.deadlines = call.deadlines.filter((deadline) => deadline.name === 'final');
  turn.goOn = false;
}

/** The call ended as abandoned, but its REFER turns out to have been accepted before. */
export function endedWhileAccepted(turn: Turn, attempt: Attempt): void {
  const { call } = turn;
  const lost = call.ends === 'abandoned' || (call.ends === 'failed' && !call.lastResortRan);
  if (attempt.kind !== 'refer' || !lost) return;
  attempt.acceptedAt = call.endedAt;
  endWithTheLeg(turn, attempt, call.endedByCaller);
  correctEnds(turn, attempt.verdict === 'completed' ? 'referred' : 'unconfirmed');
}

function endWithTheLeg(turn: Turn, attempt: Attempt, byCaller: boolean): void {
  const left = byCaller ? 'the caller left' : 'the leg ended';
  if (attempt.kind === 'transfer') {
    if (attempt.bLegAnswered) {
      endAttempt(turn, attempt, 'no_verdict', 'the leg ended after the B-leg had answered');
    } else {
      endAttempt(turn, attempt, 'abandoned', `${left} while the B-leg rang`);
    }
    return;
  }
  if (attempt.acceptedAt === null) {
    endAttempt(turn, attempt, 'abandoned', `${left} before the REFER was accepted`);
  } else if (turn.call.releasedAs !== null || !endedByItsBye(turn, attempt)) {
    // A leg that we have hung up says nothing about the target.
    endAttempt(
      turn,
      attempt,
      'no_verdict',
      'the leg ended while the accepted REFER had no final NOTIFY',
    );
  }
}

function endedByItsBye(turn: Turn, attempt: Attempt): boolean {
  if (attempt.byeWithoutVerdict !== 'completed') return false;
  const why = 'the leg ended without a NOTIFY; the target counts that as arrived';
  endAttempt(turn, attempt, 'completed', why);
  return true;
}

function endsOf(call: Call, before: Phase, open: Attempt | null, byCaller: boolean): Ends {
  const referred = before === 'referred' || call.releasedAs === 'referred';
  if (referred || call.attempts.some(isArrived('refer'))) return 'referred';
  if (before === 'bridged' || call.attempts.some(isArrived('transfer'))) return 'transferred';
  if (open?.verdict === 'no_verdict' || answeredLate(call) !== null) return 'unconfirmed';
  if (call.releasedAs !== null) return call.releasedAs;
  // A REFER that was given up had begun to ring and has no final event, so the caller may have
  // arrived.
  if (call.movingUnsafe || call.attempts.some(mayHaveArrived)) return 'unconfirmed';
  if (call.lastResortRan) return 'failed';
  const unmanaged =
    before === 'unmanaged' || (before === 'new' && call.facts.direction !== 'incoming');
  if (unmanaged) return 'ignored';
  return lostEnds(call, byCaller);
}

/** No attempt reached anybody, as its late final event says: what we did comes before that. */
export function unreachedEnds(call: Call, byCaller: boolean): Ends {
  return call.releasedAs ?? (call.lastResortRan ? 'failed' : lostEnds(call, byCaller));
}

/** No attempt reached anybody: `failed` if one failed and it was not the caller who hung up. */
function lostEnds({ attempts }: Call, byCaller: boolean): 'failed' | 'abandoned' {
  return !byCaller && attempts.some(({ verdict }) => isFailed(verdict)) ? 'failed' : 'abandoned';
}

/**
 * The call was found to have ended, and its hangup now says that this was before its REFER was
 * given up, and before anything else that we did.
 */
export function endedWhileOpen(turn: Turn, attempt: Attempt, byCaller: boolean): void {
  const { call } = turn;
  call.endedByCaller ||= byCaller;
  if (!correctable(turn) || call.ends === null || !UNREACHED.has(call.ends)) return;
  correctEnds(turn, endedByItsBye(turn, attempt) ? 'referred' : 'unconfirmed');
}

const UNREACHED: ReadonlySet<Ends> = new Set(['failed', 'abandoned', 'hung_up']);

/**
 * The call counted as failed without further events; its hangup now says that the caller hung up.
 */
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
