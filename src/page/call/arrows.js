/**
 * The arrows of a call's sequence diagram: each event as its messages between the lanes of caller,
 * Telnyx, Referee and the targets. Dashed arrows are inferred messages, which we cannot see.
 */
import { html, nothing, svg } from '/assets/lit-html/lit-html.js';
import { word } from '../words/states.js';
import { targetOf } from '../words/timeline-words.js';
import { plain } from '../words/words.js';

const CALLER = 0;
const TELNYX = 1;
const REFEREE = 2;
const TARGET_LANES_MAX = 4;
const ARROW_HEIGHT = 24;

/** @param {import('./call.js').CallDetail} call */
export function lanesOf({ attempts }) {
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

/** The arrows of an entry and of the commands that followed from it. */
export function arrowStrip(entry, lanes) {
  return strip(
    [...arrowsOf(entry, lanes), ...entry.commands.map(commandArrow)],
    lanes.names.length,
  );
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

/** @param {unknown} outcome of a command */
export function outcomeTone(outcome) {
  if (outcome === 'accepted') return 'good';
  return outcome === 'rejected' ? 'bad' : 'doubtful';
}

function hasKeys({ status }) {
  return status === 'valid' || status === 'invalid';
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
