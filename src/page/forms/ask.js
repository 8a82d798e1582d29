/** A dialog before somebody acts: what it means for callers, why, and until when it lasts. */
import { html } from '/assets/lit-html/lit-html.js';
import { now } from '../server/server-time.js';
import { ZONE } from '../words/words.js';
import { localTime } from './fields.js';

const MINUTE_MS = 60_000;

/**
 * @typedef {object} Act
 * @property {string} title what the button says that does it
 * @property {string} warning what it means for callers
 * @property {boolean} [lasts] it is asked until when
 * @property {number | null} [forMs] how long, null until further notice; without it people choose
 *
 * @typedef {{ until: string | null, reason: string | null }} Details
 */

export function asking(changed) {
  /** @type {Act} */
  let asked = { title: '', warning: '' };
  /** @type {(details: Details) => void} */
  let act = () => {};
  /**
   * The time that the field was filled with. Its text alone would be ambiguous in an hour that
   * occurs twice.
   */
  let given = { text: '', iso: '' };

  const dialog = () => /** @type {HTMLDialogElement} */ (document.getElementById('ask'));

  function submit(event) {
    event.preventDefault();
    const fields = new FormData(event.target);
    const text = String(fields.get('until') ?? '');
    const reason = String(fields.get('reason') ?? '').trim();
    dialog().close();
    act({ until: momentOf(text), reason: reason === '' ? null : reason });
  }

  /** The field has the browser's time zone; the API wants an explicit one. */
  function momentOf(text) {
    if (text === '') return null;
    return text === given.text ? given.iso : new Date(text).toISOString();
  }

  return {
    /** @param {Act} what @param {typeof act} then */
    ask(what, then) {
      asked = what;
      act = then;
      changed();
      const { form, until, reason } = partsOf(dialog());
      const label = /** @type {HTMLLabelElement} */ (until.closest('label'));
      form.reset();
      given = momentIn(what.forMs);
      until.value = given.text;
      // At once, not at the next redraw, which comes after the focus is set.
      label.hidden = !what.lasts;
      dialog().showModal();
      // If the duration is fixed, only the reason is left to type.
      (what.lasts && what.forMs === undefined ? until : reason).focus();
    },
    template:
      () => html`<dialog id="ask" class="panel" aria-labelledby="ask-title" aria-describedby="ask-what">
      <form @submit=${submit}>
        <h2 id="ask-title">${asked.title}</h2>
        <p id="ask-what">${asked.warning}</p>
        <label class="field when"><span>Until</span>
          <input name="until" type="datetime-local">
          <small>${ZONE}; empty: until further notice</small></label>
        <label class="field"><span>Reason</span>
          <input name="reason" type="text" maxlength="200" autocomplete="off">
          <small>for the other operators</small></label>
        <p class="buttons">
          <button class="main">${asked.title}</button>
          <button type="button" @click=${() => dialog().close()}>Cancel</button>
        </p>
      </form>
    </dialog>`,
  };
}

/** @param {HTMLDialogElement} dialog */
function partsOf(dialog) {
  const form = /** @type {HTMLFormElement} */ (dialog.querySelector('form'));
  const field = (name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));
  return { form, until: field('until'), reason: field('reason') };
}

/** Rounded up to a whole minute, because the field shows minutes and must not shorten the time. */
function momentIn(forMs) {
  if (forMs === undefined || forMs === null) return { text: '', iso: '' };
  const ms = Math.ceil((now() + forMs) / MINUTE_MS) * MINUTE_MS;
  const iso = new Date(ms).toISOString();
  return { text: localTime(iso), iso };
}
