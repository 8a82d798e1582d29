/**
 * One call: numbers, decision, attempts, its timeline as a sequence diagram, and the manual refer.
 */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { getJson, postJson } from './api.js';
import { attemptDetail, matchedRule } from './attempt.js';
import { attemptBars } from './attempt-bars.js';
import { callActing } from './call-acting.js';
import { explainAgain } from './explain-again.js';
import { alertOf, valuesOf } from './fields.js';
import { newest } from './newest.js';
import { sequence } from './sequence.js';
import { mayAct } from './session.js';
import { standing, tone, word } from './states.js';
import { story } from './story.js';
import { isSip, modeSwitch } from './story-mode.js';
import { age, badge, count, plain, ruleName, said, time } from './words.js';

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
   * Null until they are loaded.
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
  /** @type {{ busy: boolean, error: Error | null, done: import('./api.js').Answer }} */
  let refer = { busy: false, error: null, done: null };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const again = explainAgain(changed);

  const acting = callActing(changed, load);

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

  async function submit(event) {
    event.preventDefault();
    if (id === null) return;
    const { way, target, sip_address: sipAddress } = valuesOf(event.target);
    refer = { busy: true, error: null, done: null };
    changed();
    try {
      const body = way === 'target' ? { target } : { sip_address: sipAddress };
      const { attempt } = await postJson(`/v1/calls/${encodeURIComponent(id)}/refer`, body);
      refer = { busy: false, error: null, done: attempt };
    } catch (failure) {
      refer = { busy: false, error: failure, done: null };
    }
    changed();
    await load();
    // The focused form may have disappeared: it is not offered while the call is being moved.
    if (refer.done !== null) document.getElementById('refer-title')?.focus();
  }

  return {
    title: () => `Call ${shown.found?.from ?? ''}`,
    open(params, { from: origin }) {
      from = origin;
      if (params.id !== id) {
        shown.forget();
        legs = [];
        refer = { busy: false, error: null, done: null };
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
            ${referPanel(call)}
          </section>
          <section class="panel" aria-labelledby="facts-title">
            <h2 id="facts-title">What Telnyx reported</h2>
            ${facts(call)}
          </section>
        </div>
        ${legs.length === 0 ? nothing : otherLegs(legs)}`;
  }

  /** @param {CallDetail} call */
  function referPanel(call) {
    return html`${call.refer_refused === null ? (mayAct('operator') ? referForm() : html`<p class="empty">An operator may refer this caller; you may read.</p>`) : html`<p class="empty">${REFUSED[call.refer_refused]}</p>`}
      <div role="status">${
        refer.done === null
          ? nothing
          : html`<p class="fine">Accepted: refer ${said(refer.done.target ?? refer.done.sip_address)}. The timeline above shows the result.</p>`
      }</div>
      ${alertOf(refer.error)}`;
  }

  function referForm() {
    return html`<form class="refer" @submit=${submit}>
      <fieldset>
        <legend class="hidden">Where to</legend>
        <label class="way"><input type="radio" name="way" value="target" checked> A target</label>
        <select name="target" aria-label="Target" ?disabled=${!targets?.length}>
          ${targets?.length ? targets.map((name) => html`<option>${name}</option>`) : html`<option value="">${targets === null ? 'Loading…' : 'The routes have no targets'}</option>`}
        </select>
        <label class="way"><input type="radio" name="way" value="sip_address"> A SIP address</label>
        <input name="sip_address" aria-label="SIP address" placeholder="sip:name@host" autocomplete="off"
          spellcheck="false" maxlength="1024" @input=${chooseAddress}>
      </fieldset>
      <button class="main" ?disabled=${refer.busy}>${refer.busy ? 'Sending…' : 'Refer the caller'}</button>
      <p class="faint small">The policy of the route set applies: allowed addresses and budgets. The attempt is a plan of
        one step; if it fails, the call returns to what it did.</p>
    </form>`;
  }
}

/** @param {Error | null} error */
function notThere(error) {
  return error === null ? html`<p class="empty">Loading…</p>` : nothing;
}

/** Opens the rules as they were. */
function routeSet(hash) {
  if (hash === null) return '–';
  return html`<a href=${`#/routes?version=${hash}`}><code title=${hash}>${hash.slice(0, 12)}</code></a>`;
}

/** The answers the API would give. */
const REFUSED = {
  call_ended: 'The call has ended, so nobody can be moved.',
  call_being_moved:
    'The call is already being moved. If the attempt fails, you can refer it from here.',
};

function chooseAddress(event) {
  const radio = event.target.form.elements.way;
  radio.value = 'sip_address';
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

/** @param {CallDetail} call */
function facts(call) {
  const rows = [
    ['call_control_id', call.call_control_id],
    ['call_session_id', call.call_session_id],
    ['call_leg_id', call.call_leg_id],
    ['connection_id', call.connection_id],
    ['direction', call.direction],
    ['caller name', call.caller_name],
    ['caller type', call.caller_type],
    ['attestation', attestation(call)],
    ['cost', costWords(call)],
    ['tags', call.tags.length === 0 ? null : call.tags.join(', ')],
  ];
  return html`<dl class="facts">
      ${rows.map(([name, value]) => (value === null ? nothing : html`<div><dt>${name}</dt><dd class="break">${said(value)}</dd></div>`))}
    </dl>
    ${
      call.headers.length === 0
        ? nothing
        : html`<details><summary>${count(call.headers.length, 'header')} (written by the caller)</summary>
          <table class="headers"><tbody>
            ${call.headers.map(
              ({ name, value }) =>
                html`<tr><th scope="row"><bdi>${plain(name)}</bdi></th><td class="break">${said(value, 'empty')}</td></tr>`,
            )}
          </tbody></table></details>`
    }`;
}

/**
 * Of the call and its B-legs; null until Telnyx has said it.
 *
 * @param {CallDetail} call
 */
function costWords({ cost, other_costs: others }) {
  if (cost === null) return null;
  return [cost, ...others]
    .map(({ amount, currency, parts }) => {
      const each = parts.map(({ part, amount: own }) => `${part} ${own}`);
      return `${amount} ${currency} (${each.join(', ')})`;
    })
    .join('; ');
}

function attestation({ attestation: level, attestation_validated: validated }) {
  return level === null ? null : `${level}, ${validated ? 'validated' : 'not validated'}`;
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
