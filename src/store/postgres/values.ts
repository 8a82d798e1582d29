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

/**
 * An array in PostgreSQL's notation, of items that need no quotes: numbers, hex, our own words,
 * null.
 */
export function arrayOf(items: readonly (string | number | null)[]): string {
  return `{${items.map(String).join()}}`;
}
