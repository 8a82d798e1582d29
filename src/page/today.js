/** Today's callers: a sentence, their outcomes by hour, and the reports behind the tables. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { getJson } from './api.js';
import { hourChart, hourTable, outcomeLegend } from './charts.js';
import { lostOf } from './losses.js';
import { OUTCOMES } from './states.js';
import { count, hour, midnight, ZONE } from './words.js';

const BY = /** @type {const} */ (['hour', 'number', 'target', 'rule']);
const DAY_MS = 86_400_000;

/**
 * Reports are exact, but only contain a call some seconds after its end. The statistics contain it
 * at once, but on a very busy day only cover the latest calls.
 *
 * @typedef {{
 *   readAt: string,
 *   by: Record<typeof BY[number], import('./api.js').Answer>,
 *   stats: import('./api.js').Answer,
 * }} Today
 *
 * @returns {Promise<Today>}
 */
export async function readDay() {
  const from = midnight();
  const span = { from, compare: 'week', zone: ZONE };
  // On the day when clocks are set back, midnight is longer ago than the statistics reach.
  const since = new Date(Math.max(Date.parse(from), Date.now() - DAY_MS)).toISOString();
  const [stats, ...reports] = await Promise.all([
    getJson('/v1/stats', { since }),
    ...BY.map((by) => getJson('/v1/reports', { ...span, by })),
  ]);
  const by = Object.fromEntries(BY.map((name, index) => [name, reports[index]]));
  return { readAt: stats.now, by: /** @type {Today['by']} */ (by), stats };
}

/** @param {Today} today */
export function todayPanel({ by, stats }) {
  const { total, rows, from, to } = by.hour;
  const { outcomes, calls } = callersOf(total, stats, from);
  const missing = calls - total.calls;
  return html`<p class="lead">${todayWords(outcomes, calls, total, to)}</p>
    ${hourChart(rows)}
    ${outcomeLegend(outcomes, { since: from })}
    ${missing <= 0 ? nothing : html`<p class="faint small">${count(missing, 'caller', 'callers')} of these ${missing === 1 ? 'is' : 'are'} not in the hours and tables yet; they follow within seconds.</p>`}
    ${hourTable(rows)}`;
}

/** Uses whichever of the two has more of the day's callers. */
function callersOf(total, stats, from) {
  const counts = new Map(stats.calls.by_outcome.map(({ outcome, count: n }) => [outcome, n]));
  const known = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, counts.get(outcome) ?? 0]));
  const calls = Object.values(known).reduce((sum, n) => sum + n, 0);
  const isWhole = Date.parse(stats.since) <= Date.parse(from);
  return isWhole && calls >= total.calls ? { outcomes: known, calls } : total;
}

/** "380 of today's 412 callers reached somebody, 21 were lost; a week ago, by 14:00, it was …" */
function todayWords(outcomes, calls, { before }, to) {
  if (calls === 0) return 'No caller has ended a call today yet.';
  const lost = lostOf({ outcomes });
  const first = html`<strong>${outcomes.reached} of today’s ${count(calls, 'caller', 'callers')}</strong> reached somebody,
    ${lost} ${lost === 1 ? 'was' : 'were'} lost`;
  if (before === null || before.calls === 0) return html`${first}.`;
  return html`${first}; a week ago, by ${hour(to)}, it was ${before.outcomes.reached} of ${before.calls}, and ${lostOf(before)} lost.`;
}
