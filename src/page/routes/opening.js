/**
 * Whether we are open, why, and until when: one line for each schedule and each switch with an
 * override.
 */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { said, time, until } from '../words/words.js';

const SHOWN_MAX = 8;

/**
 * @param {any[]} schedules as GET /v1/schedules has them
 * @param {any[]} switches as GET /v1/routes has them
 */
export function openingList(schedules, switches) {
  const held = switches.filter(({ override }) => override !== null);
  if (schedules.length + held.length === 0)
    return html`<p class="empty">The routes have no schedules: every hour is the same.</p>`;
  return html`<ul class="opening">
    ${schedules.slice(0, SHOWN_MAX).map(
      (schedule) => html`<li><span class="dot ${schedule.open ? 'good' : 'calm'}"></span>
        <a href="#/routes">${said(schedule.name)}</a> <span>${openingWords(schedule)}</span></li>`,
    )}
    ${held.map(
      ({ name, on, override }) => html`<li><span class="dot doubtful"></span>
        <a href="#/routes">${said(name)}</a> <span>turned ${on ? 'on' : 'off'}${heldBy(override)}</span></li>`,
    )}
  </ul>
  ${schedules.length > SHOWN_MAX ? html`<p class="small"><a href="#/routes">and ${schedules.length - SHOWN_MAX} more</a></p>` : nothing}`;
}

/** "closed by anna until 14:00: power cut; opens 14:00" */
function openingWords({ open, override, closed_because: because, changes }) {
  const [next] = changes;
  const what = open ? 'open' : 'closed';
  if (override !== null) return html`<strong>${what}</strong>${heldBy(override)}`;
  return html`<strong>${what}</strong>${because.length === 0 ? nothing : html` (${said(because.join(', '))})`}${
    next === undefined
      ? html`<span class="faint">, for the next two weeks</span>`
      : html`<span class="faint">, ${next.open ? 'opens' : 'closes'} ${until(next.at)}</span>`
  }`;
}

/**
 * Who set the override, until when, and why.
 *
 * @param {any} override
 * @param {(iso: string) => unknown} when
 */
export function heldBy({ until: end, reason, by }, when = time) {
  return html` by hand${by === null ? nothing : html` by ${said(by)}`}${
    end === null ? ' until further notice' : html` until ${when(end)}`
  }${reason === null ? nothing : html`: ${said(reason)}`}`;
}
