/** What is wrong, worst first, each with its fix. */

import { repeat } from '/assets/lit-html/directives/repeat.js';
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { said, time } from './words.js';

export function problemList(problems) {
  if (problems.length === 0) {
    return html`<p class="fine"><span aria-hidden="true">✓</span> Nothing is wrong that this page knows of.</p>`;
  }
  return html`<ul class="problems">
    ${repeat(problems, keyOf, problemItem)}
  </ul>`;
}

function problemItem({ severity, kind, title, detail, fix, count, last_at, target, replica }) {
  return html`<li class="problem ${severity}">
    <p class="title">
      <span class="badge ${severity === 'error' ? 'bad' : 'doubtful'}">${severity}</span>
      <strong>${title}</strong>
    </p>
    ${detail === null ? nothing : html`<p>${said(detail)}</p>`}
    ${fix === null ? nothing : html`<p class="fix"><span class="faint">What to do:</span> ${fix}</p>`}
    <p class="faint small">
      <code>${kind}</code>${count > 1 && target === null ? html` · ${count} times` : nothing}${
        last_at === null ? nothing : html` · last ${time(last_at)}`
      }${replica === null ? nothing : html` · replica <code>${replica.slice(0, 8)}</code>`}${
        target === null
          ? nothing
          : html` · <a href=${`#/calls?target=${encodeURIComponent(target)}`}>its calls</a>`
      }
    </p>
  </li>`;
}

function keyOf({ kind, title, replica }) {
  return `${kind} ${title} ${replica}`;
}
