/** ISO 8601 with up to nanoseconds. Without a zone it is taken as UTC, the only one Telnyx uses. */
const ISO_8601 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?$/i;

/**
 * Milliseconds since the epoch with a fraction, because Telnyx sends microseconds and two events of
 * a call may be within one millisecond. `Date.parse` alone would drop them. Null if unreadable.
 */
export function parseOccurredAt(value: unknown): number | null {
  const parts = typeof value === 'string' ? ISO_8601.exec(value) : null;
  if (parts === null) return null;
  const [, seconds = '', fraction = '0', zone = 'Z'] = parts;
  const ms = Date.parse(`${seconds}${zone}`.toUpperCase());
  return Number.isNaN(ms) ? null : ms + Number(`0.${fraction}`) * 1000;
}
