/** One version of the routes: its files, or what changed in them since another version. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { getJson } from '../server/api.js';
import { newest } from '../server/newest.js';

export function oneVersion(changed) {
  /** @type {ReturnType<typeof newest<import('../server/api.js').Answer>>} */
  const version = newest(changed);

  /**
   * @param {string} hash
   * @param {string | undefined} against the version to compare with, if any
   */
  async function show(hash, against) {
    version.forget();
    changed();
    const path = `/v1/routes/versions/${encodeURIComponent(hash)}`;
    await version.read({ hash, against }, () => getJson(path, { against }));
    requestAnimationFrame(() =>
      document.getElementById('version-title')?.scrollIntoView({ block: 'start' }),
    );
  }

  return {
    get error() {
      return version.error;
    },
    show,
    close: version.forget,
    /** @param {string} liveHash */
    template(liveHash) {
      if (version.found === null) return nothing;
      const { hash, files, omitted, differs } = version.found;
      const isWhole = differs === undefined;
      return html`<section class="panel" aria-labelledby="version-title">
        <h2 id="version-title">${isWhole ? 'Version' : 'What changed in'} <code>${hash.slice(0, 12)}</code></h2>
        ${isWhole ? whole(files, omitted) : difference(differs)}
        <p><button @click=${() => show(hash, isWhole ? liveHash : undefined)}>${
          isWhole ? 'Compare with the live routes' : 'Show its files'
        }</button></p>
      </section>`;
    },
  };
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
