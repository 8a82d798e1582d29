/** Parses times for --since and similar options. */
import { InvalidArgumentError } from 'commander';
import { notAMoment, readMoment } from '../../core/iso-time.ts';
import { plain } from '../terminal/terminal.ts';

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Accepts ISO 8601 with a zone, or a duration before now; throws InvalidArgumentError. */
export function sinceOf(text: string): number {
  const ago = /^(\d{1,6})([smhd])$/.exec(text);
  // Before 1970 there were no calls; before the year 0 a time could not even be written.
  if (ago !== null) return Math.max(0, Date.now() - Number(ago[1]) * (UNITS[ago[2] ?? ''] ?? 0));
  const ms = readMoment(text);
  if (ms === null) {
    const { problem, hint } = notAMoment(text);
    throw new InvalidArgumentError(
      `${plain(problem)}; ${plain(hint)}. Or give how long ago: 15m, 2h, 1d.`,
    );
  }
  return ms;
}

/** The same, and not in the future. */
export function pastOf(text: string): number {
  const since = sinceOf(text);
  if (since > Date.now()) throw new InvalidArgumentError('It is in the future.');
  return since;
}
