/** Where would this caller go now? What happened beside what the live routes would do. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { alertOf } from '../forms/fields.js';
import { getJson } from '../server/api.js';
import { ruleName, said } from '../words/words.js';
import { storyOf } from './explain.js';
import { traceTable } from './trace.js';

export function explainAgain(changed) {
  /** The id of the call that was asked about last. */
  let asked = '';
  /** @type {import('../server/api.js').Answer} */
  let answer = null;
  /** @type {Error | null} */
  let error = null;
  let busy = false;

  async function ask(id) {
    asked = id;
    busy = true;
    changed();
    let found = null;
    let failed = null;
    try {
      found = await getJson(`/v1/calls/${encodeURIComponent(id)}/explain`);
    } catch (failure) {
      failed = failure;
    }
    // Another call may have been opened meanwhile.
    if (asked !== id) return;
    answer = found;
    error = failed;
    busy = false;
    changed();
  }

  return {
    reset() {
      asked = '';
      answer = null;
      error = null;
      busy = false;
    },
    template: (id) => html`<section class="panel" aria-labelledby="again-title">
      <h2 id="again-title">Under the live routes</h2>
      <p><button ?disabled=${busy} @click=${() => ask(id)}>${busy ? 'Deciding…' : 'Decide it again'}</button>
        <span class="faint small">What the routes that are live now would have done: at the time of the call, with the same answers of its targets.</span></p>
      ${alertOf(error)}
      <div aria-live="polite">${answer === null ? nothing : bothSides(answer)}</div>
    </section>`,
  };
}

function bothSides({ before, after, differs, assumed }) {
  return html`<p class="again-verdict"><strong>${differs ? 'This caller would go elsewhere.' : 'Nothing would change for this caller.'}</strong>
    ${assumed.length === 0 ? nothing : html`Assumed to complete, because nobody tried it then: ${assumed.map((target, index) => html`${index === 0 ? nothing : ', '}${said(target)}`)}.`}</p>
    <div class="columns">${side('Then', before)} ${side('Now', after)}</div>`;
}

function side(title, { rule, route_set: routeSet, trace, path, attempts, ends }) {
  const phase = path.length === 0 ? 'unmanaged' : '';
  return html`<div>
    <h3>${title}: ${ruleName({ rule, ends, phase, direction: null, decided: true })}</h3>
    <p class="faint small">Route set <code title=${routeSet ?? ''}>${routeSet?.slice(0, 12) ?? '–'}</code></p>
    ${storyOf({ path, attempts, ends })}
    ${trace.length === 0 ? nothing : html`<details><summary>Why</summary>${traceTable(trace)}</details>`}
  </div>`;
}
