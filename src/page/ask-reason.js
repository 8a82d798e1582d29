/** A dialog that asks for confirmation and a reason before an action on a call. */
import { html } from '/assets/lit-html/lit-html.js';

export function askReason(changed) {
  let title = '';
  let warning = '';
  /** @type {(reason: string | null) => void} */
  let act = () => {};

  const dialog = () => /** @type {HTMLDialogElement} */ (document.getElementById('ask-reason'));

  function submit(event) {
    event.preventDefault();
    const reason = String(new FormData(event.target).get('reason') ?? '').trim();
    dialog().close();
    act(reason === '' ? null : reason);
  }

  return {
    ask(what, consequence, then) {
      title = what;
      warning = consequence;
      act = then;
      changed();
      dialog().querySelector('form')?.reset();
      dialog().showModal();
    },
    template() {
      return html`<dialog id="ask-reason" class="panel" aria-labelledby="ask-reason-title">
        <form @submit=${submit}>
          <h2 id="ask-reason-title">${title}</h2>
          <p>${warning}</p>
          <label class="field"><span>Reason</span>
            <input name="reason" type="text" maxlength="200" autocomplete="off">
            <small>kept with what you do, for the others</small></label>
          <p class="buttons">
            <button class="main">${title}</button>
            <button type="button" @click=${() => dialog().close()}>Cancel</button>
          </p>
        </form>
      </dialog>`;
    },
  };
}
