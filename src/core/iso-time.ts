/** Moments as people write them: ISO 8601. `Date.parse` alone also takes "1", "March 7" and 30 February. */

/** With a zone, or null. */
export function readMoment(text: string): number | null {
  const parts = ISO_MOMENT.exec(text);
  const ms = parts === null ? Number.NaN : Date.parse(text);
  return Number.isNaN(ms) || !isDate(parts?.[1] ?? '') ? null : ms;
}

/** A date alone, or a time without a zone, is UTC: what a command line says must not depend on where it runs. */
export function readMomentUtc(text: string): number | null {
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00` : text;
  return readMoment(time) ?? readMoment(`${time}Z`);
}

/** In the calendar: yyyy-mm-dd. */
export function isDate(text: string): boolean {
  const parsed = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(text);
}

const ISO_MOMENT = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/i;
