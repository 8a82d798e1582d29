/** Shared by REFER and transfer: choosing the far end, and recording the move. */
import type { BookedAttempt, Move } from './books.ts';
import type { Leg } from './leg.ts';
import type { CommandBody } from './schema.ts';
import { farEndOf, type ResolvedFarEnd } from './script.ts';

interface StartedMove {
  end: ResolvedFarEnd;
  /** Counted from 1 among this call's moves of the same kind. */
  nth: number;
}

export function startMove(leg: Leg, kind: Move['kind'], address: string): StartedMove {
  const { moves, script } = leg.call;
  const nth = count(moves, kind);
  const nthToAddress = count(moves, `${kind} ${address}`);
  const ends = kind === 'refer' ? script.refers : script.transfers;
  return { end: farEndOf(ends, address, nth - 1, nthToAddress - 1), nth };
}

export function bookAttempt(
  leg: Leg,
  kind: Move['kind'],
  address: string,
  body: CommandBody,
  at: string,
): BookedAttempt {
  const attempt: BookedAttempt = {
    kind,
    address,
    commandId: typeof body.command_id === 'string' ? body.command_id : null,
    at,
    result: null,
    reported: false,
  };
  leg.call.book.attempts.push(attempt);
  return attempt;
}

/** Records that the caller reached somebody. */
export function bookMove(leg: Leg, attempt: BookedAttempt, at: string): void {
  const { book } = leg.call;
  const { kind, address, commandId } = attempt;
  book.moved.push({ kind, address, at, commandId });
  book.fate = 'moved';
}

function count(counts: Map<string, number>, key: string): number {
  const next = (counts.get(key) ?? 0) + 1;
  counts.set(key, next);
  return next;
}
