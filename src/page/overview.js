/**
 * The first screen: problems, how today's calls ended hour by hour, whether we are open, who is on
 * the line, and which number, desk or rule loses callers.
 */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { getJson } from './api.js';
import { callTable } from './calls.js';
import { alertOf } from './fields.js';
import { lossTable } from './losses.js';
import { lostCallers } from './lost-callers.js';
import { openingList } from './opening.js';
import { problemList } from './problems.js';
import { PHASES } from './states.js';
import { readDay, todayPanel } from './today.js';
import { clock } from './words.js';

const REFRESH_MS = 5_000;
/** The sums of a day change slowly and cost more to read. */
const TODAY_EVERY_MS = 20_000;
/** Sooner after a call has ended, because the viewer expects to see it counted. */
const TODAY_SOON_MS = 8_000;
const LIVE_ROWS_MAX = 100;
/** How long an ended call stays in the list, so that the operator sees how it ended. */
const ENDED_SHOWN_MS = 15_000;
const ROWS_MAX = 6;
/** Not taken from the statistics, which are a few seconds old and would miss a new phase. */
const LIVE_PHASES = PHASES.filter((phase) => phase !== 'ended');

export function overviewView(changed) {
  let open = false;
  let timer;
  /** @type {import('./api.js').Answer} */
  let stats = null;
  /** @type {import('./today.js').Today | null} */
  let today = null;
  let todayReadAt = 0;
  /** @type {{ schedules: any[], switches: any[] } | null} */
  let opening = null;
  /** @type {import('./api.js').Answer[] | null} */
  let problems = null;
  /**
   * The errors of the parts that could not be read last time.
   *
   * @type {Map<'problems' | 'stats' | 'lost' | 'opening' | 'today' | 'live', Error>}
   */
  const errors = new Map();
  let calls = new Map();
  let loading = 0;
  let rounds = 0;
  /** Whether the live calls were loaded once; until then their number is unknown, not zero. */
  let liveRead = false;
  let liveScroll = null;
  const lost = lostCallers(changed);

  async function refresh() {
    clearTimeout(timer);
    if (!open) return;
    const mine = ++rounds;
    // Each part is read separately, so that a failure does not affect the others. The problems are
    // available even if the store is not.
    await Promise.all([
      read('problems', async () => {
        problems = (await getJson('/v1/problems')).problems;
      }),
      read('stats', async () => {
        stats = await getJson('/v1/stats');
      }),
      read('lost', lost.refresh),
      read('opening', readOpening),
      read('today', readToday),
    ]);
    if (open && mine === rounds) timer = setTimeout(refresh, REFRESH_MS);
  }

  async function read(part, work) {
    try {
      await work();
      errors.delete(part);
    } catch (failure) {
      errors.set(part, failure);
    }
    changed();
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
    try {
      today = await readDay();
    } catch (failure) {
      todayReadAt = 0;
      throw failure;
    }
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
      errors.delete('live');
    } catch (failure) {
      errors.set('live', failure);
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
      errors.clear();
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
      if (call.phase === 'ended') todayReadAt = Math.min(todayReadAt, soonDue());
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
        ${alerts(errors)}
        <section class="panel wide" aria-labelledby="problems-title">
          <h2 id="problems-title">Problems</h2>
          <div class="problem-room" aria-live="polite">${problems === null ? waiting(errors.has('problems')) : problemList(problems, stats?.since ?? null)}</div>
        </section>
        ${lost.template()}
        <div class="columns first-columns">
          <section class="panel today" aria-labelledby="today-title">
            <h2 id="today-title">Today by hour${today === null ? nothing : html` <span class="count">as of ${clock(today.readAt)}</span>`}</h2>
            ${today === null ? html`<p class="empty">${unread(errors.has('today'), "day's callers")}</p>` : todayPanel(today)}
          </section>
          <section class="panel" aria-labelledby="opening-title">
            <h2 id="opening-title">Open or closed</h2>
            ${opening === null ? html`<p class="empty">${unread(errors.has('opening'), 'schedules')}</p>` : openingList(opening.schedules, opening.switches)}
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
            ? html`<p class="empty">${liveRead ? 'No live calls. The next one appears here automatically.' : unread(errors.has('live'), 'live calls')}</p>`
            : callTable(shown, 'Live calls')
        }
        ${hidden > 0 ? html`<p class="faint small">and ${hidden} more: see <a href="#/calls">Calls</a></p>` : nothing}
      </div>`;
  }

  function losses(by, title) {
    const report = today?.by[by];
    return html`<section class="panel" aria-labelledby=${`${by}-title`}>
      <h2 id=${`${by}-title`}>${title}</h2>
      ${report === undefined ? html`<p class="empty">${unread(errors.has('today'), 'numbers')}</p>` : lossTable(by, report, { max: ROWS_MAX })}
      ${
        report !== undefined && report.rows.length > ROWS_MAX
          ? html`<p class="small"><a href=${`#/reports?${new URLSearchParams({ period: 'today', by, compare: 'week' })}`}>and ${report.rows.length - ROWS_MAX} more</a></p>`
          : nothing
      }
    </section>`;
  }
}

/** Each message once: often one cause, such as the store, is behind several of them. */
function alerts(errors) {
  const byMessage = new Map([...errors.values()].map((error) => [error.message, error]));
  return [...byMessage.values()].map(alertOf);
}

function waiting(failed) {
  return html`<p class="faint">${failed ? 'The problems could not be loaded.' : 'Loading…'}</p>`;
}

/** Not loaded yet, or not available; never shown as if there were none. */
function unread(failed, what) {
  return failed ? `The ${what} could not be loaded.` : 'Loading…';
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

/** Pretends that today was read earlier, so that the next reading is soon. */
function soonDue() {
  return Date.now() - TODAY_EVERY_MS + TODAY_SOON_MS;
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
