/** Where would this call go? A dry run of the live routes, with the trace. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { alertOf, choice, textField, tidyNumber, valuesOf } from '../forms/fields.js';
import { postJson } from '../server/api.js';
import { badge, said, targetName, ZONE } from '../words/words.js';
import { traceTable } from './trace.js';

export function explainView(changed) {
  /** @type {Record<string, string>} */
  let asked = {};
  /** @type {import('../server/api.js').Answer} */
  let answer = null;
  /** @type {Error | null} */
  let error = null;
  let busy = false;

  async function submit(event) {
    event.preventDefault();
    asked = valuesOf(event.target);
    busy = true;
    changed();
    try {
      answer = await postJson('/v1/routes/explain', questionOf(asked));
      error = null;
    } catch (failure) {
      answer = null;
      error = failure;
    }
    busy = false;
    changed();
  }

  return {
    title: () => 'Where would it go?',
    open() {},
    template: () => html`
      <h1 tabindex="-1">Where would this call go?</h1>
      <form class="filters" @submit=${submit}>
        ${textField('From', 'from', asked.from, { type: 'tel', placeholder: '+353861234567', max: 1024 })}
        ${textField('To', 'to', asked.to, { type: 'tel', placeholder: '+14155550100', max: 1024 })}
        ${textField('At', 'at', asked.at, { type: 'datetime-local', hint: `In ${ZONE}; empty: now` })}
        ${textField('Digits pressed', 'digits', asked.digits, { max: 128, hint: 'In menus' })}
        <label class="field wide"><span>Verdict of each target</span>
          <textarea name="verdicts" rows="2" placeholder="support-us: busy" spellcheck="false">${asked.verdicts ?? ''}</textarea>
          <small>One target per line; separate several verdicts with commas. Default: completed.</small></label>
        <details class="more-filters">
          <summary class="small">More about the call</summary>
          <div class="filters">
            ${choice('Caller type', 'caller_type', asked.caller_type, ['pstn', 'sip'], 'by the address', upperCase)}
            ${linesField('Headers', 'headers', asked.headers, 'X-Customer: gold')}
            ${linesField('Switches', 'switches', asked.switches, 'main-site: off', 'Others are as they are now')}
            ${linesField('Answers of lookups', 'lookups', asked.lookups, 'crm.tier: gold', 'No server is asked; others do not answer')}
          </div>
        </details>
        <div class="field buttons"><button class="main" ?disabled=${busy}>Explain</button></div>
      </form>
      ${alertOf(error)}
      <div aria-live="polite">${answer === null ? nothing : answerPanels(answer)}</div>`,
  };
}

/** @param {string} text */
const upperCase = (text) => text.toUpperCase();

function linesField(label, name, value, placeholder, hint) {
  return html`<label class="field"><span>${label}</span>
    <textarea name=${name} rows="2" placeholder=${placeholder} spellcheck="false">${value ?? ''}</textarea>
    ${hint === undefined ? nothing : html`<small>${hint}</small>`}</label>`;
}

/** @param {Record<string, string>} fields */
function questionOf({ from = '', to = '', at = '', digits = '', verdicts = '', ...more }) {
  /** @type {Record<string, unknown>} */
  const question = { from: tidyNumber(from) || null, to: tidyNumber(to) || null };
  if (at !== '') question.at = new Date(at).toISOString();
  if (digits !== '') question.digits = digits;
  const scripts = pairs(verdicts);
  if (scripts.length > 0) {
    question.verdicts = Object.fromEntries(
      scripts.map(([target, words]) => [target, words.split(',').map((one) => one.trim())]),
    );
  }
  const { caller_type = '', headers = '', switches = '', lookups = '' } = more;
  if (caller_type !== '') question.caller_type = caller_type;
  const lines = pairs(headers);
  if (lines.length > 0) question.headers = Object.fromEntries(lines);
  const turned = pairs(switches).map(([name, state]) => [name, SWITCHED[state] ?? state]);
  if (turned.length > 0) question.switches = Object.fromEntries(turned);
  if (lookups !== '') question.lookups = answersOf(pairs(lookups));
  return question;
}

/** @type {Record<string, boolean>} */
const SWITCHED = { on: true, off: false };

/** `lookup.field: value`; the field is after the last dot, as in a route file. */
function answersOf(lines) {
  /** @type {Record<string, Record<string, string>>} */
  const answers = {};
  for (const [place, value] of lines) {
    const dot = place.lastIndexOf('.');
    const lookup = dot < 0 ? place : place.slice(0, dot);
    answers[lookup] = { ...answers[lookup], [place.slice(dot + 1)]: value };
  }
  return answers;
}

/** `name: value` lines. */
function pairs(text) {
  return text.split('\n').flatMap((line) => {
    const colon = line.indexOf(':');
    return colon < 1 ? [] : [[line.slice(0, colon).trim(), line.slice(colon + 1).trim()]];
  });
}

function answerPanels({ rule, path, attempts, ends, trace, follows_next: follows = false }) {
  const none = path.length === 0 ? 'No rule matches' : 'No rule matches: otherwise';
  return html`${
    follows
      ? html`<p><strong>Calls of this caller follow the next routes at present.</strong> This is what the live routes would do.</p>`
      : nothing
  }
  <div class="columns">
    <section class="panel" aria-labelledby="answer-title">
      <h2 id="answer-title">${rule === null ? none : html`Rule ${said(rule)}`}</h2>
      ${storyOf({ path, attempts, ends })}
    </section>
    <section class="panel" aria-labelledby="trace-title">
      <h2 id="trace-title">Why</h2>
      ${traceTable(trace)}
    </section>
  </div>`;
}

/** The steps of a call, its attempts, and its end. */
export function storyOf({ path, attempts, ends }) {
  return html`${
    path.length === 0
      ? html`<p class="empty">Nothing happens: Referee does not handle the call.</p>`
      : html`<ol class="path">${path.map((step) => html`<li>${said(step)}</li>`)}</ol>`
  }
    <p>Ends: ${ends === null ? html`<span class="faint">the call would continue</span>` : badge(ends)}</p>
    ${
      attempts.length === 0
        ? nothing
        : html`<table><caption class="hidden">Attempts</caption>
          <thead><tr><th scope="col">Target</th><th scope="col">Address</th><th scope="col">Verdict</th></tr></thead>
          <tbody>${attempts.map(
            ({
              target,
              sip_address,
              verdict,
              reason,
            }) => html`<tr><th scope="row">${targetName(target)}</th>
              <td class="break"><code>${said(sip_address)}</code>${reason === undefined ? nothing : html`<br><small>${said(reason)}</small>`}</td>
              <td>${verdict === null ? nothing : badge(verdict)}</td></tr>`,
          )}</tbody></table>`
    }`;
}
