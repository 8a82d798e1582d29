/** The list of calls: a filter, pages, and rows that are updated live. */
import { html } from '/assets/lit-html/lit-html.js';
import { alertOf } from '../forms/fields.js';
import { filterForm, filterOf, filterWords } from './filter.js';
import { pager } from './pager.js';
import { addressOf } from './pages.js';
import { callTable } from './table.js';

export function callsView(changed) {
  let open = false;
  let filter = {};
  const form = filterForm(changed);
  const pages = pager(changed, holdPosition);

  /** Keeps the address pointing at the page that is shown. */
  function holdPosition() {
    if (!open) return;
    const { cursor, calls } = pages.page();
    const at = addressOf(cursor, calls);
    const query = new URLSearchParams({ ...filter, ...(at === null ? {} : { at }) });
    history.replaceState(history.state, '', query.size === 0 ? '#/calls' : `#/calls?${query}`);
  }

  return {
    title: () => 'Calls',
    open(params, { kept }) {
      open = true;
      filter = filterOf(params);
      pages.open(filter, params.at, kept);
      void form.open();
    },
    keep: pages.keep,
    close() {
      open = false;
      pages.close();
    },
    refresh: pages.again,
    onCall(call) {
      if (open) pages.onCall(call);
    },
    template() {
      const { calls, busy, error } = pages.page();
      return html`
        ${form.template(filter)}
        ${alertOf(error)}
        ${pages.template()}
        <section class="panel calls-found" aria-label="Calls found" aria-busy=${busy ? 'true' : 'false'}>
          ${
            calls.length > 0
              ? callTable(calls, 'Calls, newest first')
              : html`<p class="empty">${emptyWords(pages.page(), filter)}</p>`
          }
        </section>`;
    },
  };
}

const SEARCHED =
  'The search takes at least four digits of a number, the beginning of a call id, or part of a label, a rule or a target.';

const REMOVED = 'Calls are removed 30 days after they end, unless RETENTION_DAYS says otherwise.';

/** Says why the list is empty, and names the filter. */
function emptyWords({ busy, error }, filter) {
  if (error !== null) return 'The calls could not be loaded.';
  if (busy) return 'Loading…';
  const asked = filterWords(filter);
  if (asked !== '') {
    const how = filter.q === undefined ? '' : ` ${SEARCHED}`;
    return `No calls match: ${asked}. ${REMOVED}${how}`;
  }
  return `There are no calls here. ${REMOVED} If none has ever come, point a Telnyx application at /webhooks/telnyx, or try npm run demo.`;
}
