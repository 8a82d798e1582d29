/**
 * The next route set: what it would do differently, as before-and-after pairs with example calls.
 */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { located } from '../forms/fields.js';
import { count, joined, said, time } from '../words/words.js';

export function nextPanel(next) {
  if (next === null) return nothing;
  return html`<section class="panel" aria-labelledby="next-title">
    <h2 id="next-title">The next routes</h2>
    <dl class="facts">
      <div><dt>Hash</dt><dd class="break"><code>${next.hash ?? 'none yet'}</code></dd></div>
      <div><dt>Followed by</dt><dd>${next.percent} % of the callers</dd></div>
      <div><dt>Compared</dt><dd>${count(next.decided, 'decision')} on this replica since ${time(next.since)}${
        next.not_compared === 0
          ? nothing
          : html` <span class="faint">(and ${next.not_compared} that could not be compared)</span>`
      }</dd></div>
      <div><dt>Different</dt><dd>${next.differs}</dd></div>
    </dl>
    ${
      next.last_refusal === null
        ? nothing
        : html`<div class="alert" role="alert"><p>The next routes have problems, ${time(next.last_refusal.at)}. Nothing changes for callers.</p>
          ${located(next.last_refusal.problems)}</div>`
    }
    ${next.changes.length === 0 ? html`<p class="empty">Nothing differs so far.</p>` : changeTable(next.changes)}
  </section>`;
}

function changeTable(changes) {
  return html`<div class="versions"><table><caption class="hidden">What the next routes decide differently</caption>
    <thead><tr><th scope="col">Now</th><th scope="col">Next</th><th scope="col" class="number">Decisions</th><th scope="col">Newest calls</th></tr></thead>
    <tbody>${changes.map(
      ({ before, after, calls, examples }) => html`<tr>
        <td>${side(before)}</td><td>${side(after)}</td><td class="number">${calls}</td>
        <td>${joined(
          examples.map(
            (id, index) =>
              html`<a href=${`#/calls/${encodeURIComponent(id)}`} aria-label=${`Call ${id}`}>${index + 1}</a>`,
          ),
        )}</td>
      </tr>`,
    )}</tbody></table></div>`;
}

function side({ rule, target }) {
  if (rule === null) return html`<span class="faint">left alone</span>`;
  return html`${said(rule)}${target === null ? nothing : html` → <strong>${said(target)}</strong>`}`;
}
