/**
 * Readers for untrusted JSON: each accepts anything and returns its type or null. Text is returned
 * in a form that every store accepts, because PostgreSQL refuses U+0000 and lone surrogates.
 */
export type Fields = Readonly<Record<string, unknown>>;

/** Own properties only: `constructor` and `toString` are not fields of a payload. */
export function field(object: Fields, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

export function asObject(value: unknown): Fields | null {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as Fields) : null;
}

export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Characters of almost all text in webhooks; such text needs no further checks. */
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** Text for people and for matching: keeps control characters except U+0000; null if too long. */
export function asText(value: unknown, charsMax: number): string | null {
  const text = textOf(value);
  if (text === null || text.length > charsMax) return null;
  if (VISIBLE_ASCII.test(text)) return text;
  return text.toWellFormed().replaceAll('\u0000', '\ufffd');
}

/** Text that is used as a key or in a URL: visible characters, well-formed, not empty. */
export function asName(value: unknown, charsMax: number): string | null {
  if (typeof value !== 'string' || value === '' || value.length > charsMax) return null;
  if (VISIBLE_ASCII.test(value)) return value;
  return value.isWellFormed() && !/[\p{Cc}\s]/u.test(value) ? value : null;
}

export function filled(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** A whole number, or the digits of one, within its range. */
export function asInteger(value: unknown, least: number, most: number): number | null {
  const number = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number)) return null;
  return number >= least && number <= most ? number : null;
}

export function asFlag(value: unknown): boolean {
  return value === true || value === 'true';
}

/** A whole number is returned as its digits, unless JSON.parse has rounded it. */
function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value;
  return Number.isSafeInteger(value) ? String(value) : null;
}
