/** A transfer: the B-leg answers and is bridged, or it hangs up and the caller stays. */
import { answeredPayload, bridgedPayload, type HangupFacts, type Leg } from './leg.ts';
import { bookAttempt, bookMove, startMove } from './moves.ts';
import { badRequest, type Refusal } from './refusal.ts';
import type { CommandBody } from './schema.ts';
import type { Switchboard } from './switchboard.ts';

const RING_MS = 400;
/** The default of timeout_secs. */
const TIMEOUT_SECS = 30;
const BRIDGE_MS = 20;

export function transfer(board: Switchboard, leg: Leg, body: CommandBody): Refusal | null {
  const { clock } = board;
  const address = String(body.to);
  const { end } = startMove(leg, 'transfer', address);
  if (end.result === 'rejected') {
    return { ...badRequest('The transfer was refused.'), code: end.code };
  }
  const attempt = bookAttempt(leg, 'transfer', address, body, clock.stamp());
  leg.parkAfterUnbridge = body.park_after_unbridge === 'self';
  const from = typeof body.from === 'string' ? body.from : leg.to;
  const state =
    typeof body.target_leg_client_state === 'string' ? body.target_leg_client_state : null;
  const timeoutMs = Number(body.timeout_secs ?? TIMEOUT_SECS) * 1000;
  const { result } = end;

  const stopDialling = clock.after(end.startedMs, () => {
    leg.pending.delete(unstarted);
    const far = board.addBLeg(leg, address, from, state);
    board.happened(leg, 'transfer_rings');
    ring(far);
  });
  const unstarted = (): void => {
    stopDialling();
    attempt.result = 'cancelled';
  };
  leg.pending.add(unstarted);
  return null;

  function ring(far: Leg): void {
    const nobody = result === 'silent' || result === 480 || result === 408;
    const wantedMs = end.ringMs ?? (nobody ? timeoutMs : RING_MS);
    const timesOut = wantedMs >= timeoutMs;
    const cancel = (): void => {
      takeBack();
      attempt.result ??= 'cancelled';
    };
    const takeBack = clock.after(Math.min(wantedMs, timeoutMs), () => {
      far.pending.delete(cancel);
      attempt.result = timesOut && result !== 'silent' ? 408 : result;
      if (attempt.result === 'silent') return;
      if (attempt.result === 'bye' || attempt.result < 300) pickUp(far);
      else {
        attempt.reported = true;
        // Telnyx ends an unanswered B-leg after timeout_secs, whatever the phone would do later.
        board.end(far, 'far_end', hangupFor(attempt.result));
      }
    });
    far.pending.add(cancel);
  }

  function pickUp(far: Leg): void {
    far.answeredAt = clock.stamp();
    board.emit(far, 'call.answered', answeredPayload(far));
    const unbridged = clock.after(BRIDGE_MS, () => {
      far.pending.delete(unbridged);
      if (leg.endedAt !== null) return;
      far.bridged = true;
      leg.bridged = true;
      bookMove(leg, attempt, clock.stamp());
      if (result !== 'bye') {
        attempt.reported = true;
        board.emit(far, 'call.bridged', bridgedPayload(far));
        board.emit(leg, 'call.bridged', bridgedPayload(leg));
      }
      board.happened(leg, 'bridged');
      const talking = clock.after(end.talkMs, () => {
        far.pending.delete(talking);
        board.end(far, 'far_end', { cause: 'normal_clearing', source: 'callee', sip: '200' });
      });
      far.pending.add(talking);
    });
    far.pending.add(unbridged);
  }
}

/** Pairs of hangup cause and SIP code, from captures and the documented enum. */
function hangupFor(status: number): HangupFacts {
  const sip = String(status);
  switch (status) {
    case 486:
    case 600:
      return { cause: 'user_busy', source: 'unknown', sip };
    case 408:
      return { cause: 'timeout', source: 'unknown', sip: '487' };
    case 480:
      return { cause: 'no_answer', source: 'callee', sip };
    case 403:
    case 603:
      return { cause: 'call_rejected', source: 'callee', sip };
    case 404:
    case 410:
    case 484:
      return { cause: 'not_found', source: 'unknown', sip };
    default:
      return { cause: status >= 500 ? 'normal_clearing' : 'unspecified', source: 'unknown', sip };
  }
}
