/**
 * A transfer whose B-leg nothing was heard of in time: it is asked for and waited for, because a
 * conversation must not be cut off.
 */
import { concludeAttempt, endAttempt } from './attempt.ts';
import { isImpatient, leftMs, mayRingMs } from './attempt-time.ts';
import { neverLeft } from './attribution.ts';
import { bLegGone } from './b-leg.ts';
import type { Attempt } from './call.ts';
import { becomeBridged } from './ending.ts';
import {
  B_LEG_AGAIN_MS_MAX,
  B_LEG_AGAIN_MS_MIN,
  B_LEG_NEWS_MS,
  CALL_MS_MAX,
  PROBE_EVERY_MS,
  PROBE_TRIES_MAX,
} from './limits.ts';
import { startProbe } from './probe.ts';
import { dropProbe, note, putBackRunning, setDeadline, type Turn } from './turn.ts';

/**
 * A transfer that Telnyx may have executed: its B-leg may be talking although no event reported it.
 */
export function mayHaveBLeg(attempt: Attempt): boolean {
  const { kind, acceptedAt, requestEndedAt, takenBackAt } = attempt;
  const unclear = takenBackAt !== null && !neverLeft(attempt);
  return kind === 'transfer' && (acceptedAt !== null || requestEndedAt !== null || unclear);
}

/**
 * Telnyx ends a ringing B-leg at `timeout_secs`, so a B-leg that exists after that is a
 * conversation and must not be interrupted. Before that time its existence proves nothing.
 */
export function askForBLeg(turn: Turn, attempt: Attempt, what: string, reached: boolean): void {
  // Includes the time Telnyx needs to end it; at `timeout_secs` exactly, a ringing leg still
  // exists.
  const restMs = leftMs(turn, attempt);
  if (restMs > 0) {
    // While Telnyx does not answer, its webhooks may not arrive either.
    const isHeardOf = attempt.bLeg !== null ? reached : webhooksCame(turn, attempt);
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
    if (!reached && turn.call.probe !== null) turn.call.probe.unknowns = -1;
    return;
  }
  waitForNews(turn, attempt);
}

/** Neither an answer nor any webhook: wait and ask again instead of moving the caller. */
export function waitForNews(turn: Turn, attempt: Attempt): void {
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
export function waitForLate(turn: Turn, late: Attempt): void {
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
export function settleLate(turn: Turn, late: Attempt, lives: boolean): void {
  dropProbe(turn);
  if (lives) {
    talkOn(turn, late, 'the B-leg answered before it was hung up; call.bridged never came');
    return;
  }
  late.bLegEnded = true;
  bLegGone(turn, (attempt) => attempt === late);
}

/**
 * Webhooks arrive, so the lack of events about this attempt is not a network problem. Webhooks that
 * arrived together with the acceptance, such as the start of `while_moving`, do not count. Nor do
 * those that arrived while a known B-leg rang: only its end or its answer is missing, and the
 * network may have failed just before.
 */
export function webhooksCame(turn: Turn, attempt: Attempt): boolean {
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
export function talkUnreported(turn: Turn, attempt: Attempt): void {
  talkOn(turn, attempt, 'the B-leg answered; call.bridged never came');
}

export function talkOn(turn: Turn, attempt: Attempt, why: string): void {
  endAttempt(turn, attempt, 'completed', why);
  bLegGone(turn, (each) => each === attempt);
  becomeBridged(turn);
}

/** The attempt ends without a final event, and the plan continues. */
export function giveUp(turn: Turn, attempt: Attempt, what: string): void {
  concludeAttempt(turn, attempt, `${what} without a final event`);
  // Its command was never sent: the step is still to do once moving is safe.
  if (attempt.unsent && attempt.takenBackAt !== null) putBackRunning(turn);
  turn.goOn = true;
}
