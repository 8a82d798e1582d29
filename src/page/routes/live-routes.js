/** The live routes: their hash and files, and the button that reloads the folder. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { alertOf, located } from '../forms/fields.js';
import { postJson } from '../server/api.js';
import { sending } from '../server/sending.js';
import { mayAct } from '../server/session.js';
import { joined, said, time } from '../words/words.js';

/**
 * @param {() => void} changed
 * @param {() => Promise<import('../server/api.js').Answer>} readAgain the live routes
 */
export function liveRoutes(changed, readAgain) {
  /** @type {import('../server/api.js').Answer} */
  let after = null;
  /** @type {ReturnType<typeof sending<import('../server/api.js').Answer>>} */
  const sent = sending(changed, async () => {
    after = await readAgain();
  });

  async function reload() {
    await sent.send(() => postJson('/v1/routes/reload'));
    // The page shows the refusal from the routes document, as after a SIGHUP.
    if (isRefusal(sent.error) && after.last_refusal !== null) sent.error = null;
  }

  return {
    close: sent.forget,
    /** @param {import('../server/api.js').Answer} routes as GET /v1/routes has them */
    template(routes) {
      const refusal = isRefusal(sent.error) ? null : routes.last_refusal;
      return html`<section class="panel" aria-labelledby="set-title">
        <h2 id="set-title">Live routes</h2>
        ${facts(routes)}
        ${activation(routes.activated)}
        ${mayAct('admin') ? html`<p><button class="main" ?disabled=${sent.busy} @click=${reload}>${sent.busy ? 'Loading…' : 'Reload the routes folder'}</button></p>` : nothing}
        <div role="status">${sent.done === null ? nothing : reloaded(sent.done)}</div>
        ${alertOf(sent.error)}
        ${refusal === null ? nothing : refused(refusal)}
      </section>`;
    },
  };
}

function isRefusal(error) {
  return error?.problem?.reason === 'routes_refused';
}

function facts({ hash, files, lists }) {
  return html`<dl class="facts">
    <div><dt>Hash</dt><dd class="break"><code>${hash}</code></dd></div>
    <div><dt>Files</dt><dd>${joined(files.map((file) => html`<code>${file}</code>`))}</dd></div>
    <div><dt>Lists</dt><dd>${
      lists.length === 0
        ? html`<span class="faint">none</span>`
        : joined(lists.map(({ name, entries }) => html`${said(name)} (${entries})`))
    }</dd></div>
  </dl>`;
}

function activation(activated) {
  if (activated === null) return nothing;
  return html`<div class="alert" role="alert"><p>This is an older version: ${said(activated.who)} went back to it, ${time(activated.at)}.
    The folder holds <code>${activated.folder.slice(0, 12)}</code>, which a reload makes live.</p></div>`;
}

function reloaded({ changed, warnings }) {
  return html`<p class="fine">${changed ? 'The new routes are live.' : 'Nothing changed.'}</p>${located(warnings)}`;
}

function refused({ at, problems }) {
  return html`<div class="alert" role="alert"><p>The last reload was refused, ${time(at)}. The routes above stay live.</p>
    ${located(problems)}</div>`;
}
