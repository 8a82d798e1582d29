/** What happened to a call, line by line, with routine entries folded. */
import { repeat } from '/assets/lit-html/directives/repeat.js';
import { html } from '/assets/lit-html/lit-html.js';
import { isRoutine, overtakenIds, simpleCommand, simpleSentence } from '../words/simple-words.js';
import { targetOf } from '../words/timeline-words.js';
import { clock, count, said } from '../words/words.js';
import { adviceText } from './attempt.js';

/**
 * Groups the timeline into runs of shown and of folded lines.
 *
 * @template {{ id: string }} E
 * @param {E[]} timeline
 * @param {(entry: E) => boolean} isFolded
 * @returns {{ folded: boolean, entries: E[] }[]}
 */
export function runsOf(timeline, isFolded) {
  /** @type {{ folded: boolean, entries: E[] }[]} */
  const runs = [];
  for (const entry of timeline) {
    const folded = isFolded(entry);
    const last = runs.at(-1);
    if (folded && last?.folded) last.entries.push(entry);
    else runs.push({ folded, entries: [entry] });
  }
  return runs;
}

/** A run of folded lines that can be unfolded. */
export function fold(entries, items) {
  return html`<details><summary class="faint small">${count(entries.length, 'routine line')}</summary>${items}</details>`;
}

/** @param {import('./call.js').CallDetail} call */
export function story(call) {
  const [first] = call.timeline;
  if (first === undefined)
    return html`<p class="empty">No events of this call are recorded yet.</p>`;
  const start = Date.parse(first.at);
  const overtaken = overtakenIds(call.timeline);
  const line = (entry) => html`<li>${lineText(entry, call, start)}</li>`;
  return html`<ol class="story">${repeat(
    runsOf(call.timeline, (entry) => isRoutine(entry) || overtaken.has(entry.id)),
    ({ entries: [entry] }, index) => `${index} ${entry?.id}`,
    ({ folded, entries }) =>
      folded
        ? html`<li class="folded">${fold(entries, html`<ol class="story">${entries.map(line)}</ol>`)}</li>`
        : entries.map(line),
  )}</ol>`;
}

function lineText(entry, { attempts, outcome }, start) {
  const id = entry.attempt ?? entry.detail.command ?? null;
  const target = targetOf(id, attempts) ?? 'the target';
  const verdict = attempts.find((attempt) => attempt.id === id)?.verdict ?? null;
  const does = entry.commands.flatMap(
    (command) => simpleCommand(command, targetOf(command.attempt, attempts)) ?? [],
  );
  return html`<span class="at"><time datetime=${entry.at} title=${entry.at}>${clock(entry.at)}</time>
      <span class="faint">+${((Date.parse(entry.at) - start) / 1_000).toFixed(1)} s</span></span>
    <div><strong>${said(sentence(simpleSentence(entry, target, verdict, outcome), target))}</strong>${
      does.length === 0 ? '.' : html`: ${said(does.join(', '))}.`
    }${adviceText(entry.advice)}</div>`;
}

/** A target's name is not capitalised, even at the beginning of a sentence. */
function sentence(text, target) {
  if (text.startsWith(target)) return text;
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
