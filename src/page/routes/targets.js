/**
 * The targets of the live routes: their address, whether they rest, and buttons to rest or wake
 * each.
 */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { mayAct } from '../server/session.js';
import { badge, duration, heldWords, said, time } from '../words/words.js';

/**
 * @param {any[]} targets as GET /v1/routes has them
 * @param {any[]} standings as GET /v1/targets has them
 * @param {import('./overrides.js').Overrides} overrides
 */
export function targetsPanel(targets, standings, overrides) {
  return html`<section class="panel" aria-labelledby="targets-title">
    <h2 id="targets-title">Targets</h2>
    ${targetTable(targets, standings, overrides)}
  </section>`;
}

function targetTable(targets, standings, overrides) {
  if (targets.length === 0) return html`<p class="empty">The routes have no targets.</p>`;
  const standingOf = new Map(standings.map((standing) => [standing.name, standing]));
  return html`<div class="scroll"><table class="groups cards"><caption class="hidden">Targets</caption>
    <thead><tr><th scope="col">Target</th><th scope="col">Now</th><th scope="col">Address</th><th scope="col" class="number">Timeout</th></tr></thead>
    <tbody>${targets.map(
      ({ name, sip, timeout_ms, bye_without_verdict }) => html`<tr>
        <th scope="row"><a href=${`#/calls?target=${encodeURIComponent(name)}`}>${said(name)}</a></th>
        <td>${standing(standingOf.get(name), overrides)}</td>
        <td class="break broad"><code>${sip}</code> ${bye_without_verdict === 'completed' ? badge('completed') : nothing}</td>
        <td class="number" data-name="Timeout">${duration(timeout_ms)}</td>
      </tr>`,
    )}</tbody></table></div>`;
}

function standing(target, { ask, rest }) {
  if (target === undefined) return nothing;
  const { name, resting, why, next_try, override } = target;
  const start = (on) =>
    ask(actOf(name, on, override !== null), (details) => rest(name, on, details));
  const wake = html`<button class="main" @click=${() => start(null)}>${
    override === null ? 'Wake it…' : 'Back to automatic…'
  }</button>`;
  return html`<p><span class="badge ${resting ? 'bad' : 'good'}">${resting ? 'rests' : 'awake'}</span>
      ${override === null ? nothing : html`<span class="badge doubtful">by hand</span>`}
      ${override === null || resting ? nothing : heldWords(override)}
      ${next_try === null ? nothing : html`<span class="faint">next try ${time(next_try)}</span>`}</p>
    ${why === null ? nothing : html`<p class="faint">${said(why)}</p>`}
    ${
      mayAct('operator')
        ? html`<p class="buttons">
      ${resting ? nothing : html`<button @click=${() => start(true)}>Rest…</button>`}
      ${override === null ? html`<button @click=${() => start(false)}>Keep awake…</button>` : nothing}
      ${resting || override !== null ? wake : nothing}
    </p>`
        : nothing
    }`;
}

/** The texts for the dialog. */
function actOf(name, on, isForced) {
  if (on === true) {
    const warning = `${name} is skipped, even if it works, while another target follows. Callers who have no other target left still go to it.`;
    return { title: `Rest ${name}`, warning, lasts: true };
  }
  if (on === false) {
    const warning = `Callers go to ${name} even if it is down.`;
    return { title: `Keep ${name} awake`, warning, lasts: true };
  }
  const title = isForced ? `Let ${name} rest and wake by itself` : `Wake ${name}`;
  const warning = `Callers go to ${name} again. Its failures are forgotten, and it rests only if new ones come.`;
  return { title, warning };
}
