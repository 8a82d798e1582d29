/** What follows from the answer to a probe, or from none. */
import { noteApplied, runningAttempt } from './attempt.ts';
import { mayRingMs } from './attempt-time.ts';
import { answeredLate } from './b-leg.ts';
import type { Probe } from './call.ts';
import type { Envelope } from './client-state.ts';
import type { Outcome } from './command.ts';
import { endCall, release } from './ending.ts';
import {
  HANGUP_EXPECTED_MS,
  PROBE_EVERY_MS,
  PROBE_TRIES_MAX,
  UNSEEN_MAX,
  WATCH_MS,
} from './limits.ts';
import { ask } from './probe.ts';
import {
  assumeAnswered,
  dropProbe,
  issue,
  note,
  putOffDeadline,
  setDeadline,
  type Turn,
} from './turn.ts';
import {
  askForBLeg,
  giveUp,
  mayHaveBLeg,
  settleLate,
  talkOn,
  talkUnreported,
  waitForLate,
  waitForNews,
  webhooksCame,
} from './unheard-b-leg.ts';
import { isStillDue } from './unreached.ts';

/** No answer in time: probe again, and continue without an answer after the third try. */
export function probeTimedOut(turn: Turn): void {
  const { probe } = turn.call;
  if (probe === null) return;
  probe.unknowns += 1;
  if (probe.unknowns < PROBE_TRIES_MAX) probe.commandId = ask(turn, probe.why);
  else conclude(turn, probe.why, false);
}

export function probeAlive(turn: Turn, commandId: string, envelope: Envelope | null): void {
  noteApplied(turn, envelope);
  const { probe } = turn.call;
  if (probe === null || probe.commandId !== commandId) return;
  note(turn, 'Telnyx says that the leg still exists');
  conclude(turn, probe.why, true);
}

/** Telnyx's answer about the B-leg of a transfer without webhooks, or of one that answered late. */
export function onActiveCalls(turn: Turn, commandId: string, outcome: Outcome): void {
  const { probe } = turn.call;
  const attempt = runningAttempt(turn.call);
  if (probe === null || probe.commandId !== commandId) return;
  const bLeg = outcome.kind === 'accepted' ? outcome.bLeg : undefined;
  if (attempt === null) {
    const late = answeredLate(turn.call);
    if (late !== null && bLeg !== undefined) settleLate(turn, late, bLeg !== null);
    return;
  }
  if (bLeg === undefined) {
    // No answer. As long as other webhooks arrive, the lack of events about this call is
    // sufficient.
    if (probe.unknowns >= 0 && webhooksCame(turn, attempt)) conclude(turn, 'b_leg', false);
    return;
  }
  dropProbe(turn);
  if (bLeg === null) {
    giveUp(turn, attempt, 'its time ran out, and it has no B-leg');
    return;
  }
  const heard =
    attempt.bLeg === null ? 'no webhook of it ever came' : 'its answer was not reported';
  attempt.bLeg = bLeg;
  const restMs = mayRingMs(turn, attempt);
  if (restMs > 0) {
    note(
      turn,
      'the B-leg still exists, and may still ring: its request may have been executed late',
    );
    setDeadline(turn, 'attempt', restMs);
    return;
  }
  talkOn(turn, attempt, `the B-leg still exists after its ringing time; ${heard}`);
}

function conclude(turn: Turn, why: Probe['why'], alive: boolean): void {
  const { call } = turn;
  const wasAway = (call.probe?.unknowns ?? 0) > 0;
  dropProbe(turn);
  if (call.phase === 'gathering' && wasAway && waitsForChoice(turn, alive)) return;
  if (!alive) note(turn, 'Telnyx did not answer: going on without its answer');
  switch (why) {
    case 'attempt':
    case 'patience': {
      // After an outage, the webhooks of a B-leg are yet to be delivered.
      const reached = alive && !wasAway;
      const what = why === 'patience' ? 'patience ran out' : 'its time ran out';
      concludeRunning(turn, what, reached);
      return;
    }
    case 'b_leg': {
      const attempt = runningAttempt(turn.call);
      const late = answeredLate(call);
      if (attempt !== null) waitForNews(turn, attempt);
      else if (late !== null) waitForLate(turn, late);
      return;
    }
    case 'step':
      if (call.phase === 'answering') assumeAnswered(turn);
      turn.goOn = true;
      return;
    case 'referred':
      // The move that was in flight is being executed, so the call must not be released.
      if (
        call.attempts.some(({ verdict, acceptedAt }) => verdict === null && acceptedAt !== null)
      ) {
        setDeadline(turn, 'referred', HANGUP_EXPECTED_MS);
        return;
      }
      release(turn, call.phase === 'bridged' ? 'transferred' : 'referred', null);
      return;
    case 'watch':
      watchAgain(turn, alive);
      return;
    default:
      why satisfies never;
  }
}

/**
 * The network was away, so the key that was pressed in a menu may still be on its way. Until Telnyx
 * answers, no other step could be executed; then it repeats what it could not deliver.
 */
function waitsForChoice(turn: Turn, alive: boolean): boolean {
  if (alive) {
    note(turn, 'menu: a choice may have been made while Telnyx was away, so it is waited for');
    putOffDeadline(turn, 'step');
    return true;
  }
  if (!isStillDue(turn)) return false;
  note(turn, 'menu: Telnyx does not answer, so a choice may have been made: asking again');
  // Asked once in the time of three.
  turn.call.probe = { why: 'step', unknowns: 1, commandId: '' };
  setDeadline(turn, 'probing', 2 * PROBE_EVERY_MS);
  return true;
}

function watchAgain(turn: Turn, alive: boolean): void {
  const { call } = turn;
  call.unseen = alive ? 0 : call.unseen + 1;
  if (call.unseen >= UNSEEN_MAX) {
    endCall(turn, `out of sight for ${(UNSEEN_MAX * WATCH_MS) / 3_600_000} h`);
    return;
  }
  setDeadline(turn, 'watch', WATCH_MS);
  if (call.phase === 'releasing' && alive) issue(turn, { action: 'hangup' });
}

function concludeRunning(turn: Turn, what: string, reached: boolean): void {
  const attempt = runningAttempt(turn.call);
  if (attempt === null) {
    // Between two attempts, a move waits for a B-leg to end. Patience forbids that move.
    turn.goOn = turn.call.phase === 'transferring';
    return;
  }
  if (attempt.bLegAnswered) {
    talkUnreported(turn, attempt);
    return;
  }
  if (mayHaveBLeg(attempt)) askForBLeg(turn, attempt, what, reached);
  else giveUp(turn, attempt, what);
}
