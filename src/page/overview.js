/** Problems first, then the live calls, then the last hour in numbers. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { getJson } from './api.js';
import { FAILED, NOT_ARRIVED } from './call-pages.js';
import { callTable } from './calls.js';
import { drawMinutes, share } from './charts.js';
import { alertOf } from './fields.js';
import { lostCallers } from './lost-callers.js';
import { problemList } from './problems.js';
import { PHASES } from './states.js';
import {
  badge,
  count,
  decimal,
  duration,
  moment,
  money,
  percent,
  said,
  targetName,
} from './words.js';

const REFRESH_MS = 5_000;
const LIVE_ROWS_MAX = 100;
/** How long an ended call stays in the list, so that the operator sees how it ended. */
const ENDED_SHOWN_MS = 15_000;
const ROWS_MAX = 12;
/** Not taken from the statistics, which are a few seconds old and would miss a new phase. */
const LIVE_PHASES = PHASES.filter((phase) => phase !== 'ended');

export function overviewView(changed) {
  let open = false;
  let timer;
  /** @type {import('./api.js').Answer} */
  let stats = null;
  /** @type {import('./api.js').Answer[] | null} */
  let problems = null;
  /** @type {Error | null} */
  let error = null;
  let calls = new Map();
  let loading = 0;
  /** Whether the live calls were loaded once; until then their number is unknown, not zero. */
  let liveRead = false;
  let liveScroll = null;
  let all = { rules: false, targets: false };
  const lost = lostCallers(changed);

  async function refresh() {
    clearTimeout(timer);
    if (!open) return;
    try {
      const [newStats, newProblems] = await Promise.all([
        getJson('/v1/stats'),
        getJson('/v1/problems'),
        lost.refresh(),
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
      if (kept !== null) ({ stats, problems, calls, liveRead, liveScroll, all } = kept);
      startedAt = Date.now();
      void refresh();
      void loadLive();
    },
    keep: () => ({
      stats,
      problems,
      calls,
      liveRead,
      all,
      liveScroll: document.querySelector('.scroll.live')?.scrollTop ?? null,
    }),
    close() {
      open = false;
      clearTimeout(timer);
      calls = new Map();
      liveRead = false;
      stats = null;
      problems = null;
      error = null;
      lost.close();
    },
    refresh() {
      startedAt = Date.now();
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
      if (liveScroll !== null) {
        document.querySelector('.scroll.live')?.scrollTo(0, liveScroll);
        liveScroll = null;
      }
      if (open && stats !== null) drawMinutes(document.getElementById('minutes'), stats);
    },
    template() {
      forgetEnded(calls);
      const live = [...calls.values()].toSorted(newestFirst);
      const shown = live.slice(0, LIVE_ROWS_MAX);
      const hidden = live.length < LIVE_ROWS_MAX ? 0 : (stats?.live.total ?? 0) - shown.length;
      return html`
        <h1 tabindex="-1" class="hidden">Overview</h1>
        ${alertOf(error)}
        <section class="panel wide" aria-labelledby="problems-title">
          <h2 id="problems-title">Problems</h2>
          <div class="problem-room" aria-live="polite">${problems === null ? waiting(error) : problemList(problems, stats?.since ?? null)}</div>
        </section>
        ${lost.template()}
        ${tiles(stats, liveCount(live, stats))}
        <div class="columns live-columns">
          <section class="panel" aria-labelledby="live-title">
            <h2 id="live-title">Live calls</h2>
            <div class="scroll live" tabindex="0" role="group" aria-labelledby="live-title">
              ${
                live.length === 0
                  ? html`<p class="empty">${liveRead ? 'No live calls. The next one appears here automatically.' : unread(error, 'live calls')}</p>`
                  : callTable(shown, 'Live calls')
              }
              ${hidden > 0 ? html`<p class="faint small">and ${hidden} more: see <a href="#/calls">Calls</a></p>` : nothing}
            </div>
          </section>
          <section class="panel" aria-labelledby="hour-title">
            <h2 id="hour-title">Attempts by minute</h2>
            <div id="minutes" class="chart" role="img" aria-label=${chartWords(stats)}></div>
            <p class="legend small" aria-hidden="true">
              <span class="dot good"></span>completed <span class="dot bad"></span>failed
            </p>
            ${stats === null ? html`<p class="empty">${unread(error, 'attempts')}</p>` : verdictTable(stats)}
          </section>
        </div>
        ${stats === null ? nothing : groups()}`;
    },
  };

  function groups() {
    const { rules, targets, since } = stats;
    return html`<div class="columns">
      <section class="panel" aria-labelledby="targets-title">
        <h2 id="targets-title">Targets</h2>
        ${
          targets.length === 0
            ? html`<p class="empty">No caller was moved in this time.</p>`
            : groupTable('targets', targets, since)
        }
      </section>
      <section class="panel" aria-labelledby="rules-title">
        <h2 id="rules-title">Rules</h2>
        ${
          rules.length === 0
            ? html`<p class="empty">No call arrived in this time.</p>`
            : groupTable('rules', rules, since)
        }
      </section>
    </div>`;
  }

  function groupTable(kind, rows, since) {
    const shown = all[kind] ? rows : rows.slice(0, ROWS_MAX);
    return html`<div class="scroll">
      ${kind === 'targets' ? targetTable(shown, since) : ruleTable(shown, since)}
    </div>
    ${
      rows.length > shown.length
        ? html`<button class="quiet" @click=${() => {
            all = { ...all, [kind]: true };
            changed();
          }}>Show all ${rows.length}</button>`
        : nothing
    }`;
  }
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

function tiles(stats, liveNow) {
  const values = [
    ['Live now', liveNow],
    ['Calls in the last hour', stats?.calls.total],
    ['Callers who arrived', stats === null ? undefined : percent(stats.calls.arrival_rate)],
    [
      'Median time to verdict',
      stats === null ? undefined : duration(stats.attempts.median_verdict_ms),
    ],
    ['Cost', stats === null ? undefined : money(stats.calls.costs)],
    [
      'Attempts per moved call',
      stats === null ? undefined : decimal(stats.calls.attempts_per_call),
    ],
  ];
  return html`<dl class="tiles">
    ${values.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value ?? '…'}</dd></div>`)}
  </dl>`;
}

function chartWords(stats) {
  if (stats === null) return 'Attempts by minute: loading';
  const completed = stats.minutes.reduce((sum, minute) => sum + minute.completed, 0);
  const failed = stats.minutes.reduce((sum, minute) => sum + minute.failed, 0);
  return `Attempts by minute since ${moment(stats.since)}: ${completed} completed, ${failed} failed`;
}

function verdictTable(stats) {
  const rows = stats.attempts.by_verdict;
  if (rows.length === 0) return html`<p class="empty">No attempts in the last hour.</p>`;
  const most = rows[0].count;
  return html`<table class="verdicts">
    <caption class="hidden">Attempts of the last hour by verdict</caption>
    <thead class="hidden"><tr><th scope="col">Verdict</th><th scope="col">Share</th><th scope="col">Attempts</th></tr></thead>
    <tbody>
      ${rows.map(
        ({ verdict, count: n }) => html`<tr>
          <th scope="row">${
            verdict === null
              ? html`<span class="badge moving">open</span>`
              : html`<a href=${`#/calls?verdict=${verdict}&since=${stats.since}`}>${badge(verdict)}</a>`
          }</th>
          <td class="bar-cell">${share([{ name: verdict ?? 'open', count: n }], most)}</td>
          <td class="number">${n}</td>
        </tr>`,
      )}
    </tbody>
  </table>`;
}

function targetTable(rows, since) {
  return html`<table class="groups">
    <caption class="hidden">Targets of the last hour</caption>
    <thead><tr><th scope="col">Target</th><th scope="col" class="number">Success</th><th scope="col">Verdicts</th>
      <th scope="col" class="number">Median</th><th scope="col" class="number">Cost</th><th scope="col" class="number">Attempts</th></tr></thead>
    <tbody>
      ${rows.map(
        (row) => html`<tr>
          <th scope="row">${
            row.target === null
              ? targetName(null)
              : html`<a href=${`#/calls?target=${encodeURIComponent(row.target)}&since=${since}`}>${said(row.target)}</a>`
          }</th>
          <td class="number">${rateLink(row.success_rate, row.target === null ? null : { target: row.target, verdict: FAILED, since })}</td>
          <td class="bar-cell">${verdictShare(row)}</td>
          <td class="number">${duration(row.median_verdict_ms)}</td>
          <td class="number">${money(row.costs)}</td>
          <td class="number">${row.attempts}</td>
        </tr>`,
      )}
    </tbody>
  </table>`;
}

function ruleTable(rows, since) {
  return html`<table class="groups">
    <caption class="hidden">Rules of the last hour</caption>
    <thead><tr><th scope="col">Rule</th><th scope="col" class="number">Arrived</th><th scope="col">Verdicts</th>
      <th scope="col" class="number">Median</th><th scope="col" class="number" title="Attempts per moved call">Tries</th>
      <th scope="col" class="number">Cost</th>
      <th scope="col" class="number">Calls</th></tr></thead>
    <tbody>
      ${rows.map(
        (row) => html`<tr>
          <th scope="row">${
            row.rule === null
              ? html`<span class="faint">otherwise, or none</span>`
              : html`<a href=${`#/calls?rule=${encodeURIComponent(row.rule)}&since=${since}`}>${said(row.rule)}</a>`
          }</th>
          <td class="number">${rateLink(row.arrival_rate, row.rule === null ? null : { rule: row.rule, ends: NOT_ARRIVED, since })}</td>
          <td class="bar-cell">${verdictShare(row)}</td>
          <td class="number">${duration(row.median_verdict_ms)}</td>
          <td class="number">${decimal(row.attempts_per_call)}</td>
          <td class="number">${money(row.costs)}</td>
          <td class="number">${row.calls}</td>
        </tr>`,
      )}
    </tbody>
  </table>`;
}

function verdictShare({ by_verdict }) {
  if (by_verdict.length === 0) return html`<span class="faint">no attempts</span>`;
  const parts = by_verdict.map(({ verdict, count: n }) => ({ name: verdict ?? 'open', count: n }));
  const words = parts.map(({ name, count: n }) =>
    count(n, name.replaceAll('_', ' '), name.replaceAll('_', ' ')),
  );
  return share(parts, null, words.join(', '));
}

/** A rate below 100 % links to the calls that did not succeed. */
function rateLink(rate, query) {
  if (rate === null || rate === 1 || query === null) return percent(rate);
  return html`<a class=${rate < 0.5 ? 'bad-text' : ''} href=${`#/calls?${new URLSearchParams(query)}`}
    title="The calls that failed">${percent(rate)}</a>`;
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
