/** Asks until when, and why, before something is forced by hand. */
import { html } from '/assets/lit-html/lit-html.js';

export function askUntil(changed) {
  let title = '';
  /** @type {(details: { until: string | null, reason: string | null }) => void} */
  let act = () => {};

  const dialog = () => /** @type {HTMLDialogElement} */ (document.getElementById('ask-until'));

  function submit(event) {
    event.preventDefault();
    const fields = new FormData(event.target);
    const until = String(fields.get('until') ?? '');
    const reason = String(fields.get('reason') ?? '').trim();
    dialog().close();
    // The browser's field has the browser's zone; the API wants one that is written.
    act({
      until: until === '' ? null : new Date(until).toISOString(),
      reason: reason === '' ? null : reason,
    });
  }

  return {
    ask(what, then) {
      title = what;
      act = then;
      changed();
      dialog().querySelector('form')?.reset();
      dialog().showModal();
    },
    template() {
      const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
      return html`<dialog id="ask-until" class="panel" aria-labelledby="ask-until-title">
        <form @submit=${submit}>
          <h2 id="ask-until-title">${title}</h2>
          <label class="field when"><span>Until</span>
            <input name="until" type="datetime-local">
            <small>${zone}; empty: until somebody ends it</small></label>
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
