/**
 * Reading JSON that others wrote: each reader takes anything and gives its type or null. Text comes
 * out so that every store takes it: PostgreSQL refuses U+0000 and lone surrogates.
 */
export type Fields = Readonly<Record<string, unknown>>;

/** Own properties only: `constructor` and `toString` are no fields of a payload. */
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

/** What nearly all text of nearly all webhooks is made of: nothing in it needs a second look. */
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** Text for people and for matching: control characters stay, but for U+0000; too long is null. */
export function asText(value: unknown, charsMax: number): string | null {
  const text = textOf(value);
  if (text === null || text.length > charsMax) return null;
  if (VISIBLE_ASCII.test(text)) return text;
  return text.toWellFormed().replaceAll('\u0000', '\ufffd');
}

/** Text that names something and becomes a key or part of a URL: visible, well-formed, not empty. */
export function asName(value: unknown, charsMax: number): string | null {
  if (typeof value !== 'string' || value === '' || value.length > charsMax) return null;
  if (VISIBLE_ASCII.test(value)) return value;
  return value.isWellFormed() && !/[\p{Cc}\s]/u.test(value) ? value : null;
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

/** A whole number is read as its digits, unless JSON.parse has rounded it. */
function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value;
  return Number.isSafeInteger(value) ? String(value) : null;
}
