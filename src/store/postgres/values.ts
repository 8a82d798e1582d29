/** Values in the form that PostgreSQL takes them. */

/** A key as `keyText` makes it, from a uuid that the server wrote. */
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
