/** Where a page of calls ended: the order is createdAt, then the row's number, newest first. */
import { RefereeError } from '../../errors.ts';

export interface Position {
  createdAt: number;
  row: number;
}

/** Comes before every row. */
export const FIRST: Position = { createdAt: Number.MAX_SAFE_INTEGER, row: Number.MAX_SAFE_INTEGER };

export function writeCursor(position: Position): string {
  return Buffer.from(`${position.createdAt}.${position.row}`).toString('base64url');
}

export function readCursor(cursor: string | undefined): Position {
  if (cursor === undefined) return FIRST;
  const match = /^(-?\d{1,16})\.(\d{1,16})$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (!match) {
    throw new RefereeError(
      'BAD_CURSOR',
      `cursor: expected the value of "next" of the page before, got ${JSON.stringify(cursor.slice(0, 40))}; leave it out to start at the newest call`,
    );
  }
  return { createdAt: Number(match[1]), row: Number(match[2]) };
}
