/**
 * A call's timeline as a sequence diagram: the arrows of each event between lanes, and beside them
 * what happened in words, with the commands that followed and their outcomes.
 */

import { repeat } from '/assets/lit-html/directives/repeat.js';
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { isRoutine } from '../words/simple-words.js';
import { word } from '../words/states.js';
import { commandWords, targetOf, titleOf } from '../words/timeline-words.js';
import { clock, count, joined, plain, said } from '../words/words.js';
import { arrowStrip, lanesOf, outcomeTone } from './arrows.js';
import { adviceText } from './attempt.js';
import { fold, runsOf } from './story.js';

/** @param {import('./call.js').CallDetail} call */
export function sequence(call) {
  const [first] = call.timeline;
  if (first === undefined)
    return html`<p class="empty">No events of this call are recorded yet.</p>`;
  const lanes = lanesOf(call);
  const outcomes = outcomesOf(call);
  const start = Date.parse(first.at);
  return html`<div class="sequence">
    <div class="lanes-row" aria-hidden="true"><div class="lanes">
      ${lanes.names.map((name) => html`<span title=${plain(name)}>${plain(name)}</span>`)}
    </div></div>
    <ol>
      ${repeat(
        runsOf(call.timeline, (entry) => isRoutine(entry, true)),
        ({ entries: [entry] }, index) => `${index} ${entry?.id}`,
        ({ folded, entries }) => {
          const items = entries.map((entry) => entryItem(entry, { call, lanes, outcomes, start }));
          return folded
            ? html`<li class="folded">${fold(entries, html`<ol>${items}</ol>`)}</li>`
            : items;
        },
      )}
    </ol>
  </div>`;
}

/** The outcome events of each command, by its id. */
function outcomesOf({ timeline }) {
  const found = new Map();
  for (const entry of timeline) {
    if (entry.source !== 'outcome') continue;
    found.set(entry.detail.command, [...(found.get(entry.detail.command) ?? []), entry]);
  }
  return found;
}

function entryItem(entry, { call, lanes, outcomes, start }) {
  const moved = entry.phase_before !== null && entry.phase_before !== entry.phase;
  return html`<li class=${entry.source}>
    <p class="at"><time datetime=${entry.at} title=${entry.at}>${clock(entry.at)}</time>
      <span class="faint">+${((Date.parse(entry.at) - start) / 1_000).toFixed(2)} s</span></p>
    ${arrowStrip(entry, lanes)}
    <div class="words">
      <p><strong>${titleText(entry, call)}</strong> <code>${plain(entry.type)}</code>
        ${moved ? html`<span class="phase-change">${word(entry.phase_before)} → ${word(entry.phase)}</span>` : nothing}</p>
      ${detailText(entry)}
      ${notesOf(entry, call).map((note) => html`<p class="note">${said(note)}</p>`)}
      ${adviceText(entry.advice)}
      ${entry.commands.map((command) => commandText(command, outcomes.get(command.id) ?? [], entry, call))}
      ${
        !entry.trace?.length
          ? nothing
          : html`<details><summary>Why: ${count(entry.trace.length, 'rule')} tried</summary>
            <ul class="trace-list">${entry.trace.map(
              ({
                rule,
                matched,
                why,
              }) => html`<li>${matched ? html`<span class="badge good">matched</span>` : html`<span class="faint">no</span>`}
                <strong>${said(rule)}</strong> ${said(why)}</li>`,
            )}</ul></details>`
      }
    </div>
  </li>`;
}

function titleText(entry, { attempts }) {
  const target = targetOf(entry.attempt, attempts);
  return html`${titleOf(entry)}${target === null ? nothing : html`: ${said(target)}`}`;
}

/** Details that the titles and commands show already. */
const SHOWN = new Set(['command', 'action', 'outcome', 'deadline', 'put_off']);

function notesOf({ notes, commands, source, detail }, { attempts }) {
  const shown = new Set(commands.map(({ action }) => action));
  for (const { action, attempt } of commands) {
    shown.add(`${action} to ${targetOf(attempt, attempts)}`);
  }
  if (source === 'outcome') shown.add(`${detail.action}: ${detail.outcome}`);
  return notes.filter((note) => !shown.has(note));
}

function detailText({ detail }) {
  const plainly = detail.outcome === 'accepted';
  const parts = Object.entries(detail).filter(
    ([name, value]) => !SHOWN.has(name) && value !== null && !(plainly && name === 'status'),
  );
  if (parts.length === 0) return nothing;
  return html`<p class="small faint">${joined(
    parts.map(([name, value]) => html`${word(name)} ${said(String(value))}`),
    ' · ',
  )}</p>`;
}

function commandText({ id, action, attempt }, outcomes, entry, call) {
  const target = targetOf(attempt, call.attempts);
  const moves = action === 'refer' || action === 'transfer';
  return html`<p class="command" data-command=${id}>
    <span aria-hidden="true">→</span> we send: <strong>${commandWords(action)}</strong>
    ${target === null || !moves ? nothing : said(target)}
    ${
      outcomes.length === 0
        ? html`<span class="badge calm">no outcome yet</span>`
        : outcomes.map(
            ({
              detail,
              at,
            }) => html`<span class="badge ${outcomeTone(detail.outcome)}">${word(String(detail.outcome))}${
              detail.status ? ` ${detail.status}` : ''
            }${detail.code ? ` / ${detail.code}` : ''}</span>
            <span class="faint small">after ${Math.max(0, Date.parse(at) - Date.parse(entry.at))} ms</span>`,
          )
    }
  </p>`;
}
