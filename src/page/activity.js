/** The view of what people did, newest first. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { alertOf, textField, valuesOf } from './forms/fields.js';
import { getJson } from './server/api.js';
import { newest } from './server/newest.js';
import { moment, said } from './words/words.js';

const PAGE_ROWS = 50;
const WORDS = {
  sign_in: 'signed in',
  sign_out: 'signed out',
  refer: 'referred',
  hangup: 'hung up',
  next: 'went on to the next step of',
  acknowledge: 'took note of',
  reload: 'reloaded the routes',
  activate: 'went back to the routes',
  switch: 'turned the switch',
  schedule_override: 'forced the schedule',
  target_rest: 'forced the target',
  dead_letter_retry: 'retried the dead letter',
  dead_letter_discard: 'discarded the dead letter',
};
const OF_A_CALL = new Set(['refer', 'hangup', 'next', 'acknowledge']);

export function activityView(changed) {
  let params = {};
  /** @type {ReturnType<typeof newest<import('./server/api.js').Answer>>} */
  const list = newest(changed);

  async function load() {
    await list.read(params, () => getJson('/v1/audit', { ...params, limit: PAGE_ROWS }));
  }

  return {
    title: () => 'Activity',
    open({ who, cursor }) {
      params = { ...(who ? { who } : {}), ...(cursor ? { cursor } : {}) };
      void load();
    },
    close: list.forget,
    refresh: () => void load(),
    template() {
      return html`<h1 tabindex="-1">Activity</h1>
        <form class="filters" @submit=${filter}>
          ${textField('Who', 'who', params.who)}
          <div class="field buttons"><button>Show</button></div>
        </form>
        ${alertOf(list.error)}
        ${list.found === null ? html`<p class="empty">${list.error === null ? 'Loading…' : ''}</p>` : table(list.found, params)}`;
    },
  };
}

function filter(event) {
  event.preventDefault();
  location.hash = hashOf(valuesOf(event.target));
}

/** @param {Record<string, string>} params */
function hashOf(params) {
  const search = new URLSearchParams(Object.entries(params).filter(([, value]) => value !== ''));
  return `#/activity${search.size === 0 ? '' : `?${search}`}`;
}

function table({ audit, next }, params) {
  if (audit.length === 0) {
    return html`<p class="empty">There are no entries here. They are removed after 30 days, unless RETENTION_DAYS says otherwise.</p>`;
  }
  return html`<div class="scroll"><table class="cards">
      <caption class="hidden">What people did, newest first</caption>
      <thead><tr>${['When', 'Who', 'What', 'Result', 'Reason', 'From'].map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
      <tbody>${audit.map(
        (row) => html`<tr>
          <td>${moment(row.when)}</td>
          <td><a href=${hashOf({ who: row.who })}>${said(row.who)}</a> <span class="faint">${row.role}</span></td>
          <td>${WORDS[row.what] ?? row.what} ${objectOf(row)}</td>
          <td data-name="Result">${row.result}</td>
          <td data-name="Reason">${said(row.reason, '')}</td>
          <td data-name="From">${said(row.from, '')}</td>
        </tr>`,
      )}</tbody>
    </table></div>
    ${next === null ? nothing : html`<p><a href=${hashOf({ ...params, cursor: next })}>Older</a></p>`}`;
}

function objectOf({ what, to }) {
  if (to === null) return nothing;
  if (!OF_A_CALL.has(what)) return html`<code class="break">${said(to)}</code>`;
  return html`<a class="break" href=${`#/calls/${encodeURIComponent(to)}`}>${said(to)}</a>`;
}
