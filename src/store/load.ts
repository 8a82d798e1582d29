/** What loads of both stores share. */
import { NewerRow } from '../errors.ts';

/** Calls of one session that a load brings: a conference of legs is no reason to read for seconds. */
export const SESSION_CALLS_MAX = 50;

export function refuseNewer(code: number, codeVersion: number, callId: string): void {
  if (code > codeVersion) {
    throw new NewerRow(
      `call ${callId}: its row was written by code version ${code}, this is version ${codeVersion}; it is left to newer code`,
    );
  }
}
