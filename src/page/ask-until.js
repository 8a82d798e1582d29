/** Asks why, and until when, before something is forced by hand or given back. */
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
  /** The moment that the field was filled with: in an hour that comes twice, its text is two moments. */
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

  /** The browser's field has the browser's zone; the API wants one that is written. */
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
      // Where the time is said already, what is left to say is the reason.
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

/** Up to the next whole minute, which is what the field can show: never less than was asked for. */
function momentIn(forMs) {
  if (forMs === undefined || forMs === null) return { text: '', iso: '' };
  const ms = Math.ceil((Date.now() + forMs) / MINUTE_MS) * MINUTE_MS;
  const iso = new Date(ms).toISOString();
  return { text: localTime(iso), iso };
}
