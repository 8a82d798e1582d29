/** ISO 8601 with up to nanoseconds; a zone that is missing is taken for UTC, the only one ever seen. */
const ISO_8601 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?$/i;

/**
 * Milliseconds since the epoch, with a fraction: Telnyx gives microseconds, and two events of one call
 * may lie within a millisecond. `Date.parse` alone would cut them off. Null where unreadable.
 */
export function parseOccurredAt(value: unknown): number | null {
  const parts = typeof value === 'string' ? ISO_8601.exec(value) : null;
  if (parts === null) return null;
  const [, seconds = '', fraction = '0', zone = 'Z'] = parts;
  const ms = Date.parse(`${seconds}${zone}`.toUpperCase());
  return Number.isNaN(ms) ? null : ms + Number(`0.${fraction}`) * 1000;
}
