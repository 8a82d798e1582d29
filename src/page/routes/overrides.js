/**
 * What people override in the live routes: a schedule, a switch, or whether a target rests. Each is
 * asked for in a dialog; null gives it back.
 *
 * @typedef {import('../forms/ask.js').Details} Details
 * @typedef {ReturnType<typeof overrides>} Overrides
 */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { asking } from '../forms/ask.js';
import { alertOf } from '../forms/fields.js';
import { postJson } from '../server/api.js';
import { sending } from '../server/sending.js';
import { said, until } from '../words/words.js';

/**
 * @param {() => void} changed
 * @param {() => Promise<unknown>} readAgain the live routes
 */
export function overrides(changed, readAgain) {
  const dialog = asking(changed);
  /** @type {ReturnType<typeof sending<unknown>>} the answer in words */
  const sent = sending(changed, readAgain);

  /**
   * @param {string} path
   * @param {object} body
   * @param {(answer: import('../server/api.js').Answer) => unknown} words
   */
  const send = (path, body, words) => sent.send(async () => words(await postJson(path, body)));

  return {
    ask: dialog.ask,
    /** @param {string} name @param {boolean | null} open @param {Details} details */
    force: (name, open, details) =>
      send(
        `/v1/schedules/${encodeURIComponent(name)}/override`,
        { open, ...details },
        ({ override }) => forcedWords(name, override),
      ),
    /** @param {string} name @param {boolean | null} on @param {Details} details */
    turn: (name, on, details) =>
      send(`/v1/switches/${encodeURIComponent(name)}`, { on, ...details }, (turned) =>
        turnedWords(name, turned),
      ),
    /** @param {string} name @param {boolean | null} on @param {Details} details */
    rest: (name, on, details) =>
      send(
        `/v1/targets/${encodeURIComponent(name)}/rest`,
        { on, ...details },
        ({ resting }) => `${name} ${resting ? 'rests' : 'is awake'}.`,
      ),
    close: sent.forget,
    template: () => html`
      <div role="status">${sent.done === null ? nothing : html`<p class="fine">${sent.done}</p>`}</div>
      ${alertOf(sent.error)}
      ${dialog.template()}`,
  };
}

function forcedWords(name, override) {
  if (override === null) return `${name} follows its schedule again.`;
  const { open, until: end } = override;
  return html`${said(name)} is forced ${open ? 'open' : 'closed'} ${end === null ? 'until further notice' : html`until ${until(end)}`}.`;
}

function turnedWords(name, { on, override }) {
  const word = on ? 'on' : 'off';
  return override === null
    ? `${name} is ${word}, as its default says.`
    : `${name} is turned ${word}.`;
}
