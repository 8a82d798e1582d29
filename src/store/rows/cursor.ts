/** Where a page of a list ended: the order is the time, then the row's number, newest first. */
import { RefereeError } from '../../errors.ts';

export interface Position {
  createdAt: number;
  row: number;
}

/** Comes before every row. */
export const FIRST: Position = { createdAt: Number.MAX_SAFE_INTEGER, row: Number.MAX_SAFE_INTEGER };

/** Whether this row comes later in the list. */
export function isAfter({ createdAt, row }: Position, other: Position): boolean {
  return createdAt < other.createdAt || (createdAt === other.createdAt && row < other.row);
}

/** Each list has its own cursors: a cursor of another list would silently start at a wrong row. */
type List = 'calls' | 'audit';

export function writeCursor({ createdAt, row }: Position, list: List = 'calls'): string {
  return Buffer.from(`${list}.${createdAt}.${row}`).toString('base64url');
}

export function readCursor(cursor: string | undefined, list: List = 'calls'): Position {
  if (cursor === undefined) return FIRST;
  const text = Buffer.from(cursor, 'base64url').toString();
  const match = /^([a-z]+)\.(-?\d{1,16})\.(\d{1,16})$/.exec(text);
  if (match?.[1] !== list) {
    throw new RefereeError(
      'BAD_CURSOR',
      `cursor: expected the value of "next" of the page before, got ${JSON.stringify(cursor.slice(0, 40))}; leave it out to start at the newest`,
    );
  }
  return { createdAt: Number(match[2]), row: Number(match[3]) };
}
