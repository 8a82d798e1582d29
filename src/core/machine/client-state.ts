/**
 * The envelope we put into Telnyx's client_state: one line of base64, at most 1 KB. It names the
 * attempt or step whose command was the last on the leg, and keeps the client_state that was there
 * before.
 */

export interface Envelope {
  /** Attempt or step id. */
  readonly a: string;
  /** The client_state that was there before ours. */
  readonly u: string | null;
}

/** Telnyx documents no limit for client_state; 1 KB is our choice. */
export const CLIENT_STATE_BYTES_MAX = 1024;

export function encodeClientState(a: string, u: string | null): string {
  const whole = base64(u === null ? { v: 1, a } : { v: 1, a, u });
  return whole.length <= CLIENT_STATE_BYTES_MAX ? whole : base64({ v: 1, a });
}

/** A cache, because the state is read several times per event. */
let last: { text: string | null; envelope: Envelope | null } = { text: null, envelope: null };

/** Null if the state is not ours: absent, from another application, or broken. */
export function decodeClientState(text: string | null): Envelope | null {
  if (text !== last.text) last = { text, envelope: decode(text) };
  return last.envelope;
}

function decode(text: string | null): Envelope | null {
  // Base64 of `{"v":1,` begins like this. The cheap test keeps foreign states out of the parser.
  if (text === null || !text.startsWith('eyJ2Ijox') || text.length > CLIENT_STATE_BYTES_MAX) {
    return null;
  }
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64').toString('utf8'));
    if (typeof value !== 'object' || value === null) return null;
    const { v, a, u } = value as Record<string, unknown>;
    if (v !== 1 || typeof a !== 'string') return null;
    return { a, u: typeof u === 'string' ? u : null };
  } catch {
    return null;
  }
}

function base64(value: object): string {
  return Buffer.from(JSON.stringify(value), 'utf8').toString('base64');
}
