/** The list of calls: filters, pages, and rows that are updated live. */
import { html } from '/assets/lit-html/lit-html.js';
import { getJson } from './api.js';
import { addressOf, cursorOf, FAILED, LOST, NOT_ARRIVED, readPage } from './call-pages.js';
import { callTable } from './call-table.js';
import {
  alertOf,
  choice,
  localTime,
  quietChoice,
  textField,
  tidyNumber,
  valuesOf,
} from './fields.js';
import { ENDS, OUTCOMES, PHASES, VERDICTS, word } from './states.js';
import { moment, plain, ZONE } from './words.js';

const MORE_FILTERS = [
  'number',
  'from',
  'to',
  'direction',
  'rule',
  'target',
  'verdict',
  'ends',
  'since',
  'until',
];
const FILTERS = ['q', 'outcome', 'phase', ...MORE_FILTERS];

/** @typedef {import('./call-table.js').CallSummary} CallSummary */

export function callsView(changed) {
  let open = false;
  let filter = {};
  let names = { rules: [], targets: [] };
  let page = emptyPage();
  /** Cursors of the previous pages. */
  let trail = [];
  /**
   * True if the view was opened at a position in its address, so the number of earlier pages is
   * unknown.
   */
  let within = false;
  let loading = 0;
  /** The query of the page being loaded, or loaded last; `page` may still be the previous one. */
  let asked = null;
  /** Calls that arrived since the first page was loaded. */
  let newer = new Set();

  async function load(cursor) {
    const mine = ++loading;
    asked = cursor;
    page = { ...page, busy: true };
    changed();
    try {
      const found = await readPage(filter, cursor);
      if (mine !== loading) return;
      page = { ...found, busy: false, error: null, cursor };
      newer = new Set();
      if (cursor === null) within = false;
      holdPosition();
    } catch (error) {
      if (mine === loading) page = { ...page, busy: false, error };
    }
    changed();
  }

  /** Keeps the address pointing at the page that is shown. */
  function holdPosition() {
    if (!open) return;
    const at = addressOf(page.cursor, page.calls);
    const query = new URLSearchParams({ ...filter, ...(at === null ? {} : { at }) });
    history.replaceState(history.state, '', query.size === 0 ? '#/calls' : `#/calls?${query}`);
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
        <span class="faint">${within ? 'older calls' : `page ${trail.length + 1}`}</span>
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
      const at = cursorOf(params.at, filter);
      within = kept?.within ?? at !== null;
      trail = kept?.trail ?? (within ? [null] : []);
      if (kept !== null) page = kept.page;
      void load(kept?.page.cursor ?? at);
      if (names.rules.length === 0) void loadNames();
    },
    keep: () => ({ page, trail: [...trail], within }),
    close() {
      open = false;
      page = emptyPage();
      trail = [];
    },
    refresh() {
      void load(asked);
    },
    onCall(call) {
      if (!open) return;
      const id = call.call_control_id;
      const index = page.calls.findIndex((known) => known.call_control_id === id);
      if (index >= 0) page.calls = page.calls.with(index, call);
      else if (page.cursor === null && isNewer(call, page.calls)) newer.add(id);
    },
    template: () => html`
      ${filterForm(filter, names)}
      ${alertOf(page.error)}
      ${overList()}
      <section class="panel calls-found" aria-label="Calls found" aria-busy=${page.busy ? 'true' : 'false'}>
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

/** Says why the list is empty, and names the filter. */
function emptyWords({ busy, error }, filter) {
  if (error !== null) return 'The calls could not be loaded.';
  if (busy) return 'Loading…';
  const asked = Object.entries(filter).map(([name, value]) =>
    name === 'since' || name === 'until' ? `${name} ${moment(value)}` : `${name} ${word(value)}`,
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
  const more = MORE_FILTERS.some((name) => name in filter);
  return html`<form class="find" @submit=${submit} @change=${submit}>
    <div class="find-row">
      <h1 tabindex="-1">Calls</h1>
      <input class="q" name="q" type="search" aria-label="Number, call id, rule or target" .value=${filter.q ?? ''}
        placeholder="Number, id, rule or target" autocomplete="off" autocapitalize="off" spellcheck="false" maxlength="256">
      ${quietChoice('Outcome', 'outcome', filter.outcome, [LOST, ...OUTCOMES], 'any outcome')}
      ${quietChoice('Phase', 'phase', filter.phase, PHASES, 'live or ended')}
      <button class="main">Find</button>
      <a class="button clear" href="#/calls" @click=${clear}>Clear</a>
    </div>
    <details class="more-filters" ?open=${more}>
      <summary class="small">More filters</summary>
      <div class="filters">
        ${textField('Our number', 'number', filter.number, { type: 'tel' })}
        ${textField('From', 'from', filter.from, { type: 'tel' })}
        ${textField('To', 'to', filter.to, { type: 'tel' })}
        ${choice('Direction', 'direction', filter.direction, ['incoming', 'outgoing'])}
        ${textField('Rule', 'rule', filter.rule, { list: 'rule-names' })}
        ${textField('Target', 'target', filter.target, { list: 'target-names' })}
        ${choice('Verdict', 'verdict', filter.verdict, [FAILED, ...VERDICTS])}
        ${choice('Ends', 'ends', filter.ends, [NOT_ARRIVED, ...ENDS])}
        ${textField('Since', 'since', localTime(filter.since), { type: 'datetime-local' })}
        ${textField('Until', 'until', localTime(filter.until), { type: 'datetime-local' })}
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
  for (const name of ['q', 'number', 'from', 'to']) values[name] = tidyNumber(values[name] ?? '');
  for (const name of ['since', 'until']) {
    if (values[name]) values[name] = new Date(values[name]).toISOString();
  }
  const wanted = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== ''));
  location.hash = wanted.size === 0 ? '#/calls' : `#/calls?${wanted}`;
}
