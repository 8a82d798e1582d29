/** A dialog that asks why, and until when, before an override is set or ended. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { localTime } from './fields.js';
import { ZONE } from './words.js';

const MINUTE_MS = 60_000;

/**
 * @typedef {object} Act
 * @property {string} title what the button says that does it
 * @property {string} warning what it means for callers
 * @property {number | null} [forMs] how long, null until further notice; without it people choose
 * @property {boolean} [ends] it gives something back, so there is no "until"
 */

export function askUntil(changed) {
  /** @type {Act} */
  let asked = { title: '', warning: '' };
  /** @type {(details: { until: string | null, reason: string | null }) => void} */
  let act = () => {};
  /**
   * The time that the field was filled with. Its text alone would be ambiguous in an hour that
   * occurs twice.
   */
  let given = { text: '', iso: '' };

  const dialog = () => /** @type {HTMLDialogElement} */ (document.getElementById('ask-until'));
  const field = (name) =>
    /** @type {HTMLInputElement | null} */ (dialog().querySelector(`[name=${name}]`));

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
      dialog().querySelector('form')?.reset();
      given = momentIn(what.forMs);
      const until = field('until');
      if (until !== null) until.value = given.text;
      dialog().showModal();
      // If the duration is fixed, only the reason is left to type.
      if (what.forMs !== undefined) field('reason')?.focus();
    },
    template() {
      const { title, warning, ends } = asked;
      return html`<dialog id="ask-until" class="panel" aria-labelledby="ask-until-title" aria-describedby="ask-until-what">
        <form @submit=${submit}>
          <h2 id="ask-until-title">${title}</h2>
          <p id="ask-until-what">${warning}</p>
          ${
            ends
              ? nothing
              : html`<label class="field when"><span>Until</span>
            <input name="until" type="datetime-local">
            <small>${ZONE}; empty: until further notice</small></label>`
          }
          <label class="field"><span>Reason</span>
            <input name="reason" type="text" maxlength="200" autocomplete="off">
            <small>for the other operators</small></label>
          <p class="buttons">
            <button class="main">${title}</button>
            <button type="button" @click=${() => dialog().close()}>Cancel</button>
          </p>
        </form>
      </dialog>`;
    },
  };
}

/** Rounded up to a whole minute, because the field shows minutes and must not shorten the time. */
function momentIn(forMs) {
  if (forMs === undefined || forMs === null) return { text: '', iso: '' };
  const ms = Math.ceil((Date.now() + forMs) / MINUTE_MS) * MINUTE_MS;
  const iso = new Date(ms).toISOString();
  return { text: localTime(iso), iso };
}
