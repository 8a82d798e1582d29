/** A deadline is due. Before anything is concluded, a probe asks whether the leg still exists. */
import { concludeAttempt } from './attempt.ts';
import { isImpatient } from './attempt-time.ts';
import { answeredLate, bLegGone, isHeld } from './b-leg.ts';
import type { Deadline } from './call.ts';
import { endCall, leaveUnmanaged } from './ending.ts';
import type { DeadlineEvent } from './event.ts';
import { PUT_OFF_MS, RELEASE_AGAIN_MS, RELEASE_STUCK_MS, WATCH_MS } from './limits.ts';
import { lookupTimedOut } from './on-lookup.ts';
import { startProbe } from './probe.ts';
import { probeTimedOut } from './probe-end.ts';
import { clearDeadline, issue, note, putOffDeadline, setDeadline, type Turn } from './turn.ts';
import { askAboutLate } from './unheard-b-leg.ts';

/**
 * Returns false if the deadline is no longer set because another event was faster; nothing changes.
 */
export function onDeadline(turn: Turn, event: DeadlineEvent): boolean {
  const { call } = turn;
  const deadline = call.deadlines.find(({ name, n }) => name === event.name && n === event.n);
  if (deadline === undefined) return false;
  // The deadline of a lookup is not postponed: the caller hears ringing, and no repeated webhook
  // answers it.
  const putOff = event.putOff && !deadline.putOff && event.name !== 'lookup';
  turn.notices.push({ kind: 'deadline', name: event.name, putOff });
  if (event.name === 'attempt') turn.attemptId = call.running?.id ?? null;
  if (putOff) {
    putOffDeadline(turn, event.name);
    note(turn, `${event.name}: reached late, postponed by ${PUT_OFF_MS / 1000} s`);
    return true;
  }
  note(turn, `${event.name}: its time is up`);
  clearDeadline(turn, event.name);
  fire(turn, event, deadline);
  return true;
}

function fire(turn: Turn, event: DeadlineEvent, deadline: Deadline): void {
  const { call } = turn;
  switch (event.name) {
    case 'undecided':
      // A bill is all that was heard of this leg: it is over, and there is nothing to ask.
      if (call.heardAt === null && call.costs.length > 0) {
        endCall(turn, 'only its cost was reported');
        return;
      }
      leaveUnmanaged(turn, 'its direction stayed unknown: nothing was decided');
      return;
    case 'step':
      stepIsOver(turn, deadline);
      return;
    case 'attempt':
      startProbe(turn, 'attempt');
      return;
    case 'patience':
      call.patienceOver = true;
      if (!isImpatient(call)) return;
      if (call.phase !== 'referring' && call.phase !== 'transferring') return;
      clearDeadline(turn, 'attempt');
      startProbe(turn, 'patience');
      return;
    case 'probing':
      probeTimedOut(turn);
      return;
    case 'referred':
      startProbe(turn, 'referred');
      return;
    case 'release':
      releaseAgain(turn);
      return;
    case 'watch':
      startProbe(turn, 'watch');
      return;
    case 'final':
      for (const attempt of call.attempts) {
        if (attempt.verdict === null) concludeAttempt(turn, attempt, 'another attempt completed');
      }
      return;
    case 'lookup':
      lookupTimedOut(turn);
      return;
    default:
      event.name satisfies never;
  }
}

function stepIsOver(turn: Turn, { putOff }: Deadline): void {
  const { call } = turn;
  // A menu always reports its end. If it was put off, that has been waited for.
  const mayHaveChosen = call.phase === 'gathering' && !putOff;
  if (call.phase === 'answering' || mayHaveChosen) {
    startProbe(turn, 'step');
    return;
  }
  if (isHeld(call)) {
    const late = answeredLate(call);
    if (late !== null) {
      askAboutLate(turn, late);
      return;
    }
    // The plan waited for a B-leg, and the time in which its hangup may be sent is over.
    bLegGone(turn, () => true);
  }
  turn.goOn = true;
}

function releaseAgain(turn: Turn): void {
  const { call } = turn;
  if (call.releases >= RELEASE_AGAIN_MS.length) {
    turn.notices.push({ kind: 'release_stuck', releases: call.releases });
    note(turn, 'the leg does not end: a human is needed');
    setDeadline(turn, 'watch', WATCH_MS);
    return;
  }
  call.releases += 1;
  issue(turn, { action: 'hangup' });
  note(turn, 'hang up again');
  setDeadline(turn, 'release', RELEASE_AGAIN_MS[call.releases] ?? RELEASE_STUCK_MS);
}
