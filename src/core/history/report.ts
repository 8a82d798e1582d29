/**
 * A report: hourly sums added up by hour, day, number, rule, target or outcome, compared with an
 * earlier span.
 */
import { iso } from '../iso-time.ts';
import { CALLER_OUTCOMES, type CallerOutcome } from '../machine/caller-outcome.ts';
import { addDecimals } from '../machine/decimal.ts';
import { DAY_MS, momentsOfWall, offsetMs } from '../rules/schedules/zone.ts';
import { addLatencies, type Latencies, quantile } from './latencies.ts';
import { rateOf } from './rate.ts';
import { type ReportAsked, type ReportBy, type Span, spanBefore, wallAt } from './report-asked.ts';
import { HOUR_MS, type Name, type Sum } from './sums.ts';

export interface Report {
  add(sum: Sum, when: 'now' | 'before'): void;
  json(): ReturnType<typeof reportJson>;
}

export function createReport(asked: ReportAsked): Report {
  const before = spanBefore(asked);
  const groups = new Map<string, Group>();
  const total: Group = { place: placeOf('', 'all'), now: nothing(), before: nothing() };
  const at = (place: Place): Group => {
    const group = groups.get(place.id) ?? { place, now: nothing(), before: nothing() };
    groups.set(place.id, group);
    return group;
  };
  for (const place of emptyPlaces(asked)) at(place);
  return {
    add(sum, when) {
      for (const place of placesIn(asked, when === 'now' ? asked : (before ?? asked), sum)) {
        addSum(at(place)[when], sum);
      }
      addSum(total[when], sum);
    },
    json: () => reportJson(asked, before, total, [...groups.values()]),
  };
}

/** A line of the report. */
interface Place {
  id: string;
  key: Name;
  /** For people: what stands in place of a null key. */
  label: string;
}

interface Group {
  place: Place;
  now: Numbers;
  before: Numbers;
}

interface Numbers {
  calls: number;
  outcomes: Record<CallerOutcome, number>;
  attempts: number;
  verdicts: Record<string, number>;
  moves: number;
  costs: Map<string, string>;
  took: Latencies;
}

function nothing(): Numbers {
  return {
    calls: 0,
    outcomes: Object.fromEntries(
      CALLER_OUTCOMES.map((outcome) => [outcome, 0]),
    ) as Numbers['outcomes'],
    attempts: 0,
    verdicts: {},
    moves: 0,
    costs: new Map(),
    took: {},
  };
}

function addSum(numbers: Numbers, sum: Sum): void {
  numbers.calls += sum.calls;
  if (sum.calls !== 0) numbers.outcomes[sum.outcome as CallerOutcome] += sum.calls;
  numbers.attempts += sum.attempts;
  numbers.moves += sum.moves;
  if (sum.verdict !== null) {
    numbers.verdicts[sum.verdict] = (numbers.verdicts[sum.verdict] ?? 0) + sum.attempts;
  }
  if (sum.currency !== null) {
    const known = numbers.costs.get(sum.currency) ?? '0';
    numbers.costs.set(sum.currency, addDecimals(known, sum.amount));
  }
  addLatencies(numbers.took, sum.took);
}

/** Several where rows of several tables decided: each has the caller. */
function placesIn(asked: ReportAsked, span: Span, sum: Sum): Place[] {
  if (asked.by !== 'row') return [placeIn(asked.by, asked, span, sum)];
  if (sum.rows.length === 0) return [{ id: '-', key: null, label: 'no table decided' }];
  return sum.rows.map(({ table, key }) => placeOf(key === null ? table : `${table}:${key}`, ''));
}

function placeIn(by: Exclude<ReportBy, 'row'>, asked: ReportAsked, span: Span, sum: Sum): Place {
  switch (by) {
    case 'hour':
      return hourPlace(hourBeside(asked, span, sum.hour));
    case 'day':
      // Hour by hour, because a span that begins at another time of day may touch one day more.
      return dayPlace(dayOf(hourBeside(asked, span, sum.hour), asked.zone));
    case 'number':
      return placeOf(sum.number, 'no number');
    case 'rule':
      return placeOf(sum.rule, 'otherwise, or none');
    case 'target':
      return sum.target === undefined
        ? { id: '-', key: null, label: 'nobody was moved' }
        : placeOf(sum.target, 'literal destination');
    case 'outcome':
      return placeOf(sum.outcome, sum.outcome);
    default:
      return by satisfies never;
  }
}

/**
 * The hour of the report that shows the same local time. Clocks may be changed in one of the two
 * spans: an hour that occurs twice is counted in one line, and one that is skipped in the next.
 */
function hourBeside({ zone, from, to }: ReportAsked, span: Span, hour: number): number {
  if (span.from === from) return hour;
  const wanted = wallAt(zone, from) + hour + offsetMs(zone, hour) - wallAt(zone, span.from);
  const [moment = wanted - offsetMs(zone, wanted - DAY_MS)] = momentsOfWall(zone, wanted);
  const beside = Math.floor(moment / HOUR_MS) * HOUR_MS;
  return Math.min(Math.max(beside, from), to - HOUR_MS);
}

function placeOf(key: Name, ofNull: string): Place {
  return { id: key === null ? '' : `=${key}`, key, label: key ?? ofNull };
}

/** Hours, days and outcomes without calls are shown too. */
function emptyPlaces({ by, zone, from, to }: ReportAsked): Place[] {
  if (by === 'outcome') return CALLER_OUTCOMES.map((outcome) => placeOf(outcome, outcome));
  if (by === 'hour') {
    return Array.from({ length: (to - from) / HOUR_MS }, (_, n) => hourPlace(from + n * HOUR_MS));
  }
  if (by !== 'day') return [];
  const first = dayOf(from, zone);
  const last = dayOf(to - HOUR_MS, zone);
  return Array.from({ length: last - first + 1 }, (_, n) => dayPlace(first + n));
}

function hourPlace(ms: number): Place {
  return placeOf(new Date(ms).toISOString(), '');
}

/** The number of a local day since 1970. */
function dayOf(ms: number, zone: string): number {
  return Math.floor((ms + offsetMs(zone, ms)) / DAY_MS);
}

function dayPlace(day: number): Place {
  return placeOf(new Date(day * DAY_MS).toISOString().slice(0, 10), '');
}

function reportJson(asked: ReportAsked, before: Span | null, total: Group, groups: Group[]) {
  const { from, to, zone, by, compare } = asked;
  const isOfTime = by === 'hour' || by === 'day';
  const lines = by === 'outcome' ? groups : groups.toSorted(isOfTime ? byKey : mostCalls);
  const earlier = (numbers: Numbers) => (before === null ? null : numbersJson(numbers));
  return {
    from: iso(from),
    to: iso(to),
    zone,
    by,
    compare,
    compared_with: before === null ? null : { from: iso(before.from), to: iso(before.to) },
    total: { ...numbersJson(total.now), before: earlier(total.before) },
    rows: lines.map(({ place, now, before: own }) => ({
      key: place.key,
      label: place.label,
      ...numbersJson(now),
      before: earlier(own),
    })),
  };
}

/** The number that a row of a report is of; null where it is of none. */
export function numberOfRow(by: ReportBy, key: Name): string | null {
  if (key === null || (by !== 'number' && by !== 'row')) return null;
  if (by === 'number') return key;
  const at = key.indexOf(':');
  return at < 0 ? null : key.slice(at + 1);
}

function byKey(a: Group, b: Group): number {
  return (a.place.key ?? '') < (b.place.key ?? '') ? -1 : 1;
}

function mostCalls(a: Group, b: Group): number {
  const size = ({ calls, attempts }: Numbers) => calls || attempts;
  return size(b.now) - size(a.now) || size(b.before) - size(a.before) || byKey(a, b);
}

function numbersJson({ calls, outcomes, attempts, verdicts, moves, costs, took }: Numbers) {
  const { reached, not_reached: notReached, unsure } = outcomes;
  const judged = reached + notReached + unsure;
  return {
    calls,
    outcomes: { ...outcomes },
    reached_rate: rateOf(reached, judged),
    attempts,
    // Of those that tried nobody, such as a target that was skipped, there are none.
    verdicts: Object.fromEntries(byName(Object.entries(verdicts)).filter(([, count]) => count > 0)),
    moves,
    costs: byName([...costs]).map(([currency, amount]) => ({ currency, amount })),
    median_verdict_ms: quantile(took, 0.5),
    p95_verdict_ms: quantile(took, 0.95),
  };
}

/** Stores return sums in any order. */
function byName<T>(entries: [string, T][]): [string, T][] {
  return entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
}
