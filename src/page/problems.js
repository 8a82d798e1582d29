/** The problems, worst first, each with its fix. */

import { repeat } from '/assets/lit-html/directives/repeat.js';
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { FAILED } from './call-pages.js';
import { said, time } from './words.js';

/** `since`: the start of the hour that the numbers cover. */
export function problemList(problems, since) {
  if (problems.length === 0) {
    return html`<p class="fine"><span aria-hidden="true">✓</span> No known problems.</p>`;
  }
  return html`<ul class="problems">
    ${repeat(together(problems), keyOf, (problem) => problemItem(problem, since))}
  </ul>`;
}

/** The same problem on several replicas is shown once. */
function together(problems) {
  const groups = Map.groupBy(problems, ({ kind, title, detail }) => `${kind} ${title} ${detail}`);
  return [...groups.values()].map(([first, ...others]) => ({
    ...first,
    replicas: [first, ...others].map(({ replica }) => replica),
  }));
}

function problemItem(problem, since) {
  const { severity, kind, title, detail, fix, count, last_at, target, replicas } = problem;
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
      }${replicaWords(replicas)}${
        target === null
          ? nothing
          : html` · <a href=${`#/calls?${failures(target, since)}`}>its calls</a>`
      }
    </p>
  </li>`;
}

/** The number counts failed attempts; this links to their calls. */
function failures(target, since) {
  return new URLSearchParams({ target, verdict: FAILED, ...(since === null ? {} : { since }) });
}

/** null is the replica that answered. */
function replicaWords(replicas) {
  const others = replicas.filter((replica) => replica !== null);
  if (others.length === 0) return nothing;
  if (replicas.length > 1) return html` · on ${replicas.length} replicas`;
  return html` · replica <code>${others[0].slice(0, 8)}</code>`;
}

function keyOf({ kind, title, detail }) {
  return `${kind} ${title} ${detail}`;
}
