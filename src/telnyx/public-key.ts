/**
 * Telnyx's public key as the portal shows it: base64 of the raw 32 bytes of an Ed25519 point.
 * `parsePublicKey` refuses everything that cannot be a real key: text that decodes to something
 * else, bytes that are not on the curve, and points of small order, for which anybody can make
 * valid signatures (RFC 8032 section 8.9; Chalkias, Garillot, Nikolaenko: "Taming the many
 * EdDSAs"). The curve is @noble/ed25519's: one file without dependencies, maintained (3.2: August
 * 2026).
 */
import { Point } from '@noble/ed25519';

const PUBLIC_KEY_BYTES = 32;

type ParsedPublicKey = { key: Buffer } | { problem: string };

/** The problems never contain the text, which may be a secret pasted by mistake. */
export function parsePublicKey(text: string): ParsedPublicKey {
  if (/^KEY[0-9A-Za-z]/.test(text)) {
    return { problem: 'looks like an API key; the public key is another value of the portal' };
  }
  const key = Buffer.from(text, 'base64');
  if (key.toString('base64') !== text) {
    return {
      problem: `expected canonical base64 (44 characters), got ${text.length} characters that are not`,
    };
  }
  if (key.length !== PUBLIC_KEY_BYTES) {
    return { problem: `expected base64 of ${PUBLIC_KEY_BYTES} bytes, got one of ${key.length}` };
  }
  const point = pointOf(key);
  if (point === null) return { problem: 'these 32 bytes are not an Ed25519 public key' };
  if (point.isSmallOrder()) {
    return { problem: 'a point of small order: anybody could sign for it' };
  }
  if (!key.equals(point.toBytes())) {
    return { problem: 'not a canonical point: its coordinate is too large' };
  }
  return { key };
}

/** Accepts encodings that are not canonical (ZIP 215), so that each gets its own message. */
function pointOf(key: Buffer): Point | null {
  try {
    return Point.fromBytes(key, true);
  } catch {
    return null;
  }
}
