/** Values in the form that PostgreSQL takes them. */
import { hash } from 'node:crypto';

/** Stands for a long id: 16 bytes of SHA-256, in the text form of a uuid. */
export function keyText(id: string): string {
  return hash('sha256', id, 'hex').slice(0, 32);
}

/** The same as hexadecimal, from a uuid that the server wrote. */
export function plainKey(uuid: string): string {
  return uuid.replaceAll('-', '');
}

/** PostgreSQL's text can hold neither NUL nor half a surrogate pair, and callers send both. */
export function clean(text: string): string {
  return text.includes('\0') || !text.isWellFormed()
    ? text.replaceAll('\0', '\ufffd').toWellFormed()
    : text;
}

export function cleanOrNull(text: string | null): string | null {
  return text === null ? null : clean(text);
}

/**
 * An array in PostgreSQL's notation, of items that need no quotes: numbers, hex, our own words,
 * null.
 */
export function arrayOf(items: readonly (string | number | null)[]): string {
  return `{${items.map(String).join()}}`;
}
