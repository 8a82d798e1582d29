/** The call that an event is about, and why an event that should be about a call names none. */
import { asName, type Fields, field } from './fields.ts';

/** Real ones exceed 100 characters ("v3:" and base64url). */
const CALL_ID_CHARS = 1024;

/**
 * The events that a caller depends on. Others may be about several calls, or about a recording, and
 * have no id of a call.
 */
const OF_ONE_CALL: ReadonlySet<string> = new Set([
  'call.initiated',
  'call.answered',
  'call.bridged',
  'call.hangup',
  'call.refer.started',
  'call.refer.completed',
  'call.refer.failed',
]);

export function callIdOf(payload: Fields): string | null {
  return asName(field(payload, 'call_control_id'), CALL_ID_CHARS);
}

/** Null: the event need not name a call. */
export function whyNoCall(type: string, payload: Fields | null): string | null {
  const id = payload === null ? null : (field(payload, 'call_control_id') ?? null);
  if (id === null) return OF_ONE_CALL.has(type) ? 'It has no call_control_id.' : null;
  if (typeof id !== 'string') return `Its call_control_id is not a text but ${kindOf(id)}.`;
  if (id === '') return 'Its call_control_id is empty.';
  if (id.length > CALL_ID_CHARS) {
    return `Its call_control_id has ${id.length} characters; at most ${CALL_ID_CHARS} are accepted.`;
  }
  return 'Its call_control_id contains spaces or control characters.';
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
