/**
 * The attempts of a call as bars on a time axis: who was tried, for how long, and with which
 * result.
 */
import { html, nothing, svg } from '/assets/lit-html/lit-html.js';
import { now } from '../server/server-time.js';
import { attemptWords } from '../words/simple-words.js';
import { tone, word } from '../words/states.js';
import { isSip } from '../words/story-mode.js';
import { duration, targetName } from '../words/words.js';

const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800];
const TICKS_MAX = 6;
/** Minimum width, so that a refusal within milliseconds is visible. */
const BAR_MIN = 0.6;

/** @param {import('./call.js').CallDetail} call */
export function attemptBars(call, details) {
  const start = Date.parse(call.created_at);
  const ends = call.attempts.map((attempt) => endOf(attempt, call));
  const spanMs = Math.max(1_000, ...ends.map((end) => end - start));
  const x = (ms) => Math.min(100, Math.max(0, ((ms - start) / spanMs) * 100));
  return html`<div class="bars">
    <ol>${call.attempts.map((attempt, index) => {
      const end = ends[index] ?? start;
      return html`<li class="attempt">
        <p class="who-tried"><span class="faint">${index + 1}.</span> <strong>${targetName(attempt.target, attempt.sip_address)}</strong>
          ${attempt.manual ? html`<span class="badge calm">manual</span>` : nothing}</p>
        ${bar(attempt, x(Date.parse(attempt.started_at)), x(end))}
        <p class="what">${verdictText(attempt)} <span class="faint">${
          attempt.verdict === 'skipped' ? nothing : duration(end - Date.parse(attempt.started_at))
        }</span></p>
        <div class="more">${details(attempt)}</div>
      </li>`;
    })}</ol>
    <div class="axis" aria-hidden="true">${axis(spanMs)}</div>
  </div>`;
}

function endOf({ ended_at: ended }, call) {
  const end = ended ?? call.ended_at;
  return end === null ? now() : Date.parse(end);
}

function verdictText(attempt) {
  const { verdict, sip_notify_response: code } = attempt;
  const mark = verdict === null ? 'moving' : tone(verdict);
  if (!isSip()) return html`<span class="dot ${mark}"></span>${attemptWords(attempt)}`;
  return html`<span class="badge ${mark}">${verdict === null ? 'open' : word(verdict)}</span>${code === null ? nothing : ` ${code}`}`;
}

function bar({ verdict }, from, to) {
  if (verdict === 'skipped') return html`<svg class="bar-strip" aria-hidden="true"></svg>`;
  const width = Math.max(BAR_MIN, to - from);
  return html`<svg class="bar-strip" aria-hidden="true">${svg`<rect class=${`fill-${verdict === null ? 'moving' : tone(verdict)}`}
    x=${`${Math.min(from, 100 - width)}%`} width=${`${width}%`} y="5" height="12" rx="2"></rect>`}</svg>`;
}

/** An axis in seconds since the start of the call. */
function axis(spanMs) {
  const seconds = spanMs / 1_000;
  const step = STEPS_S.find((each) => seconds / each <= TICKS_MAX) ?? seconds / TICKS_MAX;
  const ticks = Array.from({ length: Math.floor(seconds / step) + 1 }, (_, n) => n * step);
  return html`<svg class="axis-strip"><line class="grid" x1="0" x2="100%" y1="0.5" y2="0.5"></line>
    ${ticks.map((tick) => {
      const at = (tick / seconds) * 100;
      const anchor = at < 4 ? 'start' : at > 92 ? 'end' : 'middle';
      return svg`<line class="grid" x1=${`${at}%`} x2=${`${at}%`} y1="0" y2="5"></line>
        <text x=${`${at}%`} y="17" text-anchor=${anchor}>${tick} s</text>`;
    })}</svg>`;
}
