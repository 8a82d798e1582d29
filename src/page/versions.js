/**
 * The route sets that were live: their files, the changes between two of them, and rollback to one.
 */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { getJson, postJson } from './api.js';
import { alertOf, located } from './fields.js';
import { mayAct } from './session.js';
import { said, time } from './words.js';

export function versionsView(changed, afterChange) {
  /** @type {import('./api.js').Answer[] | null} */
  let versions = null;
  /** @type {import('./api.js').Answer} */
  let shown = null;
  /** @type {string | null} */
  let asked = null;
  /** @type {Error | null} */
  let error = null;
  /** The version that the dialog asks about. */
  /** @type {import('./api.js').Answer} */
  let goingBack = null;
  /** @type {{ error: Error | null, done: string | null }} */
  let gone = { error: null, done: null };
  let liveHash = '';

  const dialog = () => /** @type {HTMLDialogElement} */ (document.getElementById('go-back'));

  async function load() {
    try {
      versions = (await getJson('/v1/routes/versions')).versions;
      error = null;
    } catch (failure) {
      error = failure;
    }
    changed();
  }

  async function show(hash, against) {
    asked = hash;
    shown = null;
    error = null;
    changed();
    try {
      const found = await getJson(`/v1/routes/versions/${encodeURIComponent(hash)}`, { against });
      if (asked !== hash) return;
      shown = found;
    } catch (failure) {
      if (asked !== hash) return;
      error = failure;
    }
    changed();
    document.getElementById('version-title')?.scrollIntoView({ block: 'start' });
  }

  function ask(version) {
    goingBack = version;
    gone = { error: null, done: null };
    changed();
    dialog().showModal();
  }

  async function goBack(event) {
    event.preventDefault();
    const { hash } = goingBack;
    dialog().close();
    try {
      await postJson(`/v1/routes/versions/${hash}/activate`);
      gone = { error: null, done: `The version ${hash.slice(0, 12)} is live.` };
    } catch (failure) {
      gone = { error: failure, done: null };
    }
    await load();
    afterChange();
  }

  return {
    open(hash) {
      void load();
      if (hash !== undefined) void show(hash, undefined);
    },
    /** A reload may have created another version. */
    refresh(hash) {
      if (hash !== liveHash && liveHash !== '') void load();
      liveHash = hash;
    },
    close() {
      versions = null;
      shown = null;
      asked = null;
      error = null;
      gone = { error: null, done: null };
      liveHash = '';
    },
    template() {
      return html`<section class="panel" aria-labelledby="versions-title">
          <h2 id="versions-title">Versions</h2>
          ${alertOf(error)}
          ${versions === null ? (error === null ? html`<p class="empty">Loading…</p>` : nothing) : list(versions)}
          <div role="status">${gone.done === null ? nothing : html`<p class="fine">${gone.done}</p>`}</div>
          ${alertOf(gone.error)}
          ${gone.error === null ? nothing : located(problemsOf(gone.error))}
        </section>
        ${shown === null ? nothing : version(shown)}
        ${confirmation()}`;
    },
  };

  function list(all) {
    if (all.length === 0) return html`<p class="empty">No version has been kept yet.</p>`;
    return html`<div class="versions"><table><caption class="hidden">Versions of the routes</caption>
      <thead><tr><th scope="col">Version</th><th scope="col">Live since</th><th scope="col">Until</th><th scope="col">By</th><th scope="col">Commit</th><th scope="col"><span class="hidden">Actions</span></th></tr></thead>
      <tbody>${all.map(
        (each, index) => html`<tr>
          <th scope="row"><a href=${`#/routes?version=${each.hash}`}><code>${each.hash.slice(0, 12)}</code></a>
            ${each.live ? html`<span class="badge good">live</span>` : nothing}
            ${each.role === 'next' ? html`<span class="badge calm">next</span>` : nothing}</th>
          <td>${time(each.when)}</td>
          <td>${each.until === null ? html`<span class="faint">in use</span>` : time(each.until)}</td>
          <td>${said(each.who)}</td>
          <td>${each.commit === null ? nothing : html`<code title=${each.commit}>${each.commit.slice(0, 10)}</code>`}</td>
          <td><div class="buttons">${compareButton(each, all[index + 1])} ${
            each.live || !mayAct('admin')
              ? nothing
              : html`<button @click=${() => ask(each)}>Go back</button>`
          }</div></td>
        </tr>`,
      )}</tbody></table></div>`;
  }

  /** Compares with the version that was live before it. */
  function compareButton({ hash }, before) {
    if (before === undefined) return nothing;
    return html`<button aria-label=${`What changed in ${hash.slice(0, 12)}`}
      @click=${() => show(hash, before.hash)}>What changed</button>`;
  }

  function confirmation() {
    return html`<dialog id="go-back" class="panel" aria-labelledby="go-back-title">
      <form @submit=${goBack}>
        <h2 id="go-back-title">Go back to ${goingBack?.hash.slice(0, 12) ?? ''}?</h2>
        <p>New calls follow it at once, on every replica. It lasts until the next reload or restart;
          until then the overview says that the folder holds something else.</p>
        <p class="buttons">
          <button class="main">Go back</button>
          <button type="button" @click=${() => dialog().close()}>Cancel</button>
        </p>
      </form>
    </dialog>`;
  }

  function version({ hash, files, omitted, differs }) {
    return html`<section class="panel" aria-labelledby="version-title">
      <h2 id="version-title">${differs === undefined ? 'Version' : 'What changed in'} <code>${hash.slice(0, 12)}</code></h2>
      ${differs === undefined ? whole(files, omitted) : difference(differs)}
      <p><button @click=${() => show(hash, differs === undefined ? liveHash : undefined)}>${
        differs === undefined ? 'Compare with the live routes' : 'Show its files'
      }</button></p>
    </section>`;
  }
}

function problemsOf(error) {
  return error.problem?.problems ?? [];
}

function whole(files, omitted) {
  return html`${Object.entries(files).map(
    ([name, text]) => html`<h3><code>${name}</code></h3><pre class="file">${text}</pre>`,
  )}
  ${omitted.map(({ name, bytes, why }) => html`<p class="faint"><code>${name}</code> (${bytes} bytes) is not shown: ${why}.</p>`)}`;
}

function difference({ against, files }) {
  if (files.length === 0)
    return html`<p class="empty">It is the same as ${against.slice(0, 12)}.</p>`;
  return html`<p class="faint">against <code>${against.slice(0, 12)}</code></p>
    ${files.map(
      ({
        name,
        change,
        hunks,
        why,
      }) => html`<h3><code>${name}</code> <span class="faint">${change}</span></h3>
        ${why === null ? nothing : html`<p class="faint">Not shown: ${why}.</p>`}
        ${hunks.map(
          ({ after_line: line, lines }) => html`<p class="faint small">line ${line}</p>
            <pre class="file">${lines.map((text) => html`<span class=${lineClass(text)}>${text}\n</span>`)}</pre>`,
        )}`,
    )}`;
}

function lineClass(text) {
  if (text.startsWith('+')) return 'added';
  return text.startsWith('-') ? 'removed' : 'kept';
}
