/**
 * Ids that every replica and every restart derives alike, so that what they saw of one call joins in one
 * trace. Hashed, although a session id is often a UUID already: samplers by ratio look at a part of the
 * trace id only, and the end of a UUID of version 1 is the same for all calls of a machine.
 */
import { hash } from 'node:crypto';

/** Legs of one session share a trace; a leg without a session is a trace of its own. */
export function traceIdOf(callId: string, sessionId: string | null): string {
  return hash('sha256', sessionId === null ? `call ${callId}` : `session ${sessionId}`).slice(
    0,
    32,
  );
}

/** The parts are told apart whatever they hold. */
export function spanIdOf(...parts: string[]): string {
  return hash('sha256', JSON.stringify(parts)).slice(0, 16);
}
