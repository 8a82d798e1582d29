/**
 * One call: numbers, decision, attempts, its timeline as a sequence diagram, and the manual refer.
 */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { getJson } from './api.js';
import { attemptDetail, matchedRule } from './attempt.js';
import { attemptBars } from './attempt-bars.js';
import { callActing } from './call-acting.js';
import { facts } from './call-facts.js';
import { explainAgain } from './explain-again.js';
import { alertOf } from './fields.js';
import { manualRefer } from './manual-refer.js';
import { newest } from './newest.js';
import { sequence } from './sequence.js';
import { standing, tone, word } from './states.js';
import { story } from './story.js';
import { isSip, modeSwitch } from './story-mode.js';
import { age, badge, ruleName, said, time } from './words.js';

const REREAD_MS = 250;

/** @typedef {ReturnType<typeof import('../http/api/calls-json.ts').callDetail>} CallDetail */

export function callView(changed) {
  /** @type {string | null} */
  let id = null;
  /** @type {ReturnType<typeof newest<CallDetail>>} */
  const shown = newest(changed);
  /** @type {ReturnType<typeof import('../http/api/calls-json.ts').callSummary>[]} */
  let legs = [];
  /**
   * Null until the targets are loaded.
   *
   * @type {string[] | null}
   */
  let targets = null;
  /**
   * The list the operator came from, as a URL hash; null if none.
   *
   * @type {string | null}
   */
  let from = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const again = explainAgain(changed);

  const acting = callActing(changed, load);
  const refer = manualRefer(changed, load);

  async function load() {
    if (id === null) return;
    const path = `/v1/calls/${encodeURIComponent(id)}`;
    await shown.read(id, () => getJson(path));
  }

  async function loadAround() {
    const asked = id;
    await load();
    const call = shown.found;
    if (asked !== id || call === null) return;
    const [session, routes] = await Promise.all([
      call.call_session_id === null
        ? { calls: [] }
        : getJson('/v1/calls', { session: call.call_session_id, legs: 'all', limit: 20 }).catch(
            () => ({ calls: [] }),
          ),
      getJson('/v1/routes').catch(() => null),
    ]);
    if (asked !== id) return;
    legs = session.calls.filter((leg) => leg.call_control_id !== asked);
    targets = routes?.targets.map(({ name }) => name) ?? null;
    changed();
  }

  return {
    title: () => `Call ${shown.found?.from ?? ''}`,
    open(params, { from: origin }) {
      from = origin;
      if (params.id !== id) {
        shown.forget();
        legs = [];
        refer.reset();
        again.reset();
        acting.reset();
      }
      id = params.id;
      shown.error = null;
      void loadAround();
    },
    close() {
      id = null;
      shown.forget();
      clearTimeout(timer);
      timer = undefined;
    },
    refresh: () => void load(),
    onCall(changedCall) {
      if (changedCall.call_control_id !== id || timer !== undefined) return;
      timer = setTimeout(() => {
        timer = undefined;
        void load();
      }, REREAD_MS);
    },
    template() {
      const { found: call, error } = shown;
      // One heading for both states, because it may have the focus while the call is loading.
      return html`${heading(call, from)} ${call === null ? nothing : acting.template(call)} ${alertOf(error)} ${call === null ? notThere(error) : whole(call)}`;
    },
  };

  /** @param {CallDetail} call */
  function whole(call) {
    return html`
        <section class="panel" aria-labelledby="attempts-title">
          <h2 id="attempts-title">Attempts</h2>
          ${
            call.attempts.length === 0
              ? html`<p class="empty">There was no attempt to move this caller.</p>`
              : attemptBars(call, attemptDetail)
          }
          ${next(call)}
        </section>
        <section class="panel" aria-labelledby="story-title">
          <div class="title-row"><h2 id="story-title">What happened</h2>${modeSwitch(changed)}</div>
          ${isSip() ? sequence(call) : story(call)}
        </section>
        <section class="panel" aria-labelledby="why-title">
          <h2 id="why-title">Why</h2>
          ${why(call)}
        </section>
        <section class="panel" aria-labelledby="again-title">
          <h2 id="again-title">Under the live routes</h2>
          ${again.template(call.call_control_id)}
        </section>
        <div class="columns">
          <section class="panel" aria-labelledby="refer-title">
            <h2 id="refer-title" tabindex="-1">Manual refer</h2>
            ${refer.template(call, targets)}
          </section>
          <section class="panel" aria-labelledby="facts-title">
            <h2 id="facts-title">What Telnyx reported</h2>
            ${facts(call)}
          </section>
        </div>
        ${legs.length === 0 ? nothing : otherLegs(legs)}`;
  }
}

/** @param {Error | null} error */
function notThere(error) {
  return error === null ? html`<p class="empty">Loading…</p>` : nothing;
}

/** A link to the route set that decided the call. */
function routeSet(hash) {
  if (hash === null) return '–';
  return html`<a href=${`#/routes?version=${hash}`}><code title=${hash}>${hash.slice(0, 12)}</code></a>`;
}

/** Back to the list with its filter, page and scroll position. */
function backLink(from) {
  const isList = from !== null && /^(?:#?\/?$|#\/calls(?:\?|$))/.test(from);
  if (!isList) return html`<a href="#/calls">← All calls</a>`;
  return html`<a href=${from === '' ? '#/' : from} @click=${goBack}>← ${from.startsWith('#/calls') ? 'Calls' : 'Overview'}</a>`;
}

function goBack(event) {
  // With a modifier key the link opens in another tab, which has no history.
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  history.back();
}

/**
 * @param {CallDetail | null} call
 * @param {string | null} from
 */
function heading(call, from) {
  return html`<header class="call-head">
    <p class="small">${backLink(from)}</p>
    <h1 tabindex="-1">${
      call === null
        ? 'Call'
        : html`${said(call.from, 'anonymous')} <span aria-hidden="true">→</span><span class="hidden">to</span> ${said(call.to)}${call.label ? ` (${call.label})` : ''}`
    }</h1>
    <div class="marks" role="status">${call === null ? nothing : marks(call)}</div>
  </header>`;
}

/** @param {CallDetail} call */
function marks(call) {
  const name = standing(call);
  return html`<p class="lead"><span class="dot ${tone(name)}" title=${word(name)}></span><strong class="summary">${said(call.summary)}</strong></p>
    <p class="faint">${word(name)}${isSip() ? html`, ${call.ends === null ? word(call.phase) : `ends ${word(call.ends)}`}` : nothing};
      came ${time(call.created_at)}, ${call.ended_at === null ? 'lasts' : 'lasted'} ${age(call.created_at, call.ended_at)}</p>`;
}

/** @param {CallDetail} call */
function why(call) {
  return html`<dl class="facts">
      <div><dt>Rule</dt><dd>${ruleName(call)}</dd></div>
      ${call.rows.map(({ table, key }) => html`<div><dt>Row of ${said(table)}</dt><dd>${said(key)}</dd></div>`)}
      <div><dt>Route set</dt><dd>${routeSet(call.route_set)}</dd></div>
      ${call.running === null ? nothing : html`<div><dt>Running</dt><dd>${said(call.running)}</dd></div>`}
    </dl>
    ${matchedRule(call.trace)}`;
}

/** @param {CallDetail} call */
function next(call) {
  if (call.phase === 'ended') return nothing;
  return html`<h3>Next</h3>
    ${
      call.plan.length === 0
        ? html`<p class="faint">No step is left; the last resort runs next.</p>`
        : html`<ol class="plan">${call.plan.map((step) => html`<li>${said(step)}</li>`)}</ol>`
    }
    ${
      call.deadlines.length === 0
        ? nothing
        : html`<p class="faint small">Deadlines: ${call.deadlines.map(
            ({ name, due_at }, index) =>
              html`${index === 0 ? nothing : ', '}${name} ${time(due_at)}`,
          )}</p>`
    }`;
}

function otherLegs(legs) {
  return html`<section class="panel" aria-labelledby="legs-title">
    <h2 id="legs-title">Other legs of the session</h2>
    <ul>${legs.map(
      (
        leg,
      ) => html`<li><a href=${`#/calls/${encodeURIComponent(leg.call_control_id)}`}>${said(leg.from, 'anonymous')} → ${said(leg.to)}</a>
        ${badge(standing(leg))} <span class="faint">${leg.direction ?? ''}</span></li>`,
    )}</ul>
  </section>`;
}
