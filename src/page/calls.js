/** The list of calls: filters, pages, and rows that are updated live. */

import { repeat } from '/assets/lit-html/directives/repeat.js';
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { getJson } from './api.js';
import { FAILED, NOT_ARRIVED, readPage } from './call-pages.js';
import { alertOf, choice, textField, tidyNumber, valuesOf } from './fields.js';
import { ENDS, PHASES, standing, VERDICTS, word } from './states.js';
import { age, badge, moment, plain, ruleName, said, targetName, time, ZONE } from './words.js';

const ROOMY = matchMedia('(min-width: 60rem)');
const FILTERS = ['number', 'from', 'to', 'rule', 'target', 'verdict', 'ends', 'phase', 'since'];

/** @typedef {ReturnType<typeof import('../http/api/calls-json.ts').callSummary>} CallSummary */

export function callsView(changed) {
  let open = false;
  let filter = {};
  let names = { rules: [], targets: [] };
  let page = emptyPage();
  /** Cursors of the previous pages. */
  let trail = [];
  let loading = 0;
  /** Calls that arrived since the first page was loaded. */
  let newer = new Set();

  async function load(cursor) {
    const mine = ++loading;
    page = { ...page, busy: true };
    changed();
    try {
      const found = await readPage(filter, cursor);
      if (mine !== loading) return;
      page = { ...found, busy: false, error: null, cursor };
      newer = new Set();
    } catch (error) {
      if (mine === loading) page = { ...page, busy: false, error };
    }
    changed();
  }

  async function loadNames() {
    const routes = await getJson('/v1/routes').catch(() => null);
    if (routes === null) return;
    names = {
      rules: routes.rules.map(({ name }) => name),
      targets: routes.targets.map(({ name }) => name),
    };
    changed();
  }

  function overList() {
    return html`<div class="over-list">
      <p class="small faint" role="status">${
        newer.size === 0
          ? `Times in ${ZONE}`
          : html`<button @click=${readAgain}>${newer.size} newer: reload</button>`
      }</p>
      <nav class="pager" aria-label="Pages">
        <button ?disabled=${trail.length === 0} @click=${() => load(trail.pop() ?? null)}>Newer</button>
        <span class="faint">page ${trail.length + 1}</span>
        <button ?disabled=${page.next === null} @click=${() => {
          trail.push(page.cursor);
          void load(page.next);
        }}>Older</button>
      </nav>
    </div>`;
  }

  function readAgain() {
    void load(null);
  }

  return {
    title: () => 'Calls',
    open(params, { kept }) {
      open = true;
      filter = Object.fromEntries(
        FILTERS.flatMap((name) => (params[name] ? [[name, params[name]]] : [])),
      );
      trail = kept?.trail ?? [];
      if (kept !== null) page = kept.page;
      void load(kept?.page.cursor ?? null);
      if (names.rules.length === 0) void loadNames();
    },
    keep: () => ({ page, trail: [...trail] }),
    close() {
      open = false;
      page = emptyPage();
      trail = [];
    },
    refresh() {
      void load(page.cursor);
    },
    onCall(call) {
      if (!open) return;
      const id = call.call_control_id;
      const index = page.calls.findIndex((known) => known.call_control_id === id);
      if (index >= 0) page.calls = page.calls.with(index, call);
      else if (page.cursor === null && isNewer(call, page.calls)) newer.add(id);
    },
    template: () => html`
      <h1 tabindex="-1">Calls</h1>
      ${filterForm(filter, names)}
      ${alertOf(page.error)}
      ${overList()}
      <section class="panel" aria-label="Calls found" aria-busy=${page.busy ? 'true' : 'false'}>
        ${
          page.calls.length > 0
            ? callTable(page.calls, 'Calls, newest first')
            : html`<p class="empty">${emptyWords(page, filter)}</p>`
        }
      </section>`,
  };
}

/**
 * @returns {{
 *   calls: CallSummary[],
 *   next: any,
 *   cursor: any,
 *   busy: boolean,
 *   error: Error | null,
 * }} `next` and `cursor` as call-pages.js has them
 */
function emptyPage() {
  return { calls: [], next: null, cursor: null, busy: true, error: null };
}

/** Why the list is empty, with the filter. */
function emptyWords({ busy, error }, filter) {
  if (error !== null) return 'The calls could not be loaded.';
  if (busy) return 'Loading…';
  const asked = Object.entries(filter).map(([name, value]) =>
    name === 'since' ? `since ${moment(value)}` : `${name} ${word(value)}`,
  );
  if (asked.length > 0)
    return `No calls match: ${plain(asked.join(', '))}. Ended calls are kept for RETENTION_DAYS.`;
  return 'No calls yet. Point a Telnyx application at /webhooks/telnyx, or try npm run demo.';
}

/**
 * @param {CallSummary} call
 * @param {CallSummary[]} calls
 */
function isNewer(call, calls) {
  const [newest] = calls;
  return newest === undefined || call.created_at > newest.created_at;
}

function filterForm(filter, names) {
  const more = ['from', 'to', 'rule', 'target', 'ends', 'since'].some((name) => name in filter);
  return html`<form @submit=${submit} @change=${submit}>
    <div class="filters">
      ${textField('Number (either side)', 'number', filter.number, { type: 'tel', placeholder: '+14155550100' })}
      ${choice('Verdict', 'verdict', filter.verdict, [FAILED, ...VERDICTS])}
      ${choice('Phase', 'phase', filter.phase, PHASES)}
      <div class="field buttons">
        <button class="main">Find</button>
        <a class="button" href="#/calls" @click=${clear}>Clear</a>
      </div>
    </div>
    <details class="more-filters" ?open=${more || ROOMY.matches}>
      <summary>More filters</summary>
      <div class="filters">
        ${textField('From', 'from', filter.from, { type: 'tel' })}
        ${textField('To', 'to', filter.to, { type: 'tel' })}
        ${textField('Rule', 'rule', filter.rule, { list: 'rule-names' })}
        ${textField('Target', 'target', filter.target, { list: 'target-names' })}
        ${choice('Ends', 'ends', filter.ends, [NOT_ARRIVED, ...ENDS])}
        ${textField('Since', 'since', localTime(filter.since), { type: 'datetime-local' })}
      </div>
    </details>
    <datalist id="rule-names">${names.rules.map((name) => html`<option value=${name}></option>`)}</datalist>
    <datalist id="target-names">${names.targets.map((name) => html`<option value=${name}></option>`)}</datalist>
  </form>`;
}

/** Includes what was typed but not submitted yet. */
function clear(event) {
  event.currentTarget.closest('form').reset();
}

function submit(event) {
  event.preventDefault();
  const values = valuesOf(event.currentTarget);
  for (const name of ['number', 'from', 'to']) values[name] = tidyNumber(values[name] ?? '');
  if (values.since) values.since = new Date(values.since).toISOString();
  const wanted = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== ''));
  location.hash = wanted.size === 0 ? '#/calls' : `#/calls?${wanted}`;
}

/** The value of a datetime-local field: local time without a zone. */
function localTime(iso) {
  if (iso === undefined || Number.isNaN(Date.parse(iso))) return '';
  const date = new Date(iso);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

export function callTable(calls, caption) {
  return html`<table class="calls">
    <caption class="hidden">${caption}</caption>
    <thead><tr><th scope="col">Started</th><th scope="col">From</th><th scope="col">To</th><th scope="col">Phase or end</th>
      <th scope="col">Rule</th><th scope="col">Last attempt</th><th scope="col" class="number">Duration</th></tr></thead>
    <tbody>${repeat(calls, ({ call_control_id: id }) => id, callRow)}</tbody>
  </table>`;
}

/** @param {CallSummary} call */
function callRow(call) {
  const attempt = call.attempts.at(-1);
  const href = `#/calls/${encodeURIComponent(call.call_control_id)}`;
  return html`<tr data-call=${call.call_control_id}>
    <td class="came"><a href=${href}>${time(call.created_at)}</a></td>
    <td class="from">${said(call.from, 'anonymous')}</td>
    <td class="to"><span class="arrow" aria-hidden="true">→ </span>${said(call.to)}${call.label ? html` <span class="muted">${call.label}</span>` : nothing}</td>
    <td class="phase" title=${call.summary}>${badge(standing(call))}</td>
    <td class="rule">${ruleName(call)}</td>
    <td class="attempts">${
      attempt === undefined
        ? html`<span class="faint">none</span>`
        : html`${call.attempts.length > 1 ? html`<span class="faint">${call.attempts.length}. </span>` : nothing}${targetName(attempt.target, attempt.sip_address)}
          ${attempt.verdict === null ? html`<span class="badge moving">open</span>` : badge(attempt.verdict)}`
    }</td>
    <td class="number lasts">${age(call.created_at, call.ended_at)}</td>
  </tr>`;
}
