/** The lookups of the live routes: whom each asks, and what it keeps of the answer. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { duration, said } from '../words/words.js';

/** @param {any[]} lookups as GET /v1/routes has them */
export function lookupsPanel(lookups) {
  if (lookups.length === 0) return nothing;
  return html`<section class="panel" aria-labelledby="lookups-title">
    <h2 id="lookups-title">Lookups</h2>
    <div class="scroll" tabindex="0"><table class="groups cards"><caption class="hidden">Lookups</caption>
      <thead><tr><th scope="col">Lookup</th><th scope="col">Asks</th><th scope="col">Keeps</th><th scope="col" class="number">Waits at most</th><th scope="col" class="number">Kept for other calls</th></tr></thead>
      <tbody>${lookups.map(
        ({ name, url, keep, timeout_ms, cache_ms }) => html`<tr>
          <th scope="row">${said(name)}</th>
          <td class="break broad" data-name="Asks"><code>${url}</code></td>
          <td data-name="Keeps">${keep.join(', ')}</td>
          <td class="number" data-name="Waits at most">${duration(timeout_ms)}</td>
          <td class="number" data-name="Kept for other calls">${cache_ms === null ? html`<span class="faint">no</span>` : duration(cache_ms)}</td>
        </tr>`,
      )}</tbody></table></div>
  </section>`;
}
