/** Going back to an older version of the routes: a dialog first, then what came of it. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { alertOf } from '../forms/fields.js';
import { postJson } from '../server/api.js';
import { sending } from '../server/sending.js';

/**
 * @param {() => void} changed
 * @param {() => Promise<unknown>} readAgain the versions, and the live routes
 */
export function goingBack(changed, readAgain) {
  /** The hash of the version that the dialog asks about. */
  let hash = '';
  /** @type {ReturnType<typeof sending<string>>} the answer in words */
  const sent = sending(changed, readAgain);

  const dialog = () => /** @type {HTMLDialogElement} */ (document.getElementById('go-back'));

  function submit(event) {
    event.preventDefault();
    dialog().close();
    void sent.send(async () => {
      await postJson(`/v1/routes/versions/${hash}/activate`);
      return `The version ${hash.slice(0, 12)} is live.`;
    });
  }

  return {
    /** @param {string} version its hash */
    ask(version) {
      hash = version;
      sent.forget();
      changed();
      dialog().showModal();
    },
    close: sent.forget,
    result: () => html`
      <div role="status">${sent.done === null ? nothing : html`<p class="fine">${sent.done}</p>`}</div>
      ${alertOf(sent.error)}`,
    dialog: () => html`<dialog id="go-back" class="panel" aria-labelledby="go-back-title">
      <form @submit=${submit}>
        <h2 id="go-back-title">Go back to ${hash.slice(0, 12)}?</h2>
        <p>New calls follow it at once, on every replica. It lasts until the next reload or restart;
          until then the overview says that the folder holds something else.</p>
        <p class="buttons">
          <button class="main">Go back</button>
          <button type="button" @click=${() => dialog().close()}>Cancel</button>
        </p>
      </form>
    </dialog>`,
  };
}
