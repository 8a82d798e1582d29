/** Times for the terminal: in its own zone with the offset, or in UTC with `--utc`. */

/** Minutes to add to UTC at that time. */
export function offsetAt(ms: number, utc: boolean): number {
  return utc ? 0 : -new Date(ms).getTimezoneOffset();
}

/** `UTC`, `UTC+05:30`. */
export function zoneText(offset: number): string {
  return offset === 0 ? 'UTC' : `UTC${offsetText(offset)}`;
}

/** `+05:30`; `Z` for UTC. */
function offsetText(offset: number): string {
  if (offset === 0) return 'Z';
  const minutes = Math.abs(offset);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** `2026-03-02T16:00:00.123`, the local time at this offset. */
export function wallText(ms: number, offset: number): string {
  return new Date(ms + offset * 60_000).toISOString().slice(0, -1);
}

/** `2026-03-02T16:00:00+01:00`. */
export function momentText(ms: number, utc: boolean): string {
  return momentAt(ms, offsetAt(ms, utc));
}

/** The same at this offset from UTC, in minutes. */
export function momentAt(ms: number, offset: number): string {
  return `${wallText(ms, offset).slice(0, 19)}${offsetText(offset)}`;
}
