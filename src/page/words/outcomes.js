/** How many callers met each outcome. */
import { OUTCOMES } from './states.js';

/**
 * The numbers of the statistics in the form that the reports have.
 *
 * @param {{ outcome: string, count: number }[]} byOutcome
 * @returns {Record<string, number>}
 */
export function outcomesOf(byOutcome) {
  const counts = new Map(byOutcome.map(({ outcome, count }) => [outcome, count]));
  return Object.fromEntries(OUTCOMES.map((outcome) => [outcome, counts.get(outcome) ?? 0]));
}

/** Lost callers: those who hung up first, and those whose call ended without reaching anybody. */
export function lostOf({ outcomes }) {
  return outcomes.not_reached + outcomes.gave_up;
}
