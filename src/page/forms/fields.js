/** Form fields, and how errors are shown. */

import { html, nothing } from '/assets/lit-html/lit-html.js';
import { word } from '../words/states.js';

/**
 * Sets a value only if it changed, so that a redraw does not overwrite what is being typed.
 *
 * @param {string} label
 * @param {string} name
 * @param {string | undefined} value
 * @param {{
 *   hint?: string, type?: string, placeholder?: string, list?: string, max?: number,
 * }} options
 */
export function textField(label, name, value, { hint, ...more } = {}) {
  return html`<label class="field ${more.type === 'datetime-local' ? 'when' : ''}">
    <span>${label}</span>
    <input name=${name} type=${more.type ?? 'text'} .value=${value ?? ''}
      placeholder=${more.placeholder ?? ''} list=${more.list ?? nothing}
      autocomplete="off" autocapitalize="off" spellcheck="false" maxlength=${more.max ?? 256}>
    ${hint === undefined ? nothing : html`<small>${hint}</small>`}
  </label>`;
}

export function choice(label, name, value, options, any = 'any', wordsOf = word) {
  return html`<label class="field">
    <span>${label}</span>
    <select name=${name} .value=${value ?? ''}>
      ${any === null ? nothing : html`<option value="">${any}</option>`}
      ${options.map(
        (option) =>
          html`<option value=${option} ?selected=${option === value}>${wordsOf(option)}</option>`,
      )}
    </select>
  </label>`;
}

/** A select whose first option says what it is about, so that it needs no visible label. */
export function quietChoice(label, name, value, options, any, wordsOf = word) {
  return html`<select name=${name} aria-label=${label} .value=${value ?? ''}>
    <option value="">${any}</option>
    ${options.map(
      (option) =>
        html`<option value=${option} ?selected=${option === value}>${wordsOf(option)}</option>`,
    )}
  </select>`;
}

/**
 * In place of what is not loaded yet, or not available; never shown as if there were none.
 *
 * @param {Error | null} error
 * @param {string} what at the beginning of a sentence
 */
export function unread(error, what) {
  return error === null ? 'Loading…' : `${what} could not be loaded.`;
}

export function alertOf(error) {
  if (error === null || error === undefined) return nothing;
  const { problem } = error;
  return html`<div class="alert" role="alert">
    <p>${error.message}</p>
    ${problem?.fix ? html`<p class="faint">${problem.fix}</p>` : nothing}
    ${located(problem?.problems ?? [])}
  </div>`;
}

/** Problems in route files. */
export function located(problems) {
  if (problems.length === 0) return nothing;
  return html`<ul class="located">
    ${problems.map(
      ({ file, line, column, message, hint }) => html`<li>
        <code>${file}:${line}:${column}</code> ${message}
        ${hint ? html`<span class="faint">${hint}</span>` : nothing}
      </li>`,
    )}
  </ul>`;
}

/**
 * @param {HTMLFormElement} form
 * @returns {Record<string, string>}
 */
export function valuesOf(form) {
  return Object.fromEntries(
    [...new FormData(form)].map(([name, value]) => [name, String(value).trim()]),
  );
}

/** The value of a datetime-local field: local time without a zone. */
export function localTime(iso) {
  if (iso === undefined || Number.isNaN(Date.parse(iso))) return '';
  const date = new Date(iso);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** Numbers as people write them: +1 (415) 555-0100. */
export function tidyNumber(text) {
  return /^\+?[\d\s().-]+$/.test(text) ? text.replace(/[\s().-]/g, '') : text;
}
