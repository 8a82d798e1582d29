/** The page for somebody who is not signed in: it asks for a token. */
import { html } from '/assets/lit-html/lit-html.js';
import { valuesOf } from '../forms/fields.js';
import { signIn } from '../server/session.js';

/**
 * @param {() => void} changed
 * @param {() => void} enter called once somebody is signed in
 */
export function signInPage(changed, enter) {
  /** @type {string | null} */
  let error = null;
  let checking = false;

  async function submit(event) {
    event.preventDefault();
    const { token = '' } = valuesOf(event.target);
    // A token may be sent as a header too, so it only contains visible ASCII.
    if (!/^[!-~]+$/.test(token))
      return refuse('A token contains only ASCII characters and no spaces.');
    checking = true;
    refuse(null);
    try {
      await signIn(token);
      enter();
    } catch (failure) {
      refuse(failure.status === 0 ? 'The server cannot be reached. Try again.' : failure.message);
    } finally {
      checking = false;
      changed();
    }
  }

  /** @param {string | null} message */
  function refuse(message) {
    error = message;
    changed();
  }

  return {
    refuse,
    template: () => html`<main id="main" class="sign-in">
      <form @submit=${submit}>
        <h1><img src="/assets/page/icon.svg" alt="" width="32" height="32"> Referee</h1>
        <label class="field">
          <span>Token</span>
          <input name="token" type="password" autocomplete="current-password" required autofocus
            aria-describedby="token-hint" aria-invalid=${error === null ? 'false' : 'true'}>
          <small id="token-hint">The server's ADMIN_TOKEN, or your own token. It is sent once and not stored.</small>
        </label>
        <button class="main" ?disabled=${checking}>${checking ? 'Checking…' : 'Sign in'}</button>
        <p class="sign-in-error" role="alert">${error}</p>
      </form>
    </main>`,
  };
}
