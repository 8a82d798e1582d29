/**
 * Removes secrets and masks phone numbers. `+14***00~mkbdfghcpn` has the first and last digits and
 * a keyed tag, which is always the same for the same number, so that a call can be found without
 * the number. The key is derived from TELNYX_API_KEY, so nobody else can find a number by trying
 * all of them.
 */
import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';

export interface Masker {
  /** Text that is a number or a SIP URI: masks every longer run of digits. */
  address(text: string): string;
  /** Free text, such as an error from Telnyx: masks what looks like a number, but not ids. */
  text(text: string): string;
}

/** Shorter ones are extensions, SIP codes, ports. E.164 ends at 15; ids of Telnyx have 19. */
const DIGITS_MIN = 7;
const DIGITS_MAX = 15;
const TAG_CHARS = 10;
/** Letters only, so that a masked number is never taken for a number again. */
const TAG_ALPHABET = 'bcdfghjkmnpqrstv';
/** A cache: a new number costs about 3 µs (the HMAC). */
const CACHE_ENTRIES_MAX = 10_000;

export function createMasker(apiKey: string): Masker {
  const bytes = Buffer.from(hkdfSync('sha256', apiKey, '', 'referee: phone numbers', 32));
  // Made once: with plain bytes Node would prepare the key again for each number, which costs more
  // than the HMAC.
  const key = createSecretKey(bytes);
  const cache = new Map<string, string>();

  function mask(digits: string): string {
    const known = cache.get(digits);
    if (known !== undefined) return known;
    const shown = digits.length > 8 ? 2 : 1;
    const masked = `${digits.slice(0, shown)}***${digits.slice(-shown)}~${tagOf(key, digits)}`;
    if (cache.size >= CACHE_ENTRIES_MAX) cache.clear();
    cache.set(digits, masked);
    return masked;
  }

  return {
    address(text) {
      if (WRITTEN_WITH_GAPS.test(text)) {
        const digits = text.replace(/\D/g, '');
        if (digits.length >= DIGITS_MIN) return (text.startsWith('+') ? '+' : '') + mask(digits);
      }
      return text.replace(DIGIT_RUN, mask);
    },
    text(text) {
      if (!MAY_HOLD_NUMBER.test(text)) return text;
      return text
        .replace(SIP_USER, (_, scheme: string, user: string) => {
          return `${scheme}${user.replace(DIGIT_RUN, mask)}@`;
        })
        .replace(TOKEN, (token, offset: number) => maskToken(token, text.slice(0, offset), mask));
    },
  };
}

const MAY_HOLD_NUMBER = /\d{7}|\+\d/;
const DIGIT_RUN = new RegExp(`\\d{${DIGITS_MIN},}`, 'g');
const WRITTEN_WITH_GAPS = /^\s*\+?[\d\s().-]+$/;
const SIP_USER = /(sips?:)([^@\s<>"]{1,256})@/gi;
/**
 * In this order: a uuid, a call_control_id, a number with its plus, one with gaps, a word with
 * digits. At most 64 characters before the digits are looked at, because the time to find the
 * beginning of a word grows with the square of its length, and only words of up to 40 characters
 * are masked.
 */
const TOKEN =
  /[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}|\bv\d:[\w-]{16,}|(?:\+|%2B)\d{7,15}(?!\d)|\+\d{1,3}(?:[ .-]?\(?\d{1,4}\)?){2,5}|\w{0,64}\d{7,}\w*/gi;

function maskToken(token: string, before: string, mask: (digits: string) => string): string {
  const plus = /^(\+|%2B)/i.exec(token)?.[0];
  if (plus !== undefined) {
    const digits = token.slice(plus.length).replace(/\D/g, '');
    return digits.length >= DIGITS_MIN ? plus + mask(digits) : token;
  }
  if (token.includes('-') || token.includes(':')) return token;
  if (/^\d+$/.test(token)) {
    const isFraction = /\d\.$/.test(before);
    return token.length > DIGITS_MAX || isFraction ? token : mask(token);
  }
  // Letters and digits: hashes and long ids are kept, `tel14155550100` is masked.
  if (/^[\da-f]+$/i.test(token) || token.length > 40) return token;
  return token.replace(/(?<!\d)\d{10,15}(?!\d)/g, mask);
}

function tagOf(key: KeyObject, digits: string): string {
  const hash = createHmac('sha256', key).update(digits).digest();
  let tag = '';
  for (let i = 0; i < TAG_CHARS; i += 1) {
    const byte = hash.readUInt8(i >> 1);
    tag += TAG_ALPHABET.charAt(i % 2 === 0 ? byte >> 4 : byte & 15);
  }
  return tag;
}

export const REDACTED = '[redacted]';
/** A shorter secret could be part of ordinary words. */
const SECRET_CHARS_MIN = 6;

/** Returns a function that removes the secrets from a text. */
export function createRedactor(secrets: readonly string[]): (text: string) => string {
  // The longest first, because one secret may begin with another.
  const known = secrets
    .filter((secret) => secret.length >= SECRET_CHARS_MIN)
    .sort((a, b) => b.length - a.length);
  return (text) => {
    let clean = text;
    for (const secret of known) {
      if (clean.includes(secret)) clean = clean.replaceAll(secret, REDACTED);
    }
    return clean;
  };
}
