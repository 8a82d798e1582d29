/**
 * Events that could not be processed: what is wrong, and buttons to process them again or discard
 * them.
 */
import { repeat } from '/assets/lit-html/directives/repeat.js';
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { asking } from './forms/ask.js';
import { alertOf, unread } from './forms/fields.js';
import { getJson, postJson } from './server/api.js';
import { newest } from './server/newest.js';
import { sending } from './server/sending.js';
import { mayAct } from './server/session.js';
import { plain, said, time } from './words/words.js';

const PAGE_ROWS = 50;

/** The source of the event. */
const SOURCES = new Map([
  ['webhook', 'Telnyx'],
  ['b_leg', 'Telnyx, of the other leg'],
  ['outcome', 'Answer to a command'],
  ['deadline', 'A time limit'],
  ['manual', 'An operator'],
  ['operator', 'An operator'],
  ['acknowledged', 'An operator'],
  ['sighting', 'Recovery'],
]);

const ACTS = {
  retry: {
    title: 'Process again',
    warning:
      'The event is processed as if it arrived now. This helps once the fault is corrected, usually by an upgrade; until then it fails again and is kept with the new error.',
  },
  discard: {
    title: 'Discard',
    warning: 'The event is deleted, and its call goes on without it. This cannot be undone.',
  },
};

const DONE = {
  committed: 'The event was processed, and its call is up to date.',
  duplicate: 'Its call had this event already. Nothing changed.',
  refused: 'The event was processed, but what it asks for is no longer possible.',
  discarded: 'The event was discarded.',
};

export function deadLetters(changed) {
  const dialog = asking(changed);
  /** @type {string | undefined} */
  let before;
  /** @type {ReturnType<typeof newest<import('./server/api.js').Answer>>} */
  const letters = newest(changed);
  /** @type {ReturnType<typeof sending<string>>} the answer in words */
  const sent = sending(changed, refresh);

  async function refresh() {
    const query = { limit: PAGE_ROWS, cursor: before };
    await letters.read(before, () => getJson('/v1/dead-letters', query));
  }

  function start(id, act) {
    dialog.ask(ACTS[act], ({ reason }) => void send(id, act, reason));
  }

  async function send(id, act, reason) {
    await sent.send(async () => {
      const { result } = await postJson(`/v1/dead-letters/${id}/${act}`, { reason });
      return DONE[result] ?? result;
    });
    // The pressed button is gone, so the focus moves to the heading.
    document.getElementById('letters-title')?.focus();
  }

  return {
    refresh,
    get error() {
      return letters.error;
    },
    open(cursor) {
      if (cursor !== before) letters.found = null;
      before = cursor;
    },
    close() {
      letters.forget();
      before = undefined;
      sent.forget();
    },
    /** @param {boolean} isSaid the error is on the screen already */
    template(isSaid) {
      return html`<section class="panel" aria-labelledby="letters-title">
        <h2 id="letters-title" tabindex="-1">Could not be processed</h2>
        ${isSaid ? nothing : alertOf(letters.error)}
        <div role="status">${sent.done === null ? nothing : html`<p class="fine">${sent.done}</p>`}</div>
        ${alertOf(sent.error)}
        ${letters.found === null ? html`<p class="empty">${unread(letters.error, 'The events')}</p>` : list(letters.found, before, { busy: sent.busy, start })}
        ${mayAct('operator') ? dialog.template() : nothing}
      </section>`;
    },
  };
}

/**
 * @param {import('./server/api.js').Answer} found
 * @param {string | undefined} before the cursor of this page
 * @param {{ busy: boolean, start: (id: string, act: keyof typeof ACTS) => void }} acting
 */
function list({ dead_letters: rows, next }, before, acting) {
  const toNewest = before === undefined ? nothing : html`<a href="#/outbox">Newest</a>`;
  if (rows.length === 0)
    return html`<p class="fine"><span aria-hidden="true">✓</span> ${before === undefined ? 'Every event so far could be processed.' : 'No older event.'}</p>
      <p>${toNewest}</p>`;
  return html`<p class="faint">Each of these met a fault in Referee. Its call went on without it, by its time limits. Please report the error.
      ${mayAct('operator') ? 'Process them again after an upgrade that corrects it.' : 'An operator can process them again after an upgrade that corrects it.'}</p>
    <div class="scroll"><table class="letters cards">
      <caption class="hidden">Events that could not be processed, newest first</caption>
      <thead><tr><th scope="col">When</th><th scope="col">Event</th><th scope="col">Call</th><th scope="col">What went wrong</th>
        ${mayAct('operator') ? html`<th scope="col"><span class="hidden">Actions</span></th>` : nothing}</tr></thead>
      <tbody>${repeat(
        rows,
        ({ id }) => id,
        (letter) => row(letter, acting),
      )}</tbody>
    </table></div>
    <p class="buttons">${toNewest}${next === null ? nothing : html`<a href=${`#/outbox?before=${next}`}>Older</a>`}</p>`;
}

function row({ id, at, error: what, call_control_id: call, source, type }, { busy, start }) {
  return html`<tr>
    <td data-name="When">${time(at)}</td>
    <td data-name="Event">${SOURCES.get(source) ?? said(source, 'not an event any more')}${type === null ? nothing : html` <code>${said(type)}</code>`}</td>
    <td data-name="Call">${call === null ? nothing : html`<a href=${`#/calls/${encodeURIComponent(call)}`} aria-label=${`its call (event ${id})`}>its call</a>`}</td>
    <td class="break" data-name="Error">${errorText(what)}</td>
    ${
      mayAct('operator')
        ? html`<td class="acts"><div class="buttons">
      <button ?disabled=${busy || type === null} aria-label=${`Process again… (event ${id})`} @click=${() => start(id, 'retry')}>Process again…</button>
      <button ?disabled=${busy} aria-label=${`Discard… (event ${id})`} @click=${() => start(id, 'discard')}>Discard…</button>
    </div></td>`
        : nothing
    }
  </tr>`;
}

/** The first line of the error; the rest can be unfolded. */
function errorText(text) {
  const [first = '', ...rest] = text.split('\n');
  if (rest.length === 0) return said(first, 'no error is kept');
  return html`<details><summary>${said(first)}</summary><pre class="file">${rest.map((line) => html`${plain(line)}\n`)}</pre></details>`;
}
