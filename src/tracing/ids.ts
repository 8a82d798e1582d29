/**
 * Ids that are the same on every replica and after a restart, so that all spans of a call join in
 * one trace. They are hashed, because ratio samplers only use a part of the trace id, and the end
 * of a version 1 UUID is the same for all calls of a machine.
 */
import { hash } from 'node:crypto';

/** Legs of one session share a trace; a leg without a session gets its own trace. */
export function traceIdOf(callId: string, sessionId: string | null): string {
  return hash('sha256', sessionId === null ? `call ${callId}` : `session ${sessionId}`).slice(
    0,
    32,
  );
}

/** JSON keeps the parts distinct, whatever they contain. */
export function spanIdOf(...parts: string[]): string {
  return hash('sha256', JSON.stringify(parts)).slice(0, 16);
}
