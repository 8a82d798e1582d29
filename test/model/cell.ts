/**
 * What is particular about a state, as a short text: states with the same text are one cell for
 * `explore`. It is coarser than canonical.ts, without times and most of what is under way.
 */
import type { Attempt } from '../../src/core/machine/call.ts';
import type { State } from './world.ts';

export function cellOf(state: State): string {
  const { call, requests, wire, refers, bLegs, moves, leg, faults, outbox } = state;
  if (call === null) return `${faults}`;
  const { phase, attempts, probe } = call;
  const place = (id: string) => attempts.findIndex((attempt) => attempt.id === id);
  let text = `${faults} ${phase} ${probe?.why ?? ''} ${moves.length} `;
  text += bits(
    leg.alive,
    leg.answered,
    call.movingUnsafe,
    call.patienceOver,
    call.suspended !== null,
    call.lastResortRan,
    state.manualsLeft > 0,
    state.awayUntil > state.now,
    state.actLeft,
    state.accepted,
  );
  for (const attempt of attempts) text += ` ${attempt.kind[0]}${attempt.verdict}${known(attempt)}`;
  for (const { id, rings, known } of refers) text += ` r${place(id)}${bits(rings, known)}`;
  for (const { attemptId, answeredAt, known, answerKnown } of bLegs) {
    text += ` b${place(attemptId)}${bits(answeredAt !== null, known, answerKnown)}`;
  }
  for (const { command, process, answer } of requests) {
    if (isMove(command.action)) text += ` ${command.action}${process}${answer === null}`;
    else if (process !== 'waits') text += ` ${command.action}${process}`;
  }
  for (const { command, cancelled, leaseUntil } of outbox) {
    if (isMove(command.action)) text += ` ${command.action}${bits(cancelled, leaseUntil === null)}`;
  }
  for (const { event, about, late } of wire) {
    if (about !== null) text += ` ${event.type}${place(about)}${late ? 'late' : ''}`;
  }
  return text;
}

/** What the machine knows of an attempt. */
function known(attempt: Attempt): number {
  return bits(
    attempt.progress,
    attempt.acceptedAt !== null,
    attempt.acceptedAt !== null && attempt.acceptedAt > attempt.sentAt,
    attempt.requestEndedAt !== null,
    attempt.requestEndedAt !== null && attempt.requestEndedAt > attempt.sentAt,
    attempt.takenBackAt !== null,
    attempt.unsent,
    attempt.final,
    attempt.bLeg !== null,
    attempt.bLegAnswered,
    attempt.bLegHangup !== null,
    attempt.bLegEnded,
  );
}

function bits(...flags: boolean[]): number {
  return flags.reduce((sum, flag) => sum * 2 + (flag ? 1 : 0), 0);
}

function isMove(action: string): boolean {
  return action === 'refer' || action === 'transfer' || action === 'hangup';
}
