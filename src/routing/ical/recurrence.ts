/**
 * RRULE (RFC 5545, section 3.3.10) in local time; zones are applied before and after. Unlike
 * ical.js, rrule-temporal jumps to the requested time and stops after a number of steps, so no rule
 * needs a limit in seconds, however old or impossible it is.
 */
import { RRuleTemporal } from 'rrule-temporal';
import { DAY_MS, MINUTE_MS } from '../../core/rules/schedules/zone.ts';
import { LIMITS } from '../limits.ts';
import { parseTime } from './time.ts';

/** Both ends are included. */
export interface Span {
  fromMs: number;
  toMs: number;
}

export interface WrittenRule {
  /** All parts except COUNT and UNTIL. */
  parts: string;
  /** Null if there is no COUNT, or if it was ignored. */
  count: number | null;
  /** A COUNT below 1, which is ignored; Confluence writes one beside an UNTIL. */
  countIgnored: string | null;
  until: NonNullable<ReturnType<typeof parseTime>> | null;
}

export type Rule = WrittenRule & {
  /** In the local time of the series; included. */
  untilMs: number | null;
};

const FREQUENCIES = ['YEARLY', 'MONTHLY', 'WEEKLY', 'DAILY', 'HOURLY', 'MINUTELY', 'SECONDLY'];
const WEEKDAY = '(?:MO|TU|WE|TH|FR|SA|SU)';

/**
 * Parts that are lists of integers, and their bounds. `signed` ones may also be negative (counted
 * from the end), but not 0.
 */
const NUMBERS: Record<string, { from: number; to: number; signed: boolean }> = {
  BYMONTH: { from: 1, to: 12, signed: false },
  BYMONTHDAY: { from: 1, to: 31, signed: true },
  BYYEARDAY: { from: 1, to: 366, signed: true },
  BYWEEKNO: { from: 1, to: 53, signed: true },
  BYSETPOS: { from: 1, to: 366, signed: true },
  BYHOUR: { from: 0, to: 23, signed: false },
  BYMINUTE: { from: 0, to: 59, signed: false },
  BYSECOND: { from: 0, to: 60, signed: false },
  INTERVAL: { from: 1, to: LIMITS.icalInterval, signed: false },
};

/** Null if nothing recurs: `RRULE:` without a value. Throws if the text is not a rule. */
export function readRule(text: string): WrittenRule | null {
  const parts = new Map<string, string>();
  for (const part of text.toUpperCase().split(';')) {
    const [name = '', value = ''] = part.split('=').map((half) => half.trim());
    if (name === '' && value === '') continue;
    if (parts.has(name)) throw new Error(`its RRULE names ${name} twice`);
    parts.set(name, value);
  }
  if (parts.size === 0) return null;
  const frequency = parts.get('FREQ') ?? '';
  if (!FREQUENCIES.includes(frequency)) throw new Error(`invalid frequency "${frequency}"`);
  const count = parts.get('COUNT');
  const until = parts.get('UNTIL');
  parts.delete('COUNT');
  parts.delete('UNTIL');
  for (const [name, value] of parts) refuseBadPart(name, value, frequency);
  const end = until === undefined || until === '' ? null : parseTime(until);
  if (until && end === null) throw new Error(`its RRULE has UNTIL=${until}, which is not a date`);
  return {
    parts: [...parts].map(([name, value]) => `${name}=${value}`).join(';'),
    ...readCount(count, end !== null),
    until: end,
  };
}

function readCount(text: string | undefined, ends: boolean) {
  if (text === undefined) return { count: null, countIgnored: null };
  const count = /^[+-]?\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (count >= 1) return { count, countIgnored: null };
  // A wrong COUNT is harmless if UNTIL gives the end.
  if (ends && !Number.isNaN(count)) return { count: null, countIgnored: text };
  throw new Error(`its RRULE has COUNT=${text}, which must be 1 or more`);
}

function refuseBadPart(name: string, value: string, frequency: string): void {
  const bounds = Object.hasOwn(NUMBERS, name) ? NUMBERS[name] : undefined;
  if (bounds !== undefined) {
    const wrong = value.split(',').find((text) => !isWithin(text, bounds));
    if (wrong === undefined) return;
    const sign = bounds.signed ? ` or -${bounds.to} to -${bounds.from}` : '';
    throw new Error(
      `its RRULE has ${name}=${wrong.slice(0, 40)}, not ${bounds.from} to ${bounds.to}${sign}`,
    );
  }
  if (name === 'BYDAY') {
    const numbered = frequency === 'MONTHLY' || frequency === 'YEARLY';
    const day = new RegExp(`^(?:[+-]?0?[1-9]\\d?)?${WEEKDAY}$`);
    const plain = new RegExp(`^${WEEKDAY}$`);
    const wrong = value.split(',').find((text) => !(numbered ? day : plain).test(text));
    if (wrong === undefined) return;
    const why = day.test(wrong) ? `: FREQ=${frequency} does not allow numbered weekdays` : '';
    throw new Error(`its RRULE has BYDAY=${wrong.slice(0, 40)}${why}`);
  }
  const fine =
    name === 'FREQ' ||
    (name === 'WKST' && new RegExp(`^${WEEKDAY}$`).test(value)) ||
    (name === 'RSCALE' && value === 'GREGORIAN') ||
    (name === 'SKIP' && /^(OMIT|BACKWARD|FORWARD)$/.test(value));
  if (!fine)
    throw new Error(`its RRULE has ${name}=${value}, which is not understood`.slice(0, 200));
}

function isWithin(text: string, { from, to, signed }: (typeof NUMBERS)[string]): boolean {
  if (!(signed ? /^[+-]?\d{1,6}$/ : /^\d{1,6}$/).test(text)) return false;
  const number = Math.abs(Number(text));
  return number >= from && number <= to;
}

/**
 * Local times within the span. DTSTART always counts as the first, whether it matches the rule or
 * not. Yields regularly, see slices.ts.
 */
export function* expandRule(rule: Rule, startMs: number, span: Span): Generator<void, number[]> {
  if (rule.untilMs !== null && rule.untilMs < Math.max(span.fromMs, startMs)) {
    return startMs >= span.fromMs && startMs <= span.toMs ? [startMs] : [];
  }
  const steps = stepsOf(rule, startMs, span);
  if (steps > LIMITS.icalOccurrences) throw new Error(TOO_OFTEN);
  // With a COUNT each part would be counted from the first instance again.
  const parts = rule.count === null ? Math.ceil(steps / STEPS_A_TURN) : 1;
  try {
    const made = makeRule(rule, startMs, false);
    const regular = within(made, { fromMs: startMs, toMs: startMs }).length > 0;
    const found = yield* inParts(made, span, parts);
    if (found.length === 0 && !regular) refuseNever(rule, made, startMs);
    return regular ? found : yield* inParts(makeRule(rule, startMs, true), span, parts);
  } catch (error) {
    throw error instanceof Error && /^Maximum /.test(error.message) ? new Error(TOO_OFTEN) : error;
  }
}

const TOO_OFTEN = `its RRULE recurs more than ${LIMITS.icalOccurrences} times, or takes as many steps to find its next day`;

const STEP_MS: Record<string, number> = {
  YEARLY: 365 * DAY_MS,
  MONTHLY: 28 * DAY_MS,
  WEEKLY: 7 * DAY_MS,
  DAILY: DAY_MS,
  HOURLY: DAY_MS / 24,
  MINUTELY: MINUTE_MS,
  SECONDLY: 1000,
};

/**
 * An upper bound of the instances that must be visited. With a COUNT they are counted from DTSTART.
 */
function stepsOf(rule: Rule, startMs: number, span: Span): number {
  const parts = new Map(rule.parts.split(';').map((part) => part.split('=') as [string, string]));
  const timesOfDay = ['BYHOUR', 'BYMINUTE', 'BYSECOND']
    .map((name) => parts.get(name)?.split(',').length ?? 1)
    .reduce((product, length) => product * length);
  const stepMs = (STEP_MS[parts.get('FREQ') ?? ''] ?? 1) * Number(parts.get('INTERVAL') ?? 1);
  const fromMs = rule.count === null ? Math.max(startMs, span.fromMs) : startMs;
  const steps = (Math.min(rule.untilMs ?? span.toMs, span.toMs) - fromMs) / stepMs;
  return Math.min(steps, rule.count ?? steps) * timesOfDay;
}

function makeRule(rule: Rule, startMs: number, includeDtstart: boolean): RRuleTemporal {
  const ends = [
    ...(rule.count === null ? [] : [`COUNT=${rule.count}`]),
    ...(rule.untilMs === null ? [] : [`UNTIL=${written(rule.untilMs)}Z`]),
  ];
  return new RRuleTemporal({
    rruleString: `DTSTART;TZID=UTC:${written(startMs)}\nRRULE:${[rule.parts, ...ends].join(';')}`,
    maxIterations: LIMITS.icalOccurrences,
    includeDtstart,
    cache: false,
  });
}

/** Instances visited between two yields; takes a few milliseconds. */
const STEPS_A_TURN = 200;

function* inParts(
  rule: RRuleTemporal,
  { fromMs, toMs }: Span,
  parts: number,
): Generator<void, number[]> {
  // Times are whole seconds, so no instance is at the end of one part and the start of the next.
  const partMs = Math.max(
    1_000,
    Math.ceil((toMs - fromMs + 1) / Math.max(1, parts) / 1_000) * 1_000,
  );
  const found: number[] = [];
  for (let from = fromMs; from <= toMs; from += partMs) {
    yield;
    const part = within(rule, { fromMs: from, toMs: Math.min(toMs, from + partMs - 1) });
    for (const wallMs of part) found.push(wallMs);
  }
  return found;
}

function within(rule: RRuleTemporal, { fromMs, toMs }: Span): number[] {
  if (toMs < fromMs) return [];
  return rule
    .between(new Date(fromMs), new Date(toMs), true)
    .map(({ epochMilliseconds }) => epochMilliseconds);
}

const CENTURY_MS = 36_525 * DAY_MS;

/** Refuses a rule such as 30 February, which never recurs and is certainly a mistake. */
function refuseNever(rule: Rule, made: RRuleTemporal, startMs: number): void {
  if (rule.untilMs !== null) return;
  if (within(made, { fromMs: startMs, toMs: startMs + CENTURY_MS }).length > 0) return;
  throw new Error('its RRULE names a day that never comes');
}

/** "20260218T093000" */
function written(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 19).replace(/[-:]/g, '');
}
