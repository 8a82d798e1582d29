/**
 * The first screen: problems, what became of today's callers hour by hour, whether we are open, who is
 * on the line, and which number, desk or rule loses callers.
 */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { getJson } from './api.js';
import { callTable } from './calls.js';
import { hourChart, hourTable, outcomeLegend } from './charts.js';
import { alertOf } from './fields.js';
import { lossTable } from './losses.js';
import { lostCallers } from './lost-callers.js';
import { openingList } from './opening.js';
import { problemList } from './problems.js';
import { PHASES } from './states.js';
import { count, midnight, percent, ZONE } from './words.js';

const REFRESH_MS = 5_000;
/** Sums of a day change slowly, and cost more to read. */
const TODAY_EVERY_MS = 20_000;
const LIVE_ROWS_MAX = 100;
/** How long an ended call stays in the list, so that the operator sees how it ended. */
const ENDED_SHOWN_MS = 15_000;
const ROWS_MAX = 6;
/** Not taken from the statistics, which are a few seconds old and would miss a new phase. */
const LIVE_PHASES = PHASES.filter((phase) => phase !== 'ended');
const TODAY_BY = /** @type {const} */ (['hour', 'number', 'target', 'rule']);

export function overviewView(changed) {
  let open = false;
  let timer;
  /** @type {import('./api.js').Answer} */
  let stats = null;
  /** Reports of today, by what they are by. @type {Record<string, import('./api.js').Answer> | null} */
  let today = null;
  let todayReadAt = 0;
  /** @type {{ schedules: any[], switches: any[] } | null} */
  let opening = null;
  /** @type {import('./api.js').Answer[] | null} */
  let problems = null;
  /** @type {Error | null} */
  let error = null;
  let calls = new Map();
  let loading = 0;
  /** Whether the live calls were loaded once; until then their number is unknown, not zero. */
  let liveRead = false;
  let liveScroll = null;
  const lost = lostCallers(changed);

  async function refresh() {
    clearTimeout(timer);
    if (!open) return;
    try {
      const [newStats, newProblems] = await Promise.all([
        getJson('/v1/stats'),
        getJson('/v1/problems'),
        lost.refresh(),
        readOpening(),
        readToday(),
      ]);
      stats = newStats;
      problems = newProblems.problems;
      error = null;
    } catch (failure) {
      error = failure;
      if (failure.status === 503) problems = await standIn();
    }
    changed();
    if (open) timer = setTimeout(refresh, REFRESH_MS);
  }

  async function readOpening() {
    const [{ schedules }, { switches }] = await Promise.all([
      getJson('/v1/schedules'),
      getJson('/v1/routes'),
    ]);
    opening = { schedules, switches };
  }

  async function readToday() {
    if (Date.now() - todayReadAt < TODAY_EVERY_MS) return;
    todayReadAt = Date.now();
    const span = { from: midnight(), compare: 'week', zone: ZONE };
    try {
      const all = await Promise.all(TODAY_BY.map((by) => getJson('/v1/reports', { ...span, by })));
      today = Object.fromEntries(TODAY_BY.map((by, index) => [by, all[index]]));
    } catch (failure) {
      todayReadAt = 0;
      throw failure;
    }
  }

  /** The problems are available even if the store is not. */
  async function standIn() {
    const answer = await getJson('/v1/problems').catch(() => null);
    return answer?.problems ?? problems;
  }

  async function loadLive() {
    const mine = ++loading;
    try {
      const pages = await Promise.all(
        LIVE_PHASES.map((phase) => getJson('/v1/calls', { phase, limit: LIVE_ROWS_MAX })),
      );
      if (mine !== loading) return;
      const found = pages.flatMap((page) => page.calls);
      const later = [...calls.values()].filter((call) => call.seenAt > startedAt);
      calls = new Map([...found, ...later].map((call) => [call.call_control_id, call]));
      liveRead = true;
    } catch (failure) {
      error = failure;
    }
    changed();
  }
  let startedAt = 0;

  return {
    title: () => 'Overview',
    open(_params, { kept }) {
      open = true;
      if (kept !== null) {
        ({ stats, today, opening, problems, calls, liveRead, liveScroll } = kept);
      }
      startedAt = Date.now();
      void refresh();
      void loadLive();
    },
    keep: () => ({
      stats,
      today,
      opening,
      problems,
      calls,
      liveRead,
      liveScroll: document.querySelector('.scroll.live')?.scrollTop ?? null,
    }),
    close() {
      open = false;
      clearTimeout(timer);
      calls = new Map();
      liveRead = false;
      stats = null;
      today = null;
      todayReadAt = 0;
      opening = null;
      problems = null;
      error = null;
      lost.close();
    },
    refresh() {
      startedAt = Date.now();
      todayReadAt = 0;
      void refresh();
      void loadLive();
    },
    onCall(call) {
      if (!open) return;
      const known = calls.get(call.call_control_id);
      if (call.phase === 'ended' && known === undefined) return;
      calls.set(call.call_control_id, { ...call, seenAt: Date.now() });
    },
    drawn() {
      if (liveScroll === null) return;
      document.querySelector('.scroll.live')?.scrollTo(0, liveScroll);
      liveScroll = null;
    },
    template() {
      forgetEnded(calls);
      return html`
        <h1 tabindex="-1" class="hidden">Overview</h1>
        ${alertOf(error)}
        <section class="panel wide" aria-labelledby="problems-title">
          <h2 id="problems-title">Problems</h2>
          <div class="problem-room" aria-live="polite">${problems === null ? waiting(error) : problemList(problems, stats?.since ?? null)}</div>
        </section>
        ${lost.template()}
        <div class="columns first-columns">
          <section class="panel today" aria-labelledby="today-title">
            <h2 id="today-title">Today by hour</h2>
            ${today === null ? html`<p class="empty">${unread(error, "day's callers")}</p>` : todayPanel(today.hour)}
          </section>
          <section class="panel" aria-labelledby="opening-title">
            <h2 id="opening-title">Open or closed</h2>
            ${opening === null ? html`<p class="empty">${unread(error, 'schedules')}</p>` : openingList(opening.schedules, opening.switches)}
          </section>
        </div>
        <div class="columns live-columns">
          <section class="panel" aria-labelledby="live-title">${livePanel()}</section>
          <div>
            ${losses('number', 'Our numbers today')}
            ${losses('target', 'Desks today')}
            ${losses('rule', 'Rules today')}
          </div>
        </div>`;
    },
  };

  function livePanel() {
    const live = [...calls.values()].toSorted(newestFirst);
    const shown = live.slice(0, LIVE_ROWS_MAX);
    const hidden = live.length < LIVE_ROWS_MAX ? 0 : (stats?.live.total ?? 0) - shown.length;
    const now = liveCount(live, stats);
    return html`<h2 id="live-title">Live calls${now === undefined ? nothing : html` <span class="count">${now}</span>`}</h2>
      <div class="scroll live" tabindex="0" role="group" aria-labelledby="live-title">
        ${
          live.length === 0
            ? html`<p class="empty">${liveRead ? 'No live calls. The next one appears here automatically.' : unread(error, 'live calls')}</p>`
            : callTable(shown, 'Live calls')
        }
        ${hidden > 0 ? html`<p class="faint small">and ${hidden} more: see <a href="#/calls">Calls</a></p>` : nothing}
      </div>`;
  }

  function losses(by, title) {
    const report = today?.[by];
    return html`<section class="panel" aria-labelledby=${`${by}-title`}>
      <h2 id=${`${by}-title`}>${title}</h2>
      ${report === undefined ? html`<p class="empty">${unread(error, 'numbers')}</p>` : lossTable(by, report, { max: ROWS_MAX })}
      ${
        report !== undefined && report.rows.length > ROWS_MAX
          ? html`<p class="small">and ${report.rows.length - ROWS_MAX} more: npx referee report --by ${by}</p>`
          : nothing
      }
    </section>`;
  }
}

/** The sentence, the hours, and what the colours mean. */
function todayPanel({ total, rows, from }) {
  return html`<p class="lead">${todayWords(total)}</p>
    ${hourChart(rows)}
    ${outcomeLegend(total.outcomes, { since: from })}
    ${hourTable(rows)}`;
}

/** "93 % of 412 callers reached somebody; a week ago it was 91 % of 398." */
function todayWords({ calls, reached_rate: rate, before }) {
  if (calls === 0) return 'No caller has ended a call today yet.';
  const first =
    rate === null
      ? html`${count(calls, 'caller', 'callers')}, none of them to be moved`
      : html`<strong>${percent(rate)}</strong> of today’s callers reached somebody (${count(calls, 'caller', 'callers')})`;
  if (before === null || before.calls === 0 || before.reached_rate === null) return html`${first}.`;
  return html`${first}; a week ago it was ${percent(before.reached_rate)} (${before.calls}).`;
}

function waiting(error) {
  return html`<p class="faint">${error === null ? 'Loading…' : 'The problems could not be loaded.'}</p>`;
}

/** Not loaded yet, or not available; never shown as if there were none. */
function unread(error, what) {
  return error === null ? 'Loading…' : `The ${what} could not be loaded.`;
}

/**
 * The stream is more recent than the statistics, but only those know about calls that are not
 * shown.
 */
function liveCount(live, stats) {
  if (stats === null) return undefined;
  if (live.length >= LIVE_ROWS_MAX) return stats.live.total;
  return live.filter(({ phase }) => phase !== 'ended').length;
}

function newestFirst(a, b) {
  return b.created_at < a.created_at ? -1 : b.created_at > a.created_at ? 1 : 0;
}

function forgetEnded(calls) {
  const before = Date.now() - ENDED_SHOWN_MS;
  for (const [id, call] of calls) {
    if (call.phase === 'ended' && (call.seenAt ?? 0) < before) calls.delete(id);
  }
}
