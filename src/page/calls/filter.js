/** The filter of the list of calls: what it may ask, and its form. */
import { html } from '/assets/lit-html/lit-html.js';
import {
  choice,
  localTime,
  quietChoice,
  textField,
  tidyNumber,
  valuesOf,
} from '../forms/fields.js';
import { readNames } from '../forms/route-names.js';
import { phaseWords } from '../words/simple-words.js';
import { ENDS, OUTCOMES, PHASES, VERDICTS, word } from '../words/states.js';
import { isSip } from '../words/story-mode.js';
import { moment, plain } from '../words/words.js';
import { FAILED, LOST, NOT_ARRIVED } from './pages.js';

const MORE_FILTERS = [
  'number',
  'from',
  'to',
  'direction',
  'rule',
  'target',
  'verdict',
  'ends',
  'since',
  'until',
];
const FILTERS = ['q', 'outcome', 'phase', ...MORE_FILTERS];

/**
 * @param {Record<string, string>} params of the page's address
 * @returns {Record<string, string>}
 */
export function filterOf(params) {
  return Object.fromEntries(
    FILTERS.flatMap((name) => (params[name] ? [[name, params[name]]] : [])),
  );
}

/** "“0203”, target sales, since 14:00:00"; empty without a filter. */
export function filterWords(filter) {
  const asked = Object.entries(filter).map(([name, value]) => {
    if (name === 'q') return `“${value}”`;
    return name === 'since' || name === 'until'
      ? `${name} ${moment(value)}`
      : `${name} ${name === 'phase' && !isSip() ? phaseWords(value) : word(value)}`;
  });
  return plain(asked.join(', '));
}

export function filterForm(changed) {
  /** @type {import('../forms/route-names.js').RouteNames} */
  let names = { rules: [], targets: [] };

  return {
    async open() {
      if (names.rules.length > 0) return;
      names = (await readNames()) ?? names;
      changed();
    },
    /** @param {Record<string, string>} filter */
    template: (filter) => form(filter, names),
  };
}

function form(filter, names) {
  const more = MORE_FILTERS.some((name) => name in filter);
  return html`<form class="find" @submit=${submit} @change=${submit}>
    <div class="find-row">
      <h1 tabindex="-1">Calls</h1>
      <input class="q" name="q" type="search" aria-label="Number, call id, rule or target" .value=${filter.q ?? ''}
        placeholder="Number, start of a call id, rule or target" title="At least four digits of a number, the beginning of a call id, or part of a label, a rule or a target" autocomplete="off" autocapitalize="off" spellcheck="false" maxlength="256">
      ${quietChoice('Outcome', 'outcome', filter.outcome, [LOST, ...OUTCOMES], 'any outcome')}
      ${quietChoice('Phase', 'phase', filter.phase, PHASES, 'live or ended', isSip() ? word : phaseWords)}
      <button class="main">Find</button>
      <a class="button clear" href="#/calls" @click=${clear}>Clear</a>
    </div>
    <details class="more-filters" ?open=${more}>
      <summary class="small">More filters</summary>
      <div class="filters">
        ${textField('Our number', 'number', filter.number, { type: 'tel' })}
        ${textField('From', 'from', filter.from, { type: 'tel' })}
        ${textField('To', 'to', filter.to, { type: 'tel' })}
        ${choice('Direction', 'direction', filter.direction, ['incoming', 'outgoing'])}
        ${textField('Rule', 'rule', filter.rule, { list: 'rule-names' })}
        ${textField('Target', 'target', filter.target, { list: 'target-names' })}
        ${choice('Verdict', 'verdict', filter.verdict, [FAILED, ...VERDICTS])}
        ${choice('Ends', 'ends', filter.ends, [NOT_ARRIVED, ...ENDS])}
        ${textField('Since', 'since', localTime(filter.since), { type: 'datetime-local' })}
        ${textField('Until', 'until', localTime(filter.until), { type: 'datetime-local' })}
      </div>
    </details>
    <datalist id="rule-names">${[...names.rules, 'otherwise'].map((name) => html`<option value=${name}></option>`)}</datalist>
    <datalist id="target-names">${names.targets.map((name) => html`<option value=${name}></option>`)}</datalist>
  </form>`;
}

/** Includes what was typed but not submitted yet. */
function clear(event) {
  event.currentTarget.closest('form').reset();
}

function submit(event) {
  event.preventDefault();
  const values = valuesOf(event.currentTarget);
  for (const name of ['q', 'number', 'from', 'to']) values[name] = tidyNumber(values[name] ?? '');
  for (const name of ['since', 'until']) {
    if (values[name]) values[name] = new Date(values[name]).toISOString();
  }
  const wanted = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== ''));
  location.hash = wanted.size === 0 ? '#/calls' : `#/calls?${wanted}`;
}
