/**
 * Text as every store keeps it. PostgreSQL can hold neither NUL nor half a surrogate pair, and
 * callers, operators and their servers send both. A sum must be found again by its name, too.
 */
export function clean(text: string): string {
  return text.includes('\0') || !text.isWellFormed()
    ? text.replaceAll('\0', '\ufffd').toWellFormed()
    : text;
}

export function cleanOrNull(text: string | null): string | null {
  return text === null ? null : clean(text);
}
