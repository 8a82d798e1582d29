/**
 * The first screen: problems, how today's calls ended hour by hour, whether we are open, who is on
 * the line, and which number, target or rule loses callers.
 */
import { html } from '/assets/lit-html/lit-html.js';
import { alertOf, unread } from '../forms/fields.js';
import { openingList } from '../routes/opening.js';
import { getJson } from '../server/api.js';
import { newest } from '../server/newest.js';
import { rounds } from '../server/rounds.js';
import { liveCalls } from './live-calls.js';
import { lostCallers } from './lost-callers.js';
import { problemList } from './problems.js';
import { todaysCallers } from './today.js';

const REFRESH_MS = 5_000;

export function overviewView(changed) {
  /** @type {ReturnType<typeof newest<import('../server/api.js').Answer[]>>} */
  const problems = newest(changed);
  /** @type {ReturnType<typeof newest<import('../server/api.js').Answer>>} */
  const stats = newest(changed);
  /** @type {ReturnType<typeof newest<{ schedules: any[], switches: any[] }>>} */
  const opening = newest(changed);
  const today = todaysCallers(changed);
  const lost = lostCallers(changed);
  const live = liveCalls(changed);
  // Each part is read separately, so that a failure does not affect the others. The problems are
  // available even if the store is not.
  const reading = rounds(REFRESH_MS, async () => {
    await Promise.all([
      problems.read('problems', async () => (await getJson('/v1/problems')).problems),
      stats.read('stats', () => getJson('/v1/stats')),
      opening.read('opening', readOpening),
      today.refresh(),
      lost.refresh(),
      live.retry(),
    ]);
  });

  return {
    title: () => 'Overview',
    open(_params, { kept }) {
      if (kept !== null) {
        problems.found = kept.problems;
        stats.found = kept.stats;
        opening.found = kept.opening;
        today.restore(kept.today);
        live.restore(kept.live);
      }
      void reading.start();
      void live.refresh();
    },
    keep: () => ({
      problems: problems.found,
      stats: stats.found,
      opening: opening.found,
      today: today.keep(),
      live: live.keep(),
    }),
    close() {
      reading.stop();
      for (const part of [problems, stats, opening]) part.forget();
      for (const part of [today, lost, live]) part.close();
    },
    refresh() {
      today.expire();
      void reading.again();
      void live.refresh();
    },
    onCall(call) {
      if (!reading.isOpen()) return;
      if (call.phase === 'ended') today.hurry();
      live.onCall(call);
    },
    drawn: live.drawn,
    template: () => html`
      <h1 tabindex="-1" class="hidden">Overview</h1>
      ${alerts([problems, stats, opening, today, lost, live])}
      ${problemsPanel(problems, stats.found?.since ?? null)}
      ${lost.template()}
      <div class="columns live-columns">
        <div class="stack">${today.hours()} ${live.template(stats.found?.live.total)}</div>
        <div class="stack">
          ${openingPanel(opening)}
          ${today.losses('number', 'Our numbers today')}
          ${today.losses('target', 'Targets today')}
          ${today.losses('rule', 'Rules today')}
        </div>
      </div>`,
  };
}

async function readOpening() {
  const [{ schedules }, { switches }] = await Promise.all([
    getJson('/v1/schedules'),
    getJson('/v1/routes'),
  ]);
  return { schedules, switches };
}

/** Each message once: often one cause, such as the store, is behind several of them. */
function alerts(parts) {
  const errors = parts.flatMap(({ error }) => error ?? []);
  const byMessage = new Map(errors.map((error) => [error.message, error]));
  return [...byMessage.values()].map(alertOf);
}

function problemsPanel({ found, error }, since) {
  return html`<section class="panel wide" aria-labelledby="problems-title">
    <h2 id="problems-title">Problems</h2>
    <div class="problem-room" aria-live="polite">${found === null ? html`<p class="faint">${unread(error, 'The problems')}</p>` : problemList(found, since)}</div>
  </section>`;
}

function openingPanel({ found, error }) {
  return html`<section class="panel" aria-labelledby="opening-title">
    <h2 id="opening-title">Open or closed</h2>
    ${found === null ? html`<p class="empty">${unread(error, 'The schedules')}</p>` : openingList(found.schedules, found.switches)}
  </section>`;
}
