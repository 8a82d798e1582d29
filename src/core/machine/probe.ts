/** Probes: `GET /calls/{id}` asks whether the leg lives. It never shows that a REFER ran. */
import { endAttempt } from './attempt.ts';
import type { Probe } from './call.ts';
import { becomeBridged, endCall, release } from './ending.ts';
import { PROBE_EVERY_MS, PROBE_TRIES_MAX, UNSEEN_MAX, WATCH_MS } from './limits.ts';
import { clearDeadline, issue, note, setDeadline, type Turn } from './turn.ts';

/** Before a deadline concludes, ask. One probe at a time; a new reason replaces the old one. */
export function startProbe(turn: Turn, why: Probe['why']): void {
  const unknowns = 0;
  turn.call.probe = { why, unknowns, commandId: ask(turn) };
}

/** The same, once the event that is to be expected has had its time: it says more than a probe. */
export function startProbeLater(turn: Turn, why: Probe['why']): void {
  turn.call.probe = { why, unknowns: -1, commandId: '' };
  setDeadline(turn, 'probing', PROBE_EVERY_MS);
}

/** No answer within its time: again, and after the third the machine goes on without. */
export function probeTimedOut(turn: Turn): void {
  const { probe } = turn.call;
  if (probe === null) return;
  probe.unknowns += 1;
  if (probe.unknowns < PROBE_TRIES_MAX) probe.commandId = ask(turn);
  else conclude(turn, probe.why, false);
}

export function probeAlive(turn: Turn, commandId: string): void {
  const { probe } = turn.call;
  if (probe === null || probe.commandId !== commandId) return;
  note(turn, 'Telnyx says that the leg lives');
  conclude(turn, probe.why, true);
}

/** What it was sent for is settled. */
export function dropProbe(turn: Turn): void {
  turn.call.probe = null;
  clearDeadline(turn, 'probing');
}

function ask(turn: Turn): string {
  setDeadline(turn, 'probing', PROBE_EVERY_MS);
  return issue(
    turn,
    { action: 'probe' },
    { clientState: null, giveUpAt: turn.now + PROBE_EVERY_MS },
  );
}

function conclude(turn: Turn, why: Probe['why'], alive: boolean): void {
  const { call } = turn;
  dropProbe(turn);
  if (!alive) note(turn, 'Telnyx did not say whether the leg lives: going on without');
  switch (why) {
    case 'attempt':
    case 'patience': {
      const attempt = call.attempts.find((each) => each.id === call.running?.id);
      if (attempt === undefined || attempt.verdict !== null) return;
      if (attempt.farAnswered) {
        // Nobody has hung up since: they talk, and only the news of it was lost.
        endAttempt(turn, attempt, 'completed', 'the far leg answered; call.bridged never came');
        becomeBridged(turn);
        return;
      }
      const what = why === 'patience' ? 'patience ran out' : 'its time ran out';
      endAttempt(turn, attempt, 'no_verdict', `${what} without a final event`);
      turn.goOn = true;
      return;
    }
    case 'step':
      if (call.phase === 'answering') call.answered = true;
      turn.goOn = true;
      return;
    case 'referred':
      release(turn, call.phase === 'bridged' ? 'transferred' : 'referred', null);
      return;
    case 'watch':
      watchAgain(turn, alive);
      return;
    default:
      why satisfies never;
  }
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
