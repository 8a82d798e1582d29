/**
 * Local time of IANA zones. Temporal (temporal-polyfill, which uses the zones of the runtime's
 * Intl) is asked once per interval between two clock changes; a decision then costs an addition
 * instead of 20 µs of Intl.
 */
import { Temporal } from 'temporal-polyfill';

/** An interval with one offset: `[fromMs, toMs)`. */
interface Stretch {
  fromMs: number;
  toMs: number;
  offsetMs: number;
}

export const MINUTE_MS = 60_000;
export const DAY_MS = 86_400_000;

/** Zones and intervals kept: far more than schedules need, but bounded. */
const ZONES_MAX = 1_000;
const STRETCHES_MAX = 500;

const stretchesOfZone = new Map<string, Stretch[]>();

/** Milliseconds to add to a time to get local time as if it were UTC. */
export function offsetMs(zone: string, atMs: number): number {
  return stretchAt(zone, atMs).offsetMs;
}

/** The first clock change of this zone after `atMs`; Infinity if there is none. */
export function nextClockChange(zone: string, atMs: number): number {
  return stretchAt(zone, atMs).toMs;
}

/** Every time at which local clocks show `wallMs`: none in a gap, two in an overlap. */
export function momentsOfWall(zone: string, wallMs: number): number[] {
  const before = offsetMs(zone, wallMs - DAY_MS);
  const after = offsetMs(zone, wallMs + DAY_MS);
  const moments = [wallMs - before, wallMs - after].filter(
    (moment, index, all) =>
      all.indexOf(moment) === index && moment + offsetMs(zone, moment) === wallMs,
  );
  return moments.sort((a, b) => a - b);
}

/** When local clocks first show `wallMs`, or right after the gap if they skip it. */
export function reachedAt(zone: string, wallMs: number): number {
  const [first] = momentsOfWall(zone, wallMs);
  return first ?? nextClockChange(zone, wallMs - DAY_MS - offsetMs(zone, wallMs - DAY_MS));
}

/**
 * IANA names, including links such as US/Eastern. Temporal decides, because it computes the times
 * here. Intl also accepts PST or IST, which mean several zones; Temporal refuses them. An offset is
 * not a zone.
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
  // The newest first, because decisions are about now.
  known.unshift(asked);
  return asked;
}

function askTemporal(zone: string, atMs: number): Stretch {
  const local = Temporal.Instant.fromEpochMilliseconds(Math.floor(atMs)).toZonedDateTimeISO(zone);
  const next = local.getTimeZoneTransition('next');
  // "previous" is exclusive, so add a nanosecond to include a change at exactly this time.
  const previous = local.add({ nanoseconds: 1 }).getTimeZoneTransition('previous');
  return {
    fromMs: previous ? previous.epochMilliseconds : Number.NEGATIVE_INFINITY,
    toMs: next ? next.epochMilliseconds : Number.POSITIVE_INFINITY,
    offsetMs: local.offsetNanoseconds / 1_000_000,
  };
}
