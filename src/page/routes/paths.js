/** What can happen to the callers of one rule: the worst case in words, and every branch. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { alertOf } from '../forms/fields.js';
import { getJson } from '../server/api.js';
import { newest } from '../server/newest.js';
import { badge, count, duration, joined, said } from '../words/words.js';

export function pathsView(changed) {
  /** @type {string | null} */
  let rule = null;
  /** @type {ReturnType<typeof newest<import('../server/api.js').Answer>>} */
  const proof = newest(changed);

  async function show(name) {
    rule = name;
    proof.forget();
    changed();
    await proof.read({ rule }, () => getJson('/v1/routes/prove', { rule: name }));
  }

  return {
    show,
    /** A reload may have changed what was shown. */
    refresh(hash) {
      if (proof.found !== null && proof.found.hash !== hash) void show(rule);
    },
    close() {
      rule = null;
      proof.forget();
    },
    template() {
      if (rule === null) return nothing;
      return html`<section class="panel" aria-labelledby="paths-title" aria-live="polite">
        <h2 id="paths-title">What can happen to callers of ${said(rule)}</h2>
        ${alertOf(proof.error)}
        ${proof.found === null ? (proof.error === null ? html`<p class="empty">Playing every path…</p>` : nothing) : shown(proof.found)}
      </section>`;
    },
  };
}

function shown(proof) {
  return html`<p>${count(proof.paths, 'path')}${Object.entries(proof.ends).map(
    ([ends, paths]) => html` ${badge(ends)} <span class="faint small">${paths}</span>`,
  )}</p>
    ${proof.complete ? nothing : html`<p><span class="badge doubtful">not complete</span> ${said(proof.unfinished)}</p>`}
    ${worst(proof)}
    ${proof.patience_secs === null ? nothing : html`<p class="fine">Patience (${duration(proof.patience_secs * 1000)}) may end before the steps do: then the running attempt ends and the last resort runs.</p>`}
    ${branches(proof.tree)}`;
}

function worst({ worst: found, words }) {
  if (found === null) return nothing;
  const { wait, silence, moves } = found;
  const story = (value, text) => (value === 0 ? nothing : said(text));
  return html`<dl class="facts">
    <div><dt>Longest wait</dt><dd>${duration(wait.secs * 1000)} <span class="faint">${story(wait.secs, words.wait)}</span></dd></div>
    <div><dt>Longest silence</dt><dd>${duration(silence.secs * 1000)} <span class="faint">${story(silence.secs, words.silence)}</span></dd></div>
    <div><dt>Most billed moves</dt><dd>${moves.count} <span class="faint">${story(moves.count, words.moves)}</span></dd></div>
  </dl>`;
}

const LINES_SHOWN = 500;

function branches(tree) {
  const lines = tree.slice(0, LINES_SHOWN);
  return html`${nested(lines, 0)}
    ${tree.length > lines.length ? html`<p class="faint">and ${count(tree.length - lines.length, 'more branch', 'more branches')}: npx referee prove --tree shows all</p>` : nothing}`;
}

/** Lines of one depth, each with its children. */
function nested(lines, depth) {
  const starts = lines.flatMap((line, index) => (line.depth === depth ? [index] : []));
  if (starts.length === 0) return nothing;
  return html`<ul class="paths">${starts.map((start, n) => {
    const below = lines.slice(start + 1, starts[n + 1] ?? lines.length);
    return html`<li>${branch(lines[start])}${nested(below, depth + 1)}</li>`;
  })}</ul>`;
}

function branch({ when, steps, ends, again }) {
  return html`${when === '' ? nothing : html`<span class="faint">${said(when)}</span>${steps.length > 0 ? ': ' : ' '}`}${joined(
    steps.map((step) => html`<strong>${said(step)}</strong>`),
  )} ${ends === null ? nothing : badge(ends)}${again ? html`<span class="faint">… as above</span>` : nothing}`;
}
