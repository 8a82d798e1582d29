/**
 * The envelope we put into Telnyx's client_state: one line of base64 of at most 1 KB. It names the
 * attempt or step that spoke last on the leg, and carries on what stood there before us.
 */

export interface Envelope {
  /** Attempt or step id. */
  readonly a: string;
  /** client_state that was there before us. */
  readonly u: string | null;
}

/** Telnyx publishes no limit for client_state; 1 KB is what we dare. */
export const CLIENT_STATE_BYTES_MAX = 1024;

export function encodeClientState(a: string, u: string | null): string {
  const whole = base64(u === null ? { v: 1, a } : { v: 1, a, u });
  return whole.length <= CLIENT_STATE_BYTES_MAX ? whole : base64({ v: 1, a });
}

/** While one event is worked on, its state is asked for several times. */
let last: { text: string | null; envelope: Envelope | null } = { text: null, envelope: null };

/** Null for what is not ours: absent, another application's, broken. */
export function decodeClientState(text: string | null): Envelope | null {
  if (text !== last.text) last = { text, envelope: decode(text) };
  return last.envelope;
}

function decode(text: string | null): Envelope | null {
  // Base64 of `{"v":1,` begins so; the cheap test keeps strangers' states out of the parser.
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
