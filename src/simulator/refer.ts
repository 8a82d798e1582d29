/** A SIP REFER at the far end: NOTIFYs with 1xx, a final NOTIFY, and the hangup that follows. */
import { bookFault } from './books.ts';
import { strikes } from './faults.ts';
import { type Leg, parties } from './leg.ts';
import { bookAttempt, bookMove, startMove } from './moves.ts';
import { badRequest, type Refusal } from './refusal.ts';
import type { CommandBody } from './schema.ts';
import type { Switchboard } from './switchboard.ts';

const RING_MS = 400;

export function refer(board: Switchboard, leg: Leg, body: CommandBody): Refusal | null {
  const { clock } = board;
  const address = String(body.sip_address);
  const { end, nth } = startMove(leg, 'refer', address);
  if (end.result === 'rejected') {
    return { ...badRequest('The REFER was refused.'), code: end.code };
  }
  const { call } = leg;
  const attempt = bookAttempt(leg, 'refer', address, body, clock.stamp());
  const forgotten = strikes(call.faults, 'notify_forgotten', 'refer', nth);
  if (forgotten) bookFault(call.book, `refer ${nth}: notify_forgotten`);
  const ringMs = end.ringMs ?? RING_MS;
  // The final NOTIFY ends the subscription (RFC 3515, 2.4.4), so none can follow it.
  const startedMs = Math.min(end.startedMs, ringMs);
  const timers: (() => void)[] = [];

  const notify = (type: 'started' | 'completed' | 'failed', status: number): void => {
    const telling = !forgotten || type === 'started';
    if (telling) {
      board.emit(leg, `call.refer.${type}`, { ...parties(leg), sip_notify_response: status });
    }
    if (type !== 'started') attempt.reported = telling;
  };

  const pauseMs = (ringMs - startedMs) / (end.progress.length + 1);
  for (const [index, status] of end.progress.entries()) {
    timers.push(clock.after(startedMs + index * pauseMs, () => notify('started', status)));
  }
  timers.push(clock.after(startedMs, () => board.happened(leg, 'refer_rings')));

  /** If the leg ends while the target rings, the UA drops the new call too. */
  const cancel = (): void => {
    for (const takeBack of timers) takeBack();
    attempt.result = 'cancelled';
    if (call.script.lateFinal) clock.after(30, () => notify('failed', 487));
  };
  leg.pending.add(cancel);

  const status = end.result;
  if (status === 'silent') return null;
  timers.push(
    clock.after(ringMs, () => {
      leg.pending.delete(cancel);
      attempt.result = status;
      if (status === 'bye') {
        bookMove(leg, attempt, clock.stamp());
        hangUp();
      } else if (status < 300) arrive(status);
      else fail(status);
    }),
  );
  return null;

  function arrive(code: number): void {
    bookMove(leg, attempt, clock.stamp());
    if (end.hangup === 'before') {
      hangUp();
      clock.after(end.hangupGapMs, () => notify('completed', code));
      return;
    }
    notify('completed', code);
    // Without any NOTIFY the far end still sends its BYE, which is then the only sign.
    if (end.hangup === 'after') clock.after(end.hangupGapMs, hangUp);
  }

  function fail(code: number): void {
    notify('failed', code);
    board.happened(leg, 'refer_failed');
    if (!end.dropsAfterFailure) return;
    clock.after(end.hangupGapMs, () => {
      board.end(leg, 'network', { cause: 'normal_clearing', source: 'unknown', sip: '503' });
    });
  }

  function hangUp(): void {
    board.end(leg, 'far_end', { cause: 'normal_clearing', source: 'caller', sip: '200' });
  }
}
