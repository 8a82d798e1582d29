/** Times in ISO 8601. `Date.parse` alone also accepts "1", "March 7" and 30 February. */

/**
 * Reads a time with a zone, otherwise null: the result must not depend on the process's own zone.
 */
export function readMoment(text: string): number | null {
  const parts = ISO_MOMENT.exec(text);
  const ms = parts === null ? Number.NaN : Date.parse(text);
  return !isWritable(ms) || !isDate(parts?.[1] ?? '') ? null : ms;
}

/** Whether it has a year of four digits, also in UTC, where an offset may lead out of them. */
export function isWritable(ms: number): boolean {
  return ms >= FIRST_MS && ms <= LAST_MS;
}

/**
 * Explains why `readMoment` returned null, in the same words for the command line, route files and
 * the API.
 */
export function notAMoment(text: string): { problem: string; hint: string } {
  const problem = `${JSON.stringify(text.slice(0, 100))} is not an ISO 8601 time such as 2026-03-02T15:00:00Z`;
  const ms = ISO_MOMENT.test(text) ? Date.parse(text) : Number.NaN;
  const isOutside = !Number.isNaN(ms) && !isWritable(ms);
  const hint = isOutside ? 'in UTC its year is not one of 0000 to 9999' : hintFor(text.trim());
  return { problem, hint };
}

function hintFor(text: string): string {
  const spelt = text.replace(/^(\d{4}-\d\d-\d\d)[ t]/, '$1T');
  const [, date = '', time = 'T00:00:00', rest = ''] = DATE_AND_TIME.exec(spelt) ?? [];
  const known = `${date}${time}`;
  if (readMoment(`${known}Z`) === null) {
    return date === ''
      ? 'write date, time and zone: 2026-03-02T15:00:00Z, or 2026-03-02T15:00:00-05:00'
      : 'that day or time does not exist';
  }
  if (rest === '') return `its zone is missing: write ${known}Z for UTC, or ${known}-05:00`;
  const [, sign = '', hours = '', minutes = '00'] = OFFSET.exec(rest) ?? [];
  const offset = `${sign === ' ' ? '+' : sign}${hours}:${minutes}`;
  if (readMoment(`${known}${offset}`) === null) return `write ${known}Z for UTC, or ${known}-05:00`;
  // In a query string, an unencoded + arrives as a space.
  const encode = sign === ' ' ? '; in the address of a request + is written %2B' : '';
  return `write ${known}${offset}${encode}`;
}

export function iso(ms: number): string;
export function iso(ms: number | null): string | null;
export function iso(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

/** Whether yyyy-mm-dd exists in the calendar. */
export function isDate(text: string): boolean {
  const parsed = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(text);
}

const FIRST_MS = Date.parse('0000-01-01T00:00:00.000Z');
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');
const ISO_MOMENT = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/i;
const DATE_AND_TIME = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)?(.*)$/i;
const OFFSET = /^([ +-])(\d\d):?(\d\d)?$/;
