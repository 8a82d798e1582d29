/** The versions of the routes that were live, newest first, with the way back to each. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { alertOf } from '../forms/fields.js';
import { getJson } from '../server/api.js';
import { newest } from '../server/newest.js';
import { mayAct } from '../server/session.js';
import { said, time } from '../words/words.js';
import { goingBack } from './go-back.js';
import { oneVersion } from './version.js';

/**
 * @param {() => void} changed
 * @param {() => Promise<unknown>} readRoutes the live routes again
 */
export function versionsView(changed, readRoutes) {
  /** @type {ReturnType<typeof newest<import('../server/api.js').Answer[]>>} */
  const versions = newest(changed);
  const version = oneVersion(changed);
  const back = goingBack(changed, () => Promise.all([load(), readRoutes()]));
  let liveHash = '';

  async function load() {
    await versions.read('versions', async () => (await getJson('/v1/routes/versions')).versions);
  }

  return {
    open(hash) {
      void load();
      if (hash !== undefined) void version.show(hash, undefined);
    },
    /** A reload may have created another version. */
    refresh(hash) {
      if (hash !== liveHash && liveHash !== '') void load();
      liveHash = hash;
    },
    close() {
      versions.forget();
      version.close();
      back.close();
      liveHash = '';
    },
    template() {
      const error = version.error ?? versions.error;
      return html`<section class="panel" aria-labelledby="versions-title">
          <h2 id="versions-title">Versions</h2>
          ${alertOf(error)}
          ${versions.found === null ? (error === null ? html`<p class="empty">Loading…</p>` : nothing) : list(versions.found)}
          ${back.result()}
        </section>
        ${version.template(liveHash)}
        ${back.dialog()}`;
    },
  };

  function list(all) {
    if (all.length === 0) return html`<p class="empty">No version has been kept yet.</p>`;
    return html`<div class="versions"><table class="cards"><caption class="hidden">Versions of the routes</caption>
      <thead><tr><th scope="col">Version</th><th scope="col">Live since</th><th scope="col">Until</th><th scope="col">By</th><th scope="col">Commit</th><th scope="col"><span class="hidden">Actions</span></th></tr></thead>
      <tbody>${all.map(
        (each, index) => html`<tr>
          <th scope="row"><a href=${`#/routes?version=${each.hash}`}><code>${each.hash.slice(0, 12)}</code></a>
            ${each.live ? html`<span class="badge good">live</span>` : nothing}
            ${each.role === 'next' ? html`<span class="badge calm">next</span>` : nothing}</th>
          <td data-name="Live since">${time(each.when)}</td>
          <td data-name="Until">${each.until === null ? html`<span class="faint">in use</span>` : time(each.until)}</td>
          <td data-name="By">${said(each.who)}</td>
          <td data-name=${each.commit === null ? nothing : 'Commit'}>${each.commit === null ? nothing : html`<code title=${each.commit}>${each.commit.slice(0, 10)}</code>`}</td>
          <td><div class="buttons">${compareButton(each, all[index + 1])} ${
            each.live || !mayAct('admin')
              ? nothing
              : html`<button @click=${() => back.ask(each.hash)}>Go back</button>`
          }</div></td>
        </tr>`,
      )}</tbody></table></div>`;
  }

  /** Compares with the version that was live before it. */
  function compareButton({ hash }, before) {
    if (before === undefined) return nothing;
    return html`<button aria-label=${`What changed in ${hash.slice(0, 12)}`}
      @click=${() => version.show(hash, before.hash)}>What changed</button>`;
  }
}
