/**
 * Probes. `GET /calls/{id}` says whether the leg still exists and, by its client_state, which of
 * our commands was executed last. `GET /connections/{id}/active_calls` finds the B-leg of a
 * transfer.
 */
import { concludeAttempt, endAttempt, noteApplied, runningAttempt } from './attempt.ts';
import { isImpatient, leftMs, mayRingMs } from './attempt-time.ts';
import { neverLeft } from './attribution.ts';
import { answeredLate, bLegGone } from './b-leg.ts';
import type { Attempt, Probe } from './call.ts';
import { type Envelope, encodeClientState } from './client-state.ts';
import type { Outcome } from './command.ts';
import { becomeBridged, endCall, release } from './ending.ts';
import {
  B_LEG_AGAIN_MS_MAX,
  B_LEG_AGAIN_MS_MIN,
  B_LEG_NEWS_MS,
  CALL_MS_MAX,
  HANGUP_EXPECTED_MS,
  PROBE_EVERY_MS,
  PROBE_TRIES_MAX,
  UNSEEN_MAX,
  WATCH_MS,
} from './limits.ts';
import {
  dropProbe,
  issue,
  note,
  putBackRunning,
  putOffDeadline,
  setDeadline,
  type Turn,
} from './turn.ts';
import { isStillDue } from './unreached.ts';

/** Probes before a deadline decides. One probe at a time; a new reason replaces the old one. */
export function startProbe(turn: Turn, why: Probe['why']): void {
  turn.call.probe = { why, unknowns: 0, commandId: ask(turn, why) };
}

/** The same, but first waits for the expected event, which says more than a probe. */
export function startProbeLater(turn: Turn, why: Probe['why']): void {
  turn.call.probe = { why, unknowns: -1, commandId: '' };
  setDeadline(turn, 'probing', PROBE_EVERY_MS);
}

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

/**
 * A B-leg answered while its hangup was under way, and neither the bridge nor its end was reported.
 */
export function askAboutLate(turn: Turn, late: Attempt): void {
  if (turn.call.facts.connectionId !== null) startProbe(turn, 'b_leg');
  else settleLate(turn, late, true);
}

/**
 * Telnyx did not answer. While no webhook of any call arrives either, the network is away: nothing
 * could be done for the caller, and the end of the B-leg may still be on its way.
 */
function waitForLate(turn: Turn, late: Attempt): void {
  const { now } = turn;
  const waitedMs = now - (late.endedAt ?? now);
  if (lastHeardAt(turn) > now - PROBE_TRIES_MAX * PROBE_EVERY_MS || waitedMs > CALL_MS_MAX) {
    settleLate(turn, late, true);
    return;
  }
  note(turn, 'no webhook of any call comes: the plan waits until the B-leg can be asked for');
  setDeadline(turn, 'step', againMs(waitedMs));
}

/** Where nobody can say whether it lives, its answer is the last that was heard of it. */
function settleLate(turn: Turn, late: Attempt, lives: boolean): void {
  dropProbe(turn);
  if (lives) {
    talkOn(turn, late, 'the B-leg answered before it was hung up; call.bridged never came');
    return;
  }
  late.bLegEnded = true;
  bLegGone(turn, (attempt) => attempt === late);
}

function ask(turn: Turn, why: Probe['why']): string {
  setDeadline(turn, 'probing', PROBE_EVERY_MS);
  const options = { clientState: null, giveUpAt: turn.now + PROBE_EVERY_MS };
  const { connectionId } = turn.call.facts;
  const attempt = runningAttempt(turn.call) ?? answeredLate(turn.call);
  if (why !== 'b_leg' || connectionId === null || attempt === null) {
    return issue(turn, { action: 'probe' }, options);
  }
  const targetClientState = encodeClientState(attempt.id, null);
  return issue(turn, { action: 'active_calls', connectionId, targetClientState }, options);
}

function conclude(turn: Turn, why: Probe['why'], alive: boolean): void {
  const { call } = turn;
  const wasAway = (call.probe?.unknowns ?? 0) > 0;
  dropProbe(turn);
  if (call.phase === 'gathering' && wasAway && waitsForChoice(turn, alive)) return;
  if (!alive) note(turn, 'Telnyx did not answer: going on without its answer');
  switch (why) {
    case 'attempt':
    case 'patience':
      concludeRunning(turn, why === 'patience' ? 'patience ran out' : 'its time ran out', alive);
      return;
    case 'b_leg': {
      const attempt = runningAttempt(turn.call);
      const late = answeredLate(call);
      if (attempt !== null) waitForNews(turn, attempt);
      else if (late !== null) waitForLate(turn, late);
      return;
    }
    case 'step':
      if (call.phase === 'answering') call.answered = true;
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

function concludeRunning(turn: Turn, what: string, alive: boolean): void {
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
  if (mayHaveBLeg(attempt)) askForBLeg(turn, attempt, what, alive);
  else giveUp(turn, attempt, what);
}

/**
 * A transfer that Telnyx may have executed: its B-leg may be talking although no event reported it.
 */
function mayHaveBLeg(attempt: Attempt): boolean {
  const { kind, acceptedAt, requestEndedAt, takenBackAt } = attempt;
  const unclear = takenBackAt !== null && !neverLeft(attempt);
  return kind === 'transfer' && (acceptedAt !== null || requestEndedAt !== null || unclear);
}

/**
 * Telnyx ends a ringing B-leg at `timeout_secs`, so a B-leg that exists after that is a
 * conversation and must not be interrupted. Before that time its existence proves nothing.
 */
function askForBLeg(turn: Turn, attempt: Attempt, what: string, alive: boolean): void {
  // Includes the time Telnyx needs to end it; at `timeout_secs` exactly, a ringing leg still
  // exists.
  const restMs = leftMs(turn, attempt);
  if (restMs > 0) {
    // While Telnyx does not answer, its webhooks may not arrive either.
    const isHeardOf = attempt.bLeg !== null ? alive : webhooksCame(turn, attempt);
    if (isHeardOf && isImpatient(turn.call)) {
      giveUp(turn, attempt, what);
      return;
    }
    // Its acceptance may have been noted late, and so may the webhook of an answer.
    const why = isHeardOf ? 'it may still ring' : 'no webhook has come since';
    note(turn, `${what}, but ${why}: a conversation is not cut off`);
    setDeadline(turn, 'attempt', restMs);
    return;
  }
  if (turn.call.facts.connectionId !== null) {
    startProbe(turn, 'b_leg');
    // The network was away, and webhooks may have begun to arrive again: one more try.
    if (!alive && turn.call.probe !== null) turn.call.probe.unknowns = -1;
    return;
  }
  waitForNews(turn, attempt);
}

/** Neither an answer nor any webhook: wait and ask again instead of moving the caller. */
function waitForNews(turn: Turn, attempt: Attempt): void {
  if (attempt.bLegAnswered) {
    talkUnreported(turn, attempt);
    return;
  }
  const waitedMs = turn.now - (attempt.acceptedAt ?? attempt.sentAt);
  if (webhooksCame(turn, attempt) || waitedMs > CALL_MS_MAX) {
    giveUp(turn, attempt, 'its time ran out without any news');
    return;
  }
  note(turn, 'no webhook of any call has come since: waiting, a conversation is not cut off');
  setDeadline(turn, 'attempt', againMs(waitedMs));
}

/**
 * Webhooks arrive, so the lack of events about this attempt is not a network problem. Webhooks that
 * arrived together with the acceptance, such as the start of `while_moving`, do not count. Nor do
 * those that arrived while a known B-leg rang: only its end or its answer is missing, and the
 * network may have failed just before.
 */
function webhooksCame(turn: Turn, attempt: Attempt): boolean {
  const { sentAt, acceptedAt, bLeg } = attempt;
  const begins = (acceptedAt ?? sentAt) + B_LEG_NEWS_MS;
  const since = bLeg === null ? begins : turn.now + mayRingMs(turn, attempt);
  return lastHeardAt(turn) > since;
}

/** When a webhook of any call arrived last. */
function lastHeardAt({ call, world }: Turn): number {
  return Math.max(call.heardAt ?? 0, world.heardAt() ?? 0);
}

/** Asked less and less often. */
function againMs(waitedMs: number): number {
  return Math.round(Math.min(Math.max(B_LEG_AGAIN_MS_MIN, waitedMs / 4), B_LEG_AGAIN_MS_MAX));
}

/** Nobody has hung up since, so they are talking and only the event was lost. */
function talkUnreported(turn: Turn, attempt: Attempt): void {
  talkOn(turn, attempt, 'the B-leg answered; call.bridged never came');
}

function talkOn(turn: Turn, attempt: Attempt, why: string): void {
  endAttempt(turn, attempt, 'completed', why);
  bLegGone(turn, (each) => each === attempt);
  becomeBridged(turn);
}

/** The attempt ends without a final event, and the plan continues. */
function giveUp(turn: Turn, attempt: Attempt, what: string): void {
  concludeAttempt(turn, attempt, `${what} without a final event`);
  // Its command was never sent: the step is still to do once moving is safe.
  if (attempt.unsent && attempt.takenBackAt !== null) putBackRunning(turn);
  turn.goOn = true;
}
