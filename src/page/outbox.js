/**
 * "Out to Telnyx": commands that Telnyx has not answered yet, and events that could not be
 * processed.
 */
import { repeat } from '/assets/lit-html/directives/repeat.js';
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { deadLetters } from './dead-letters.js';
import { alertOf, unread } from './forms/fields.js';
import { getJson } from './server/api.js';
import { newest } from './server/newest.js';
import { rounds } from './server/rounds.js';
import { now } from './server/server-time.js';
import { age, clock, count, duration, said, time } from './words/words.js';

const REFRESH_MS = 3_000;
const SHOWN_MAX = 100;
const NO_BREAK = '\u00a0';

/** The commands in the words of somebody who is responsible for the callers. */
const ASKED = new Map([
  ['answer', 'Answer the call'],
  ['refer', 'Move the caller'],
  ['transfer', 'Move the caller'],
  ['speak', 'Speak to the caller'],
  ['playback_start', 'Play a recording'],
  ['playback_stop', 'Stop the recording'],
  ['gather_using_speak', 'Offer a menu'],
  ['gather_using_audio', 'Offer a menu'],
  ['reject', 'Turn the call away'],
  ['hangup', 'Hang up'],
  ['client_state_update', 'Note where the call stands'],
  ['probe', 'Ask whether the caller is still there'],
  ['active_calls', 'Ask which calls are live'],
  ['lookup', 'Ask your own server'],
]);

export function outboxView(changed) {
  /** @type {ReturnType<typeof newest<import('./server/api.js').Answer>>} */
  const outbox = newest(changed);
  const letters = deadLetters(changed);
  const reading = rounds(REFRESH_MS, async () => {
    await Promise.all([outbox.read('outbox', readOutbox), letters.refresh()]);
  });

  return {
    title: () => 'Out to Telnyx',
    open({ before }) {
      letters.open(before);
      void reading.start();
    },
    close() {
      reading.stop();
      outbox.forget();
      letters.close();
    },
    refresh: () => void reading.again(),
    template() {
      const { found, error } = outbox;
      // One cause, such as the store, is usually behind both errors.
      const same = error !== null && error.message === letters.error?.message;
      return html`<h1 tabindex="-1">Out to Telnyx</h1>
        ${alertOf(error)}
        <section class="panel" aria-labelledby="waiting-title">
          <h2 id="waiting-title">Waiting to be sent${found === null ? nothing : html` <span class="count">as of ${clock(found.readAt)}</span>`}</h2>
          ${found === null ? html`<p class="empty">${unread(error, 'The waiting requests')}</p>` : waiting(found)}
        </section>
        ${letters.template(same)}`;
    },
  };
}

async function readOutbox() {
  const outbox = await getJson('/v1/outbox', { limit: SHOWN_MAX });
  return { ...outbox, readAt: new Date(now()).toISOString() };
}

function waiting({ pending, oldest_ms: oldest, commands }) {
  if (pending === 0)
    return html`<p class="fine"><span aria-hidden="true">✓</span> Nothing is waiting: Telnyx has answered every request.</p>`;
  return html`<p class="lead"><strong>${count(pending, 'request')}</strong> ${pending === 1 ? 'waits' : 'wait'} for an answer,
      the oldest for ${duration(oldest)}${repeatedWords(commands, pending)}.</p>
    <div class="scroll"><table class="waiting cards">
      <caption class="hidden">Requests that wait, the oldest first</caption>
      <thead><tr><th scope="col">What</th><th scope="col">For the call</th><th scope="col">Waits since</th>
        <th scope="col" class="number">Tries</th><th scope="col">Next try</th><th scope="col">Last answer</th></tr></thead>
      <tbody>${repeat(commands, ({ id }) => id, row)}</tbody>
    </table></div>
    ${pending > commands.length ? html`<p class="faint small">and ${pending - commands.length} more: the oldest ${commands.length} are shown</p>` : nothing}`;
}

/** Only the commands on this page can be counted. */
function repeatedWords(commands, pending) {
  const again = commands.filter(({ last_answer: answer }) => answer !== null).length;
  if (again === 0) return '';
  const all = pending > commands.length ? `the oldest ${commands.length}` : 'them';
  return `; ${again} of ${all} ${again === 1 ? 'is' : 'are'} being repeated`;
}

function row(command) {
  const { action, destination, from, to, call_control_id: id, created_at: since, tries } = command;
  return html`<tr>
    <th scope="row">${ASKED.get(action) ?? action}${destination === null ? nothing : html` <span class="break">${action === 'lookup' ? '' : 'to '}${said(destination)}</span>`}</th>
    <td data-name="For"><a href=${`#/calls/${encodeURIComponent(id)}`}>${said(from, 'anonymous')} → ${said(to, 'unknown')}</a></td>
    <td data-name="Since">${time(since)} <span class="faint">${age(since, null).replaceAll(' ', NO_BREAK)}</span></td>
    <td class="number" data-name="Tries">${tries}</td>
    <td data-name="Next try">${nextTry(command)}</td>
    <td class="break" data-name="Last answer">${answerOf(command)}</td>
  </tr>`;
}

/** A command in flight belongs to one replica until `ready_at`; after that another may send it. */
function nextTry({ in_flight: inFlight, ready_at: ready, give_up_at: giveUp }) {
  const last = giveUp === null ? nothing : html` <span class="faint">until ${time(giveUp)}</span>`;
  if (inFlight) return html`<span class="badge moving">being sent</span>${last}`;
  return html`${Date.parse(ready) <= now() ? 'due' : time(ready)}${last}`;
}

function answerOf({ last_answer: answer, in_flight: inFlight }) {
  if (answer === null)
    return html`<span class="faint">${inFlight ? 'none yet' : 'not sent yet'}</span>`;
  return html`${answer.status === null ? nothing : html`<strong>${answer.status}</strong> `}${said(answer.detail)}`;
}
