/**
 * The envelope we put into Telnyx's client_state: one line of base64, at most 1 KB. It names the
 * attempt or step whose command was the last on the leg, and keeps the client_state that was there
 * before.
 */

export interface Envelope {
  /** The id of the attempt or step that wrote it. */
  readonly id: string;
  /** The client_state that another application had set before ours. */
  readonly foreignState: string | null;
}

/** A client_state as it arrived, with its envelope decoded once, at the boundary. */
export interface ClientState {
  clientState: string | null;
  /** Null if the state is not ours: absent, from another application, or broken. */
  envelope: Envelope | null;
}

/** Telnyx documents no limit for client_state; 1 KB is our choice. */
const CLIENT_STATE_BYTES_MAX = 1024;

export function encodeClientState(id: string, foreignState: string | null): string {
  const whole = base64(foreignState === null ? { v: 1, a: id } : { v: 1, a: id, u: foreignState });
  return whole.length <= CLIENT_STATE_BYTES_MAX ? whole : base64({ v: 1, a: id });
}

export function readClientState(text: string | null): ClientState {
  return { clientState: text, envelope: decodeEnvelope(text) };
}

export function decodeEnvelope(text: string | null): Envelope | null {
  // Base64 of `{"v":1,` begins like this. The cheap test keeps foreign states out of the parser.
  if (text === null || !text.startsWith('eyJ2Ijox') || text.length > CLIENT_STATE_BYTES_MAX) {
    return null;
  }
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64').toString('utf8'));
    if (typeof value !== 'object' || value === null) return null;
    const { v, a, u } = value as Record<string, unknown>;
    if (v !== 1 || typeof a !== 'string') return null;
    return { id: a, foreignState: typeof u === 'string' ? u : null };
  } catch {
    return null;
  }
}

function base64(value: object): string {
  return Buffer.from(JSON.stringify(value), 'utf8').toString('base64');
}
