/** When days begin, in the browser's zone. */
import { now } from '../server/server-time.js';

/** The beginning of today, or of the day `days` days ago. */
export function midnight(days = 0) {
  const today = new Date(now());
  // In one step: setting the hours first keeps 01:00 for every day where today has no midnight.
  return new Date(today.getFullYear(), today.getMonth(), today.getDate() - days).toISOString();
}

/**
 * Midnight, but at most 24 hours ago: the statistics reach no further, and on the day when clocks
 * are set back it is longer ago.
 */
export function midnightOfStats() {
  return new Date(Math.max(Date.parse(midnight()), now() - 86_400_000)).toISOString();
}
