/** The live calls of the first screen: read once, then kept up to date by the event stream. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { callTable } from '../calls/table.js';
import { unread } from '../forms/fields.js';
import { getJson } from '../server/api.js';
import { PHASES } from '../words/states.js';

const ROWS_MAX = 100;
/** How long an ended call stays in the list, so that the operator sees how it ended. */
const ENDED_SHOWN_MS = 15_000;
/** Not taken from the statistics, which are a few seconds old and would miss a new phase. */
const LIVE_PHASES = PHASES.filter((phase) => phase !== 'ended');

export function liveCalls(changed) {
  /** By their ids. */
  let calls = new Map();
  /** Whether they were loaded once; until then their number is unknown, not zero. */
  let isRead = false;
  /** @type {Error | null} */
  let error = null;
  let loading = 0;
  /**
   * The scroll position to go back to.
   *
   * @type {number | null}
   */
  let scroll = null;

  async function refresh() {
    const startedAt = Date.now();
    const mine = ++loading;
    try {
      const pages = await Promise.all(
        LIVE_PHASES.map((phase) => getJson('/v1/calls', { phase, limit: ROWS_MAX })),
      );
      if (mine !== loading) return;
      const found = pages.flatMap((page) => page.calls);
      const later = [...calls.values()].filter((call) => call.seenAt > startedAt);
      calls = new Map([...found, ...later].map((call) => [call.call_control_id, call]));
      isRead = true;
      error = null;
    } catch (failure) {
      if (mine !== loading) return;
      error = failure;
    }
    changed();
  }

  return {
    get error() {
      return error;
    },
    refresh,
    /** The stream brings what changes, but not what could not be read. */
    async retry() {
      if (error !== null) await refresh();
    },
    keep: () => ({
      calls,
      isRead,
      scroll: document.querySelector('.scroll.live')?.scrollTop ?? null,
    }),
    /** @param {{ calls: Map<string, any>, isRead: boolean, scroll: number | null }} kept */
    restore(kept) {
      ({ calls, isRead, scroll } = kept);
    },
    close() {
      calls = new Map();
      isRead = false;
      error = null;
    },
    onCall(call) {
      const id = call.call_control_id;
      if (call.phase === 'ended' && !calls.has(id)) return;
      calls.set(id, { ...call, seenAt: Date.now() });
    },
    drawn() {
      if (scroll === null) return;
      document.querySelector('.scroll.live')?.scrollTo(0, scroll);
      scroll = null;
    },
    /** @param {number | undefined} total as of the statistics */
    template(total) {
      forgetEnded(calls);
      const live = [...calls.values()].toSorted(newestFirst);
      const none = isRead
        ? 'No live calls. The next one appears here automatically.'
        : unread(error, 'The live calls');
      return panel(live, total, none);
    },
  };
}

/**
 * @param {any[]} live
 * @param {number | undefined} total as of the statistics
 * @param {string} none instead of an empty table
 */
function panel(live, total, none) {
  const shown = live.slice(0, ROWS_MAX);
  const hidden = live.length < ROWS_MAX ? 0 : (total ?? 0) - shown.length;
  const now = countOf(live, total);
  return html`<section class="panel later" aria-labelledby="live-title">
    <h2 id="live-title">Live calls${now === undefined ? nothing : html` <span class="count">${now}</span>`}</h2>
    <div class="scroll live" tabindex="0" role="group" aria-labelledby="live-title">
      ${live.length === 0 ? html`<p class="empty">${none}</p>` : callTable(shown, 'Live calls')}
      ${hidden > 0 ? html`<p class="faint small">and ${hidden} more: see <a href="#/calls">Calls</a></p>` : nothing}
    </div>
  </section>`;
}

/**
 * The stream is more recent than the statistics, but only those know about calls that are not
 * shown.
 */
function countOf(live, total) {
  if (total === undefined) return undefined;
  if (live.length >= ROWS_MAX) return total;
  return live.filter(({ phase }) => phase !== 'ended').length;
}

function newestFirst(a, b) {
  return b.created_at < a.created_at ? -1 : b.created_at > a.created_at ? 1 : 0;
}

function forgetEnded(calls) {
  const before = Date.now() - ENDED_SHOWN_MS;
  for (const [id, call] of calls) {
    if (call.phase === 'ended' && (call.seenAt ?? 0) < before) calls.delete(id);
  }
}
