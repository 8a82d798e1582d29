/** A call with its timeline, as both stores read them in one statement. */

import { cleanOrNull } from '../../core/clean-text.ts';
import type { Call } from '../../core/machine/call.ts';
import { recordedCallOf } from '../../core/recording/events-of-rows.ts';
import {
  type Misfiled,
  RECORDING_SCHEMA,
  type RecordedCall,
} from '../../core/recording/recorded-call.ts';
import { type CallColumns, callColumns } from './call-columns.ts';
import { unpackCall } from './call-document.ts';
import { keyOf } from './key.ts';
import { unpackEntry } from './timeline-entry.ts';

/** Calls read in one statement, or in one turn of the event loop. */
export const RECORDINGS_AT_ONCE = 50;

/** The call's row has entry -1; the rows of its events follow in order. */
export interface RecordedRow extends Readonly<Record<Listed, string | null>> {
  entry: number;
  document: string;
  /** Only on the call's row. */
  entries: number | null;
  code: number | null;
  /** JSON: an array of [key as hexadecimal, kind, target, verdict]. */
  attempts: string | null;
}

/** Columns that lists and statistics read; an ended call's are never written again. */
export const LISTED = [
  'phase',
  'ends',
  'rule',
  'caller',
  'callee',
  'session',
  'parent',
] as const satisfies (keyof CallColumns)[];
type Listed = (typeof LISTED)[number];

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
  const misfiled = misfiledOf(call, head);
  const recorded = recordedCallOf(call, entries, head.entries ?? 0);
  return misfiled.length === 0 ? recorded : { ...recorded, misfiled };
}

/** A commit writes only the columns that changed, so a wrong one would stay wrong. */
function misfiledOf(call: Call, head: RecordedRow): Misfiled[] {
  const expected = callColumns(call);
  const misfiled = LISTED.flatMap((what): Misfiled[] => {
    const column = head[what];
    return column === expected[what] ? [] : [{ what, column, document: expected[what] }];
  });
  const rows: [string, string, string | null, string | null][] = JSON.parse(head.attempts ?? '[]');
  const byKey = new Map(rows.map(([key, ...row]) => [key.toLowerCase(), row]));
  const found = call.attempts.map(({ id }) => byKey.get(Buffer.from(keyOf(id)).toString('hex')));
  const wanted = call.attempts.map(({ kind, target, verdict }) => [
    kind,
    cleanOrNull(target),
    verdict,
  ]);
  return JSON.stringify(found) === JSON.stringify(wanted)
    ? misfiled
    : [...misfiled, { what: 'attempts', column: found, document: wanted }];
}
