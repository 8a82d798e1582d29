/** What loads of both stores share. */
import { NewerRow } from '../errors.ts';

/** Calls of one session that a load brings: a conference of legs is no reason to read for seconds. */
export const SESSION_CALLS_MAX = 50;

/** Before the document is taken apart: what newer code writes may have another shape. */
export function refuseNewer(code: number, codeVersion: number, document: string): void {
  if (code > codeVersion) {
    const { id } = JSON.parse(document) as { id: unknown };
    throw new NewerRow(
      `call ${id}: its row was written by code version ${code}, this is version ${codeVersion}; it is left to newer code`,
    );
  }
}
