/** The other legs of a call's session, such as the one that a transfer made. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { getJson } from '../server/api.js';
import { newest } from '../server/newest.js';
import { plainStanding, standing, tone, word } from '../words/states.js';
import { isSip } from '../words/story-mode.js';
import { said } from '../words/words.js';

const LEGS_MAX = 20;

/** @typedef {import('../calls/table.js').CallSummary} CallSummary */

export function otherLegs(changed) {
  /** @type {ReturnType<typeof newest<CallSummary[]>>} */
  const legs = newest(changed);

  return {
    reset: legs.forget,
    /** @param {import('./call.js').CallDetail} call */
    read: ({ call_control_id: id, call_session_id: session }) =>
      legs.read(id, async () => {
        if (session === null) return [];
        const query = { session, legs: 'all', limit: LEGS_MAX };
        const { calls } = await getJson('/v1/calls', query);
        return calls.filter((leg) => leg.call_control_id !== id);
      }),
    template: () => (legs.found?.length ? panel(legs.found) : nothing),
  };
}

/** @param {CallSummary[]} legs */
function panel(legs) {
  return html`<section class="panel" aria-labelledby="legs-title">
    <h2 id="legs-title">Other legs of the session</h2>
    <ul>${legs.map(
      (
        leg,
      ) => html`<li><a href=${`#/calls/${encodeURIComponent(leg.call_control_id)}`}>${said(leg.from, 'anonymous')} → ${said(leg.to)}</a>
        <span class="badge ${tone(standing(leg))}">${isSip() ? word(standing(leg)) : plainStanding(leg)}</span> <span class="faint">${leg.direction ?? ''}</span></li>`,
    )}</ul>
  </section>`;
}
