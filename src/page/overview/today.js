/**
 * Today's callers: a sentence, their outcomes by hour, and which number, target or rule
 * loses callers.
 */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { unread } from '../forms/fields.js';
import { hourChart, hourTable, outcomeLegend } from '../reports/charts.js';
import { lossTable } from '../reports/losses.js';
import { getJson } from '../server/api.js';
import { newest } from '../server/newest.js';
import { midnight, midnightOfStats } from '../words/midnight.js';
import { lostOf, outcomesOf } from '../words/outcomes.js';
import { clock, count, hour, ZONE } from '../words/words.js';

const BY = /** @type {const} */ (['hour', 'number', 'target', 'rule']);
/** The sums of a day change slowly and cost more to read than the rest of the first screen. */
const EVERY_MS = 20_000;
/** Sooner after a call has ended, because the viewer expects to see it counted. */
const SOON_MS = 8_000;
const ROWS_MAX = 6;

/**
 * Reports are exact, but only contain a call some seconds after its end. The statistics contain it
 * at once, but on a very busy day only cover the latest calls.
 *
 * @typedef {{
 *   readAt: string,
 *   by: Record<typeof BY[number], import('../server/api.js').Answer>,
 *   stats: import('../server/api.js').Answer,
 * }} Today
 */

export function todaysCallers(changed) {
  /** @type {ReturnType<typeof newest<Today>>} */
  const day = newest(changed);
  let readAt = 0;

  return {
    get error() {
      return day.error;
    },
    async refresh() {
      if (Date.now() - readAt < EVERY_MS) return;
      readAt = Date.now();
      await day.read('today', readDay);
      if (day.error !== null) readAt = 0;
    },
    /** The next refresh reads, however recent the last reading is. */
    expire() {
      readAt = 0;
    },
    /** Pretends that the day was read earlier, so that the next reading is soon. */
    hurry() {
      readAt = Math.min(readAt, Date.now() - EVERY_MS + SOON_MS);
    },
    keep: () => day.found,
    /** @param {Today | null} kept */
    restore(kept) {
      day.found = kept;
    },
    close() {
      day.forget();
      readAt = 0;
    },
    hours() {
      const { found, error } = day;
      return html`<section class="panel today" aria-labelledby="today-title">
        <h2 id="today-title">Today by hour${found === null ? nothing : html` <span class="count">as of ${clock(found.readAt)}</span>`}</h2>
        ${found === null ? html`<p class="empty">${unread(error, "The day's callers")}</p>` : dayOf(found)}
      </section>`;
    },
    /**
     * @param {'number' | 'target' | 'rule'} by
     * @param {string} title
     */
    losses(by, title) {
      const report = day.found?.by[by];
      return html`<section class="panel later" aria-labelledby=${`${by}-title`}>
        <h2 id=${`${by}-title`}>${title}</h2>
        ${by === 'target' ? html`<p class="faint small">Each caller counts once: at the target that took them, otherwise at the last one tried.</p>` : nothing}
        ${report === undefined ? html`<p class="empty">${unread(day.error, 'The numbers')}</p>` : lossTable(by, report, { max: ROWS_MAX })}
        ${
          report !== undefined && report.rows.length > ROWS_MAX
            ? html`<p class="small"><a href=${`#/reports?${new URLSearchParams({ period: 'today', by, compare: 'week' })}`}>and ${report.rows.length - ROWS_MAX} more</a></p>`
            : nothing
        }
      </section>`;
    },
  };
}

/** @returns {Promise<Today>} */
async function readDay() {
  const from = midnight();
  const span = { from, compare: 'week', zone: ZONE };
  const [stats, ...reports] = await Promise.all([
    getJson('/v1/stats', { since: midnightOfStats() }),
    ...BY.map((by) => getJson('/v1/reports', { ...span, by })),
  ]);
  const by = Object.fromEntries(BY.map((name, index) => [name, reports[index]]));
  return { readAt: stats.now, by: /** @type {Today['by']} */ (by), stats };
}

/** @param {Today} today */
function dayOf({ by, stats }) {
  const { total, rows, from, to } = by.hour;
  const { outcomes, calls } = callersOf(total, stats, from);
  const missing = calls - total.calls;
  return html`<p class="lead">${todayWords(outcomes, calls, total, to)}</p>
    ${hourChart(rows)}
    ${outcomeLegend(outcomes, { since: from })}
    ${missing <= 0 ? nothing : html`<p class="faint small">${missing} of these callers ${missing === 1 ? 'is' : 'are'} not in the bars and tables yet; they follow within seconds.</p>`}
    ${hourTable(rows)}`;
}

/** Uses whichever of the two has more of the day's callers. */
function callersOf(total, stats, from) {
  const known = outcomesOf(stats.calls.by_outcome);
  const calls = Object.values(known).reduce((sum, n) => sum + n, 0);
  const isWhole = Date.parse(stats.since) <= Date.parse(from);
  return isWhole && calls >= total.calls ? { outcomes: known, calls } : total;
}

/** "380 of today's 412 callers reached somebody, 21 were lost; a week ago, by 14:00, it was …" */
function todayWords(outcomes, calls, { before }, to) {
  if (calls === 0) return 'No call has ended today yet.';
  const lost = lostOf({ outcomes });
  const first = html`<strong>${outcomes.reached} of today’s ${count(calls, 'caller')}</strong> reached somebody,
    ${lost} ${lost === 1 ? 'was' : 'were'} lost`;
  if (before === null || before.calls === 0) return html`${first}.`;
  return html`${first}; a week ago, by ${hour(to)}, it was ${before.outcomes.reached} of ${before.calls}, with ${lostOf(before)} lost.`;
}
