/** Moves a caller by hand: to a target of the live routes, or to a SIP address. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { postJson } from './api.js';
import { alertOf, valuesOf } from './fields.js';
import { mayAct } from './session.js';
import { said } from './words.js';

/** @typedef {ReturnType<typeof import('../http/api/calls-json.ts').callDetail>} CallDetail */

const NOT_SENT = { busy: false, error: null, done: null };

/**
 * @param {() => void} changed
 * @param {() => Promise<void>} reload reads the call again
 */
export function manualRefer(changed, reload) {
  /** @type {{ busy: boolean, error: Error | null, done: import('./api.js').Answer }} */
  let sent = NOT_SENT;

  async function submit(event, id) {
    event.preventDefault();
    const { way, target, sip_address: sipAddress } = valuesOf(event.target);
    sent = { busy: true, error: null, done: null };
    changed();
    try {
      const body = way === 'target' ? { target } : { sip_address: sipAddress };
      const { attempt } = await postJson(`/v1/calls/${encodeURIComponent(id)}/refer`, body);
      sent = { busy: false, error: null, done: attempt };
    } catch (failure) {
      sent = { busy: false, error: failure, done: null };
    }
    changed();
    await reload();
    // The focused form may have disappeared: it is not offered while the call is being moved.
    if (sent.done !== null) document.getElementById('refer-title')?.focus();
  }

  return {
    reset() {
      sent = NOT_SENT;
    },
    /**
     * @param {CallDetail} call
     * @param {string[] | null} targets null until they are loaded
     */
    template(call, targets) {
      return html`${call.refer_refused === null ? (mayAct('operator') ? form(call.call_control_id, targets) : html`<p class="empty">An operator may refer this caller; you may read.</p>`) : html`<p class="empty">${REFUSED[call.refer_refused]}</p>`}
        <div role="status">${
          sent.done === null
            ? nothing
            : html`<p class="fine">Accepted: refer ${said(sent.done.target ?? sent.done.sip_address)}. The timeline above shows the result.</p>`
        }</div>
        ${alertOf(sent.error)}`;
    },
  };

  /**
   * @param {string} id
   * @param {string[] | null} targets
   */
  function form(id, targets) {
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
      <p class="faint small">The policy of the route set applies: allowed addresses and budgets. The attempt is a plan of
        one step; if it fails, the call returns to what it did.</p>
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
