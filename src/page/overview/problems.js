/**
 * The problems, worst first, one line each and grouped by cause; a line can be unfolded to show
 * what it means and what to do. Requests that are not from Telnyx and have no effect are listed
 * separately.
 */

import { repeat } from '/assets/lit-html/directives/repeat.js';
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { FAILED } from '../calls/pages.js';
import { count, said, time } from '../words/words.js';

/**
 * Refusals that anybody on the internet can cause. A wrong signature is not among them, because a
 * wrong TELNYX_PUBLIC_KEY looks the same.
 */
const STRANGERS = new Set([
  'signature_missing',
  'no_such_endpoint',
  'method_not_allowed',
  'not_http',
  'pipelined',
  'tls',
  'http2',
  'not_json',
  'body_too_large',
]);

/** The view that shows more about a problem. */
const PLACES = new Map([
  ['outbox.old', { href: '#/outbox', name: 'what is waiting' }],
  ['event.dead_letter', { href: '#/outbox', name: 'the events' }],
]);

/** `since`: the start of the hour that the numbers cover. */
export function problemList(problems, since) {
  const all = together(problems);
  const strange = all.filter(isStrange);
  const own = all.filter((problem) => !isStrange(problem));
  const groups = [...Map.groupBy(own, causeOf)];
  return html`${
    own.length === 0
      ? html`<p class="fine"><span aria-hidden="true">✓</span> No known problems.</p>`
      : html`<ul class="problems">
          ${repeat(
            groups,
            ([cause]) => cause,
            ([, all]) => groupItem(all, since),
          )}
        </ul>`
  }
  ${strange.length === 0 ? nothing : strangers(strange, since)}`;
}

/** The same problem on several replicas is shown once. */
function together(problems) {
  const groups = Map.groupBy(problems, ({ kind, title, detail }) => `${kind} ${title} ${detail}`);
  return [...groups.values()].map(([first, ...others]) => ({
    ...first,
    count: [first, ...others].reduce((sum, { count: n }) => sum + n, 0),
    replicas: [first, ...others].map(({ replica }) => replica),
  }));
}

/** The title of a log event ends in its reason. */
function reasonOf({ title }) {
  return title.split(': ').at(-1);
}

function isStrange(problem) {
  return problem.kind === 'webhook.refused' && STRANGERS.has(reasonOf(problem));
}

/** Each failing target and each override has its own line. */
function causeOf({ kind, title, target, forced }) {
  return target !== null || forced !== null ? `${kind} ${title}` : kind;
}

function groupItem(all, since) {
  const [first, ...others] = all;
  if (others.length === 0) return problemItem(first, since);
  const total = all.reduce((sum, { count: n }) => sum + n, 0);
  const last =
    all
      .map(({ last_at: at }) => at ?? '')
      .toSorted()
      .at(-1) ?? '';
  const worst = all.some(({ severity }) => severity === 'error') ? 'error' : 'warning';
  return html`<li class="problem ${worst}"><details>
    ${line(worst, first.title.split(': ')[0], { times: total, last: last === '' ? null : last, kinds: all.length })}
    <ul class="problems">${all.map((problem) => html`<li class="of-group"><strong>${problem.title}</strong>${body(problem, since)}</li>`)}</ul>
  </details></li>`;
}

function problemItem(problem, since) {
  const { kind, severity, title, count: times, last_at: last, target } = problem;
  // The title of a failing target has its numbers.
  const isCounted = target === null && kind !== 'target.failing';
  return html`<li class="problem ${severity}"><details>
    ${line(severity, title, { times: isCounted ? times : 1, last, kinds: 1 })}
    ${body(problem, since)}
  </details></li>`;
}

function line(severity, title, { times, last, kinds }) {
  return html`<summary><span class="mark ${severity === 'error' ? 'bad' : 'doubtful'}"></span><span class="hidden">${severity}:</span>
    <span class="one-line">${title}</span>
    <span class="faint small">${kinds > 1 ? `${kinds} kinds, ` : nothing}${times > 1 ? html`${times} times` : nothing}${
      last === null ? nothing : html`${times > 1 ? ', last ' : ''}${time(last)}`
    }</span></summary>`;
}

function body({ kind, detail, fix, target, replicas }, since) {
  const place = PLACES.get(kind);
  return html`<div class="problem-body">
    ${detail === null ? nothing : html`<p>${said(detail)}</p>`}
    ${fix === null ? nothing : html`<p class="fix"><span class="faint">What to do:</span> ${fix}</p>`}
    <p class="faint small"><code>${kind}</code>${replicaWords(replicas)}${
      target === null
        ? nothing
        : html` · <a href=${`#/calls?${failures(target, since)}`}>its calls</a>`
    }${place === undefined ? nothing : html` · <a href=${place.href}>${place.name}</a>`}</p>
  </div>`;
}

function strangers(strange, since) {
  const total = strange.reduce((sum, { count: n }) => sum + n, 0);
  return html`<details class="strangers"><summary class="faint">${count(total, 'request')} that
      did not come from Telnyx ${total === 1 ? 'was' : 'were'} refused. No caller is affected.</summary>
    <ul class="problems">${strange.map(
      (problem) => html`<li class="of-group"><strong>${problem.title}</strong>
        <span class="faint small">${problem.count > 1 ? `${problem.count} times, last ` : ''}${time(problem.last_at)}</span>
        ${body(problem, since)}</li>`,
    )}</ul></details>`;
}

/** The number counts failed attempts; this links to their calls. */
function failures(target, since) {
  return new URLSearchParams({ target, verdict: FAILED, ...(since === null ? {} : { since }) });
}

/** null means the replica that answered. */
function replicaWords(replicas) {
  const others = replicas.filter((replica) => replica !== null);
  if (others.length === 0) return nothing;
  if (replicas.length > 1) return html` · on ${replicas.length} replicas`;
  return html` · replica <code>${others[0].slice(0, 8)}</code>`;
}
