/**
 * The schedules of the live routes: open or closed, until when, the week as a strip, and overriding
 * one.
 */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { alertOf } from '../forms/fields.js';
import { getJson } from '../server/api.js';
import { mayAct } from '../server/session.js';
import { said } from '../words/words.js';
import { heldBy } from './opening.js';
import { wallMoment, wallTime, weekStrip } from './week-strip.js';

const HOUR_MS = 3_600_000;
const DAYS = 7;
/** The strips change slowly; after an override or a reload they are read at once. */
const EVERY_MS = 60_000;

export function schedulesView(changed) {
  /** The week of each schedule, by its name. */
  let weeks = new Map();
  /** The server's clock at the last reading, and the browser's clock at the same time. */
  let clockAt = { server: 0, browser: 0 };
  let readFor = '';
  /** @type {Error | null} */
  let error = null;

  /** @param {import('../server/api.js').Answer} routes as GET /v1/routes has them */
  async function refresh({ hash, schedules }) {
    const wanted = `${hash} ${JSON.stringify(schedules)}`;
    if (wanted === readFor && performance.now() - clockAt.browser < EVERY_MS) return;
    try {
      const found = await getJson('/v1/schedules', { days: DAYS });
      weeks = new Map(found.schedules.map((schedule) => [schedule.name, schedule]));
      clockAt = { server: Date.parse(found.now), browser: performance.now() };
      readFor = wanted;
      error = null;
    } catch (failure) {
      error = failure;
    }
    changed();
  }

  return {
    refresh,
    close() {
      weeks = new Map();
      readFor = '';
      error = null;
    },
    /**
     * @param {any[]} schedules as GET /v1/routes has them
     * @param {import('./overrides.js').Overrides} overrides
     */
    template(schedules, overrides) {
      if (schedules.length === 0)
        return html`<p class="empty">The routes have no schedules: every hour is the same.</p>`;
      const nowMs = clockAt.server + performance.now() - clockAt.browser;
      return html`${alertOf(error)}
        <p class="faint small"><span class="dot good"></span>open <span class="dot doubtful by-hand-dot"></span>by hand
          <span class="now-mark"></span>now. Hours are in each schedule’s own time zone.</p>
        <ul class="schedules">${schedules.map(({ name, zone, override }) => {
          const week = weeks.get(name);
          return html`<li>
            <div class="schedule-top">${headOf({ name, zone }, week, nowMs)}
              ${mayAct('operator') ? buttons(name, override, overrides) : nothing}</div>
            ${week === undefined ? html`<p class="faint">${error === null ? 'Loading…' : 'Its hours could not be loaded.'}</p>` : weekStrip(week, nowMs)}
          </li>`;
        })}</ul>`;
    },
  };
}

function headOf({ name, zone }, week, nowMs) {
  if (week === undefined)
    return html`<p><strong>${said(name)}</strong> <span class="faint">${zone}</span></p>`;
  return html`<p><span class="dot ${week.open ? 'good' : 'calm'}"></span><strong>${said(name)}</strong>
    <span>${stateWords(week, nowMs)}</span>
    <span class="faint small">${zone}, where it is ${wallTime(nowMs, zone)}</span></p>`;
}

/**
 * "is open, closes today at 17:00"; "is closed by hand by anna until 14:00: power cut, opens today
 * at 14:00"
 */
function stateWords({ open, override, closed_because: because, changes, zone }, nowMs) {
  const state = html`is <strong>${open ? 'open' : 'closed'}</strong>`;
  const [next] = changes;
  const soon =
    next === undefined
      ? 'and stays so for two weeks'
      : `${next.open ? 'opens' : 'closes'} ${wallMoment(next.at, zone, nowMs)}`;
  if (override === null) {
    const why = because.length === 0 ? nothing : html` (${said(because.join(', '))})`;
    return html`${state}${why}, ${soon}`;
  }
  return html`${state}${heldBy(override, (end) => wallMoment(end, zone, nowMs))}${override.until === null ? nothing : html`; after that ${afterWords(next, override, soon)}`}`;
}

/** If the hours agree with the override, nothing changes when it ends. */
function afterWords(next, { open, until }, soon) {
  if (next !== undefined && next.at === until) return `it ${soon}`;
  return `it stays ${open ? 'open' : 'closed'}${next === undefined ? '' : ` and ${soon}`}`;
}

function buttons(name, override, overrides) {
  return html`<p class="buttons">
    <button @click=${() => askFor(name, false, HOUR_MS, overrides)}>Close for 1 h…</button>
    <button @click=${() => askFor(name, true, HOUR_MS, overrides)}>Open for 1 h…</button>
    <button @click=${() => askFor(name, false, null, overrides)}>Close until further notice…</button>
    <button @click=${() => askFor(name, false, undefined, overrides)}>Close until…</button>
    <button @click=${() => askFor(name, true, undefined, overrides)}>Open until…</button>
    ${override === null ? nothing : html`<button class="main" @click=${() => askEnd(name, overrides)}>End the override…</button>`}
  </p>`;
}

function askFor(name, open, forMs, { ask, force }) {
  const title = `${open ? 'Open' : 'Close'} ${name}`;
  const state = open ? 'open' : 'closed';
  const warning = `From now on new callers go where the rules send them while ${name} is ${state}, whatever its hours say.`;
  ask({ title, warning, lasts: true, forMs }, (details) => force(name, open, details));
}

function askEnd(name, { ask, force }) {
  const title = `End the override of ${name}`;
  const warning = `From now on new callers go where the rules send them according to the hours of ${name}.`;
  ask({ title, warning }, (details) => force(name, null, details));
}
