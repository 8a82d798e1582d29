/**
 * A call's timeline as a sequence diagram: lanes for the caller, Telnyx, us and the targets, with
 * an arrow and a text for each message. Dashed arrows are inferred messages, which we cannot see.
 */

import { repeat } from '/assets/lit-html/directives/repeat.js';
import { html, nothing, svg } from '/assets/lit-html/lit-html.js';
import { adviceText } from './attempt.js';
import { isRoutine } from './simple-words.js';
import { word } from './states.js';
import { fold, runsOf } from './story.js';
import { commandWords, targetOf, titleOf } from './timeline-words.js';
import { clock, plain, said } from './words.js';

const CALLER = 0;
const TELNYX = 1;
const REFEREE = 2;
const TARGET_LANES_MAX = 4;
const ARROW_HEIGHT = 24;

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

function lanesOf({ attempts }) {
  const targets = [...new Set(attempts.map((attempt) => attempt.target ?? attempt.sip_address))];
  const shown =
    targets.length > TARGET_LANES_MAX ? targets.slice(0, TARGET_LANES_MAX - 1) : targets;
  const names = ['Caller', 'Telnyx', 'Referee', ...shown];
  if (shown.length < targets.length) names.push('other targets');
  return {
    names,
    /** The lane of an attempt's id; null if it is not an attempt of this call. */
    of(attemptId) {
      const target = targetOf(attemptId, attempts);
      if (target === null) return null;
      const index = shown.indexOf(target);
      return index < 0 ? names.length - 1 : REFEREE + 1 + index;
    },
  };
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
  const arrows = [...arrowsOf(entry, lanes), ...entry.commands.map(commandArrow)];
  const moved = entry.phase_before !== null && entry.phase_before !== entry.phase;
  return html`<li class=${entry.source}>
    <p class="at"><time datetime=${entry.at} title=${entry.at}>${clock(entry.at)}</time>
      <span class="faint">+${((Date.parse(entry.at) - start) / 1_000).toFixed(2)} s</span></p>
    ${strip(arrows, lanes.names.length)}
    <div class="words">
      <p><strong>${titleText(entry, call)}</strong> <code>${plain(entry.type)}</code>
        ${moved ? html`<span class="phase-change">${word(entry.phase_before)} → ${word(entry.phase)}</span>` : nothing}</p>
      ${detailText(entry)}
      ${notesOf(entry, call).map((note) => html`<p class="note">${said(note)}</p>`)}
      ${adviceText(entry.advice)}
      ${entry.commands.map((command) => commandText(command, outcomes.get(command.id) ?? [], entry, call))}
      ${
        entry.trace === null || entry.trace === undefined || entry.trace.length === 0
          ? nothing
          : html`<details><summary>Why: ${entry.trace.length} ${entry.trace.length === 1 ? 'rule' : 'rules'} tried</summary>
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

function hasKeys({ status }) {
  return status === 'valid' || status === 'invalid';
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
  return html`<p class="small faint">${parts.map(
    ([name, value], index) =>
      html`${index === 0 ? nothing : ' · '}${word(name)} ${said(String(value))}`,
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

function outcomeTone(outcome) {
  if (outcome === 'accepted') return 'good';
  return outcome === 'rejected' ? 'bad' : 'doubtful';
}

/** Labels must fit between two lanes on a phone. */
const SHORT = {
  gather_using_speak: 'gather',
  gather_using_audio: 'gather',
  client_state_update: 'client_state',
  playback_start: 'play',
  playback_stop: 'stop',
};

function commandArrow({ action }) {
  return { from: REFEREE, to: TELNYX, label: SHORT[action] ?? action, tone: 'moving' };
}

/** Events caused by an operator. */
const BY_HAND = new Set(['manual', 'operator', 'acknowledged']);

/** One event as arrows between lanes, in the order of its path. */
function arrowsOf(entry, lanes) {
  const { source, type, detail } = entry;
  if (source === 'deadline') return [{ at: REFEREE, tone: 'doubtful' }];
  if (BY_HAND.has(source)) return [{ at: REFEREE, tone: 'moving' }];
  if (source === 'outcome') return outcomeArrows(entry, lanes);
  const heard = { from: TELNYX, to: REFEREE, label: type.replace(/^call\./, '') };
  if (source === 'b_leg') {
    const lane = lanes.of(entry.attempt);
    return [...(lane === null ? [] : [{ from: lane, to: TELNYX }]), heard];
  }
  const sip = detail.sip_notify_response ?? '';
  switch (type) {
    case 'call.initiated':
      return [{ from: CALLER, to: TELNYX, label: 'INVITE' }, heard];
    case 'call.hangup':
      return detail.hangup_source === 'caller'
        ? [{ from: CALLER, to: TELNYX, label: 'BYE' }, heard]
        : [heard];
    case 'call.dtmf.received':
      return [{ from: CALLER, to: TELNYX, label: 'keys' }, heard];
    case 'call.gather.ended':
      return [...(hasKeys(detail) ? [{ from: CALLER, to: TELNYX, label: 'keys' }] : []), heard];
    case 'call.refer.started':
      return [{ from: CALLER, to: TELNYX, label: `NOTIFY ${sip}` }, heard];
    case 'call.refer.completed':
    case 'call.refer.failed': {
      const lane = lanes.of(entry.attempt);
      const mark = type === 'call.refer.completed' ? 'good' : 'bad';
      return [
        ...(lane === null
          ? []
          : [{ from: lane, to: CALLER, dashed: true, tone: mark, label: String(sip) }]),
        { from: CALLER, to: TELNYX, tone: mark, label: `NOTIFY ${sip}` },
        { ...heard, tone: mark },
      ];
    }
    default:
      return [heard];
  }
}

/** An accepted REFER reaches the caller's side, which then calls the target itself (RFC 3515). */
function outcomeArrows({ detail }, lanes) {
  const mark = outcomeTone(detail.outcome);
  const label = String(detail.status ?? word(String(detail.outcome ?? '')));
  const heard = { from: TELNYX, to: REFEREE, tone: mark, label };
  if (detail.outcome !== 'accepted') return [heard];
  const lane = lanes.of(detail.command);
  const onwards = { dashed: true, tone: 'moving' };
  if (detail.action === 'refer' && lane !== null) {
    return [
      heard,
      { ...onwards, from: TELNYX, to: CALLER, label: 'REFER' },
      { ...onwards, from: CALLER, to: lane, label: 'INVITE' },
    ];
  }
  if (detail.action === 'transfer' && lane !== null) {
    return [heard, { ...onwards, from: TELNYX, to: lane, label: 'INVITE' }];
  }
  return [heard];
}

function strip(arrows, lanes) {
  const height = Math.max(1, arrows.length) * ARROW_HEIGHT;
  const x = (lane) => `${((lane + 0.5) / lanes) * 100}%`;
  return html`<svg class="strip" aria-hidden="true" height=${height}>
    ${Array.from({ length: lanes }, (_, lane) => svg`<line class="lane" x1=${x(lane)} x2=${x(lane)} y1="0" y2="100%"></line>`)}
    ${arrows.map((arrow, index) => {
      const y = index * ARROW_HEIGHT + ARROW_HEIGHT - 8;
      const colour = `stroke-${arrow.tone ?? 'calm'}`;
      if (arrow.at !== undefined)
        return svg`<circle class=${colour} cx=${x(arrow.at)} cy=${y} r="4"></circle>`;
      const right = arrow.to > arrow.from;
      return svg`<line class="${colour} ${arrow.dashed ? 'dashed' : ''}" x1=${x(arrow.from)} x2=${x(arrow.to)} y1=${y} y2=${y}></line>
        ${arrow.label === undefined ? nothing : svg`<text class="label" x=${x((arrow.from + arrow.to) / 2)} y=${y - 4}>${plain(arrow.label)}</text>`}
        <svg class="head" x=${x(arrow.to)} y=${y} overflow="visible"><path class=${colour}
          d=${right ? 'M-7,-4 L0,0 L-7,4' : 'M7,-4 L0,0 L7,4'}></path></svg>`;
    })}
  </svg>`;
}
