/**
 * Local wall time of IANA zones. Temporal (temporal-polyfill: the zones of the runtime's Intl, kept by
 * the author of FullCalendar) is asked once for each stretch of time between two changes of the clocks;
 * a decision then costs an addition instead of some 20 µs of Intl.
 */
import { Temporal } from 'temporal-polyfill';

/** A stretch with one offset: `[fromMs, toMs)`. */
interface Stretch {
  fromMs: number;
  toMs: number;
  offsetMs: number;
}

export const MINUTE_MS = 60_000;
export const DAY_MS = 86_400_000;

/** Zones and stretches kept; far more than an operator's schedules need, so that nothing grows without end. */
const ZONES_MAX = 1_000;
const STRETCHES_MAX = 500;

const stretchesOfZone = new Map<string, Stretch[]>();

/** Milliseconds to add to a moment to get wall time, as if it were UTC. */
export function offsetMs(zone: string, atMs: number): number {
  return stretchAt(zone, atMs).offsetMs;
}

/** The first moment after `atMs` at which this zone's clocks change; Infinity where they never do. */
export function nextClockChange(zone: string, atMs: number): number {
  return stretchAt(zone, atMs).toMs;
}

/** Every moment that clocks on the wall of this zone show `wallMs`: none in a gap, two in an overlap. */
export function momentsOfWall(zone: string, wallMs: number): number[] {
  const before = offsetMs(zone, wallMs - DAY_MS);
  const after = offsetMs(zone, wallMs + DAY_MS);
  const moments = [wallMs - before, wallMs - after].filter(
    (moment, index, all) =>
      all.indexOf(moment) === index && moment + offsetMs(zone, moment) === wallMs,
  );
  return moments.sort((a, b) => a - b);
}

/**
 * IANA names, links such as US/Eastern among them. Temporal decides, because it keeps the time here:
 * Intl also takes PST or IST, which mean several zones and which Temporal refuses. An offset is no zone.
 */
export function isZone(zone: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/.test(zone)) return false;
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone);
    return true;
  } catch {
    return false;
  }
}

function stretchAt(zone: string, atMs: number): Stretch {
  let known = stretchesOfZone.get(zone);
  if (known === undefined) {
    known = [];
    if (stretchesOfZone.size >= ZONES_MAX) stretchesOfZone.clear();
    stretchesOfZone.set(zone, known);
  }
  for (const stretch of known) {
    if (stretch.fromMs <= atMs && atMs < stretch.toMs) return stretch;
  }
  const asked = askTemporal(zone, atMs);
  if (known.length >= STRETCHES_MAX) known.length = 0;
  // The newest first: decisions ask about now.
  known.unshift(asked);
  return asked;
}

function askTemporal(zone: string, atMs: number): Stretch {
  const local = Temporal.Instant.fromEpochMilliseconds(Math.floor(atMs)).toZonedDateTimeISO(zone);
  const next = local.getTimeZoneTransition('next');
  // "previous" looks strictly before: one nanosecond later includes a change at this very moment.
  const previous = local.add({ nanoseconds: 1 }).getTimeZoneTransition('previous');
  return {
    fromMs: previous ? previous.epochMilliseconds : Number.NEGATIVE_INFINITY,
    toMs: next ? next.epochMilliseconds : Number.POSITIVE_INFINITY,
    offsetMs: local.offsetNanoseconds / 1_000_000,
  };
}
