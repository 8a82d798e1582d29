/**
 * One call: numbers, decision, attempts, its timeline as a sequence diagram, and the manual refer.
 */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { alertOf } from '../forms/fields.js';
import { getJson } from '../server/api.js';
import { newest } from '../server/newest.js';
import { whatFollows } from '../words/simple-words.js';
import { isSip, modeSwitch } from '../words/story-mode.js';
import { cutWords } from '../words/timeline-words.js';
import { joined, ruleName, said, time } from '../words/words.js';
import { callActing } from './acting.js';
import { attemptDetail } from './attempt.js';
import { attemptBars } from './attempt-bars.js';
import { explainAgain } from './explain-again.js';
import { factsPanel } from './facts.js';
import { callHead } from './head.js';
import { manualRefer } from './manual-refer.js';
import { otherLegs } from './other-legs.js';
import { sequence } from './sequence.js';
import { story } from './story.js';
import { matchedRule } from './trace.js';

const REREAD_MS = 250;

/** @typedef {ReturnType<typeof import('../../http/api/calls/calls-json.ts').callDetail>} CallDetail */

export function callView(changed) {
  /** @type {string | null} */
  let id = null;
  /** @type {ReturnType<typeof newest<CallDetail>>} */
  const shown = newest(changed);
  /** @type {string | null} */
  let from = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const acting = callActing(changed, load);
  const refer = manualRefer(changed, load);
  const again = explainAgain(changed);
  const legs = otherLegs(changed);

  async function load() {
    if (id === null) return;
    const path = `/v1/calls/${encodeURIComponent(id)}`;
    await shown.read(id, () => getJson(path));
  }

  async function loadWithLegs() {
    const asked = id;
    await load();
    if (asked === id && shown.found !== null) await legs.read(shown.found);
  }

  return {
    title: () => `Call ${shown.found?.from ?? ''}`,
    open(params, { from: origin }) {
      from = origin;
      if (params.id !== id) {
        shown.forget();
        for (const part of [acting, refer, again, legs]) part.reset();
      }
      id = params.id;
      shown.error = null;
      void loadWithLegs();
      void refer.open();
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
      return html`${callHead(call, from)} ${call === null ? nothing : acting.template(call)} ${alertOf(error)} ${call === null ? notThere(error) : whole(call)}`;
    },
  };

  /** @param {CallDetail} call */
  function whole(call) {
    return html`
      ${attemptsPanel(call)}
      ${happenedPanel(call, changed)}
      ${whyPanel(call)}
      ${again.template(call.call_control_id)}
      <div class="columns">${refer.template(call)} ${factsPanel(call)}</div>
      ${legs.template()}`;
  }
}

/** @param {Error | null} error */
function notThere(error) {
  return error === null ? html`<p class="empty">Loading…</p>` : nothing;
}

/** @param {CallDetail} call */
function attemptsPanel(call) {
  return html`<section class="panel" aria-labelledby="attempts-title">
    <h2 id="attempts-title">Attempts</h2>
    ${
      call.attempts.length === 0
        ? html`<p class="empty">There was no attempt to move this caller.</p>`
        : attemptBars(call, attemptDetail)
    }
    ${next(call)}
  </section>`;
}

/** @param {CallDetail} call */
function next(call) {
  if (call.phase === 'ended') return nothing;
  return html`<h3>Next</h3>
    ${
      call.plan.length === 0
        ? html`<p class="faint">${whatFollows(call.phase)}</p>`
        : html`<ol class="plan">${call.plan.map((step) => html`<li>${said(step)}</li>`)}</ol>`
    }
    ${
      call.deadlines.length === 0 || !isSip()
        ? nothing
        : html`<p class="faint small">Deadlines: ${joined(call.deadlines.map(({ name, due_at }) => html`${name} ${time(due_at)}`))}</p>`
    }`;
}

/** @param {CallDetail} call @param {() => void} changed */
function happenedPanel(call, changed) {
  const cut = cutWords(call.timeline);
  return html`<section class="panel" aria-labelledby="story-title">
    <div class="title-row"><h2 id="story-title">What happened</h2>${modeSwitch(changed)}</div>
    ${isSip() ? sequence(call) : story(call)}
    ${cut === null ? nothing : html`<p class="faint small">${cut}</p>`}
  </section>`;
}

/** @param {CallDetail} call */
function whyPanel(call) {
  return html`<section class="panel" aria-labelledby="why-title">
    <h2 id="why-title">Why</h2>
    <dl class="facts">
      <div><dt>Rule</dt><dd>${ruleName(call)}</dd></div>
      ${call.rows.map(({ table, key }) => html`<div><dt>Row of ${said(table)}</dt><dd>${said(key)}</dd></div>`)}
      <div><dt>Route set</dt><dd>${routeSet(call.route_set)}</dd></div>
      ${call.running === null || !isSip() ? nothing : html`<div><dt>Running</dt><dd>${said(call.running)}</dd></div>`}
    </dl>
    ${matchedRule(call.trace)}
  </section>`;
}

/** A link to the route set that decided the call. */
function routeSet(hash) {
  if (hash === null) return '–';
  return html`<a href=${`#/routes?version=${hash}`}><code title=${hash}>${hash.slice(0, 12)}</code></a>`;
}
