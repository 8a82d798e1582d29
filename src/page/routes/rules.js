/** The rules of the live routes in their order, each with its calls and its paths. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { count, said } from '../words/words.js';

const SHOWN_MAX = 200;

/**
 * @param {any[]} rules as GET /v1/routes has them
 * @param {(name: string) => void} showPaths
 */
export function rulesPanel(rules, showPaths) {
  return html`<section class="panel" aria-labelledby="rules-title">
    <h2 id="rules-title">Rules, in order</h2>
    ${ruleList(rules, showPaths)}
  </section>`;
}

function ruleList(rules, showPaths) {
  const otherwise = html`<p><a href="#/calls?rule=otherwise">otherwise</a> ${pathsButton('otherwise', showPaths)}</p>`;
  if (rules.length === 0)
    return html`<p class="empty">The routes have no rules: every call runs otherwise.</p>${otherwise}`;
  const shown = rules.slice(0, SHOWN_MAX);
  return html`<ol class="rules">
      ${shown.map(
        ({
          name,
          file,
          line,
          handler,
        }) => html`<li><a href=${`#/calls?rule=${encodeURIComponent(name)}`}>${said(name)}</a>
          <span class="faint small"><code>${file}:${line}</code>${handler === null ? nothing : html` handler <code>${handler}</code>`}</span>
          ${pathsButton(name, showPaths)}</li>`,
      )}
    </ol>
    ${rules.length > shown.length ? html`<p class="faint">and ${count(rules.length - shown.length, 'more rule')}</p>` : nothing}
    ${otherwise}`;
}

function pathsButton(name, showPaths) {
  return html`<button aria-label=${`Paths of ${name}`} @click=${() => showPaths(name)}>Paths</button>`;
}
