/** A call with its timeline, as both stores read them in one statement. */

import { recordedCallOf } from '../../core/recording/events-of-rows.ts';
import { RECORDING_SCHEMA, type RecordedCall } from '../../core/recording/recorded-call.ts';
import { unpackCall } from './call-document.ts';
import { unpackEntry } from './rows.ts';

/** Calls read in one statement, or in one turn of the event loop. */
export const RECORDINGS_AT_ONCE = 50;

/** The call's row has entry -1; the rows of its events follow in order. */
export interface RecordedRow {
  entry: number;
  document: string;
  /** Only on the call's row. */
  entries: number | null;
  code: number | null;
}

/** Null if there is no such call. */
export function recordedCall(rows: RecordedRow[], codeVersion: number): RecordedCall | null {
  const [head, ...events] = rows;
  if (head === undefined || head.entry !== -1) return null;
  const call = unpackCall(head.document);
  if ((head.code ?? 0) > codeVersion) {
    const schema = RECORDING_SCHEMA + 1;
    return { callId: call.id, schema, recording: 'newer', events: [], stored: call };
  }
  const entries = events.map(({ document }) => unpackEntry(document));
  return recordedCallOf(call, entries, head.entries ?? 0);
}
