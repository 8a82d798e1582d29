/** Lost callers, who called during an outage: shown until somebody acknowledges them. */
import { repeat } from '/assets/lit-html/directives/repeat.js';
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { alertOf } from '../forms/fields.js';
import { getJson, postJson } from '../server/api.js';
import { newest } from '../server/newest.js';
import { mayAct } from '../server/session.js';
import { count, moment, said } from '../words/words.js';

const SHOWN_MAX = 50;

export function lostCallers(changed) {
  /** @type {ReturnType<typeof newest<import('../server/api.js').Answer>>} */
  const all = newest(changed);
  /** @type {Error | null} */
  let error = null;
  let taking = new Set();

  async function refresh() {
    await all.read('lost callers', () => getJson('/v1/lost-callers', { limit: SHOWN_MAX }));
  }

  async function take(ids) {
    taking = new Set([...taking, ...ids]);
    error = null;
    changed();
    try {
      for (const id of ids) await postJson(`/v1/lost-callers/${encodeURIComponent(id)}/ack`);
      await refresh();
    } catch (failure) {
      error = failure;
    }
    taking = new Set();
    changed();
  }

  return {
    get error() {
      return all.error;
    },
    refresh,
    close() {
      all.forget();
      error = null;
    },
    template() {
      const { lost_callers: lost = [], unknown_live: unknown = [], next = null } = all.found ?? {};
      if (lost.length === 0 && unknown.length === 0) return nothing;
      return html`<section class="panel wide" aria-labelledby="lost-title">
        <h2 id="lost-title">Lost callers</h2>
        ${alertOf(error)}
        ${lost.length === 0 ? nothing : lostTable(lost, taking, take)}
        ${
          next === null
            ? nothing
            : html`<p class="faint small">and more: the newest ${lost.length} are shown</p>`
        }
        ${unknown.length === 0 ? nothing : unknownList(unknown)}
      </section>`;
    },
  };
}

/**
 * @param {any[]} lost
 * @param {Set<string>} taking the ids that are being acknowledged
 * @param {(ids: string[]) => void} take
 */
function lostTable(lost, taking, take) {
  return html`<p class="faint small">They called while no webhook reached this server, and hung up before it
      learnt of them. Call them back.</p>
    <div class="scroll"><table class="calls">
      <caption class="hidden">Lost callers</caption>
      <thead><tr><th scope="col">Rang at</th><th scope="col">From</th><th scope="col">To</th>
        ${
          mayAct('operator')
            ? html`<th scope="col"><button class="quiet" ?disabled=${taking.size > 0}
          @click=${() => take(lost.map(({ call_control_id: id }) => id))}>Take note of all</button></th>`
            : nothing
        }</tr></thead>
      <tbody>
        ${repeat(
          lost,
          ({ call_control_id: id }) => id,
          ({ call_control_id: id, from, to, at }) => html`<tr>
            <td><a href=${`#/calls/${encodeURIComponent(id)}`}>${moment(at)}</a></td>
            <td>${said(from, 'anonymous')}</td>
            <td>${said(to, 'unknown')}</td>
            ${mayAct('operator') ? html`<td><button class="quiet" ?disabled=${taking.has(id)} @click=${() => take([id])}>Take note</button></td>` : nothing}
          </tr>`,
        )}
      </tbody>
    </table></div>`;
}

function unknownList(unknown) {
  return html`<p class="small">Telnyx reports ${count(unknown.length, 'live leg')} that ${unknown.length === 1 ? 'is' : 'are'} unknown here
      and left alone.</p>
    <ul class="small">${unknown.map(({ call_control_id: id }) => html`<li><code>${said(id)}</code></li>`)}</ul>`;
}
