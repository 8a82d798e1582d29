/** Which page of the calls is shown, and the way to the ones before and after it. */
import { html } from '/assets/lit-html/lit-html.js';
import { ZONE } from '../words/words.js';
import { cursorOf, readPage } from './pages.js';

/** @typedef {import('./table.js').CallSummary} CallSummary */

/**
 * @param {() => void} changed
 * @param {() => void} arrived another page is shown
 */
export function pager(changed, arrived) {
  let filter = {};
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
  /**
   * Changes that came while a page was loaded, because its answer may be older.
   *
   * @type {CallSummary[]}
   */
  let meanwhile = [];

  async function load(cursor) {
    const mine = ++loading;
    asked = cursor;
    page = { ...page, busy: true };
    meanwhile = [];
    changed();
    try {
      const found = await readPage(filter, cursor);
      if (mine !== loading) return;
      page = { ...found, busy: false, error: null, cursor };
      newer = new Set();
      meanwhile.forEach(take);
      if (cursor === null) within = false;
      arrived();
    } catch (error) {
      if (mine === loading) page = { ...page, busy: false, error };
    }
    changed();
  }

  /** @param {CallSummary} call */
  function take(call) {
    const id = call.call_control_id;
    const index = page.calls.findIndex((known) => known.call_control_id === id);
    if (index >= 0) page.calls = page.calls.with(index, call);
    else if (page.cursor === null && isNewer(call, page.calls)) newer.add(id);
  }

  function older() {
    trail.push(page.cursor);
    void load(page.next);
  }

  return {
    page: () => page,
    /** @param {Record<string, string>} wanted @param {string | undefined} address of the page */
    open(wanted, address, kept) {
      filter = wanted;
      const at = cursorOf(address, filter);
      within = kept?.within ?? at !== null;
      trail = kept?.trail ?? (within ? [null] : []);
      if (kept !== null) page = kept.page;
      void load(kept?.page.cursor ?? at);
    },
    keep: () => ({ page, trail: [...trail], within }),
    close() {
      page = emptyPage();
      trail = [];
    },
    again: () => void load(asked),
    /** @param {CallSummary} call */
    onCall(call) {
      if (page.busy) meanwhile.push(call);
      take(call);
    },
    template: () => html`<div class="over-list">
      <p class="small faint" role="status">${
        newer.size === 0
          ? `Times in ${ZONE}`
          : html`<button @click=${() => load(null)}>${newerWords(newer.size, filter)}: reload</button>`
      }</p>
      <nav class="pager" aria-label="Pages">
        <button ?disabled=${trail.length === 0} @click=${() => load(trail.pop() ?? null)}>Newer</button>
        <span class="faint">${within ? 'older calls' : `page ${trail.length + 1}`}</span>
        <button ?disabled=${page.next === null} @click=${older}>Older</button>
      </nav>
    </div>`,
  };
}

/**
 * @returns {{
 *   calls: CallSummary[],
 *   next: any,
 *   cursor: any,
 *   busy: boolean,
 *   error: Error | null,
 * }} `next` and `cursor` as pages.js has them
 */
function emptyPage() {
  return { calls: [], next: null, cursor: null, busy: true, error: null };
}

/** Only the server knows which calls a filter means. */
function newerWords(count, filter) {
  return Object.keys(filter).length === 0 ? `${count} newer` : 'Others came';
}

/**
 * @param {CallSummary} call
 * @param {CallSummary[]} calls
 */
function isNewer(call, calls) {
  const [newest] = calls;
  return newest === undefined || call.created_at > newest.created_at;
}
