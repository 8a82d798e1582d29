/** The switches of the live routes: on or off, overridden by whom, and a button to turn each. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { mayAct } from '../server/session.js';
import { heldWords, said } from '../words/words.js';

/**
 * @param {any[]} switches as GET /v1/routes has them
 * @param {import('./overrides.js').Overrides} overrides
 */
export function switchList(switches, overrides) {
  if (switches.length === 0) return nothing;
  return html`<ul class="schedules">
    ${switches.map(
      ({ name, on, default: byDefault, override }) => html`<li>
        <p><strong>${said(name)}</strong> <span class="badge ${override === null ? 'calm' : 'doubtful'}">${on ? 'on' : 'off'}</span>
          ${override === null ? html`<span class="faint">its default</span>` : heldWords(override)}</p>
        ${
          mayAct('operator')
            ? html`<p class="buttons">
          <button @click=${() => askTurn(name, !on, overrides)}>Turn ${on ? 'off' : 'on'}…</button>
          ${override === null ? nothing : html`<button class="main" @click=${() => askDefault(name, byDefault, overrides)}>Back to the default…</button>`}
        </p>`
            : nothing
        }
      </li>`,
    )}
  </ul>`;
}

function askTurn(name, on, { ask, turn }) {
  const title = `Turn ${name} ${on ? 'on' : 'off'}`;
  const warning = `From now on new callers go where the rules send them while ${name} is ${on ? 'on' : 'off'}.`;
  ask({ title, warning, lasts: true }, (details) => turn(name, on, details));
}

function askDefault(name, on, { ask, turn }) {
  const title = `Turn ${name} back to the default`;
  const warning = `From now on new callers go where the rules send them while ${name} is ${on ? 'on' : 'off'}, its default.`;
  ask({ title, warning }, (details) => turn(name, null, details));
}
