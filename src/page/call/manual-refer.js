/** Moves a caller by hand: to a target of the live routes, or to a SIP address. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { alertOf, valuesOf } from '../forms/fields.js';
import { readNames } from '../forms/route-names.js';
import { postJson } from '../server/api.js';
import { sending } from '../server/sending.js';
import { mayAct } from '../server/session.js';
import { said } from '../words/words.js';

/** @typedef {import('./call.js').CallDetail} CallDetail */

/**
 * @param {() => void} changed
 * @param {() => Promise<void>} reload reads the call again
 */
export function manualRefer(changed, reload) {
  /** @type {ReturnType<typeof sending<import('../server/api.js').Answer>>} */
  const sent = sending(changed, reload);
  /**
   * Null until they are loaded.
   *
   * @type {string[] | null}
   */
  let targets = null;

  async function submit(event, id) {
    event.preventDefault();
    const { way, target, sip_address: sipAddress } = valuesOf(event.target);
    const body = way === 'target' ? { target } : { sip_address: sipAddress };
    const path = `/v1/calls/${encodeURIComponent(id)}/refer`;
    await sent.send(async () => (await postJson(path, body)).attempt);
    // The focused form may have disappeared: it is not offered while the call is being moved.
    if (sent.done !== null) document.getElementById('refer-title')?.focus();
  }

  return {
    async open() {
      targets = (await readNames())?.targets ?? null;
      changed();
    },
    reset: sent.forget,
    /** @param {CallDetail} call */
    template(call) {
      return html`<section class="panel" aria-labelledby="refer-title">
        <h2 id="refer-title" tabindex="-1">Manual refer</h2>
        ${call.refer_refused === null ? offered(call.call_control_id) : html`<p class="empty">${REFUSED[call.refer_refused]}</p>`}
        <div role="status">${
          sent.done === null
            ? nothing
            : html`<p class="fine">Accepted: refer ${said(sent.done.target ?? sent.done.sip_address)}. The timeline above shows the result.</p>`
        }</div>
        ${alertOf(sent.error)}
      </section>`;
    },
  };

  /** @param {string} id */
  function offered(id) {
    return mayAct('operator')
      ? form(id)
      : html`<p class="empty">Only an operator can refer this caller.</p>`;
  }

  /** @param {string} id */
  function form(id) {
    return html`<form class="refer" @submit=${(event) => submit(event, id)}>
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
      <button class="main" ?disabled=${sent.busy}>${sent.busy ? 'Sending…' : 'Refer the caller'}</button>
      <p class="faint small">The policy of the routes applies: allowed addresses and budgets. There is this one attempt;
        if it fails, the call goes back to what it was doing.</p>
    </form>`;
  }
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
