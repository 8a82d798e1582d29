/**
 * A call's timeline in words: used by the page, `referee calls` and `referee demo`. The browser
 * loads this file unchanged, so it only imports modules beside it.
 *
 * @typedef {{ id: string, target: string | null, sip_address: string }} Attempt
 * @typedef {{
 *   source: string,
 *   type: string,
 *   attempt: string | null,
 *   detail: Record<string, string | number | boolean | null>,
 * }} Entry
 */
import { word } from './states.js';

/** How many entries of a call the server keeps. */
export const ENTRIES_KEPT = 500;

/**
 * Where a timeline ends before its call does; null if all of its entries are there.
 *
 * @param {readonly unknown[]} timeline
 */
export function cutWords(timeline) {
  if (timeline.length < ENTRIES_KEPT) return null;
  return `Only the first ${ENTRIES_KEPT} events of a call are kept: what came after them is not listed here.`;
}

/** The webhooks of the caller's leg. */
const WEBHOOKS = new Map([
  ['call.initiated', 'the call arrives'],
  ['call.answered', 'answered'],
  ['call.bridged', 'both are talking'],
  ['call.hangup', 'hung up'],
  ['call.cost', 'what it cost'],
  ['call.speak.started', 'speaking begins'],
  ['call.playback.started', 'playing begins'],
  ['call.dtmf.received', 'a key was pressed'],
]);

/** The progress of a REFER: what happened to the caller, and what the target does. */
const REFERS = new Map([
  ['call.refer.started', { title: 'the REFER is in progress', does: 'is trying' }],
  ['call.refer.completed', { title: 'the caller arrived', does: 'took the caller' }],
  ['call.refer.failed', { title: 'the caller did not arrive', does: 'refuses' }],
]);

/** What the target of a transfer does. */
const B_LEG = new Map([
  ['call.initiated', 'is called'],
  ['call.answered', 'picks up'],
  ['call.hangup', 'hangs up'],
]);

/** Telnyx's `status` at the end of a menu; keys were only pressed with the first two. */
const GATHERED = new Map([
  ['valid', 'the caller pressed a key'],
  ['invalid', 'the caller pressed keys that are not in the menu'],
  ['timeout', 'the caller pressed no key in time'],
  ['call_hangup', 'the caller hung up in the menu'],
]);

/** The sources that have only one kind of entry. */
const SOURCES = new Map([
  ['manual', 'an operator refers the caller manually'],
  ['acknowledged', 'an operator took note of the lost caller'],
  ['sighting', 'recovery found that the leg still exists'],
]);

/** An operator's actions besides a manual refer. */
const BY_HAND = new Map([
  ['operator.hangup', 'an operator hangs up the call'],
  ['operator.next', 'an operator goes on to the next step'],
]);

/** What a command asks for. */
const COMMANDS = new Map([
  ['answer', 'answer'],
  ['refer', 'REFER'],
  ['transfer', 'transfer'],
  ['speak', 'say'],
  ['playback_start', 'play'],
  ['playback_stop', 'stop playing'],
  ['gather_using_speak', 'menu'],
  ['gather_using_audio', 'menu'],
  ['reject', 'reject'],
  ['hangup', 'hang up'],
  ['client_state_update', 'update client_state'],
  ['probe', 'ask Telnyx whether the caller is still there'],
  ['active_calls', 'ask Telnyx for the active calls'],
  ['lookup', 'ask a lookup'],
]);

/**
 * What happened, as a heading without the target, because the page marks up names separately.
 *
 * @param {Entry} entry
 */
export function titleOf(entry) {
  const title = titleWords(entry);
  return `${title.charAt(0).toUpperCase()}${title.slice(1)}`;
}

/**
 * @param {Entry} entry
 * @returns {string}
 */
function titleWords(entry) {
  const { source, type, detail } = entry;
  switch (source) {
    case 'webhook':
      if (type === 'call.gather.ended') return `the menu ends: ${gatherWords(detail)}`;
      return REFERS.get(type)?.title ?? webhookWords(entry);
    case 'b_leg':
      if (type === 'call.bridged') return webhookWords(entry);
      if (type === 'call.cost') return 'what the B-leg cost';
      return `B-leg ${B_LEG.get(type) ?? type}`;
    case 'deadline':
      return `${deadlineWords(detail)}${detail.put_off ? ', postponed once' : ''}`;
    default:
      return sentenceOf(entry, '');
  }
}

/**
 * What happened, as a sentence about the target of the entry's attempt.
 *
 * @param {Entry} entry
 * @param {string} target
 * @returns {string}
 */
export function sentenceOf(entry, target) {
  const { source, type, detail } = entry;
  const code = detail.sip_notify_response ?? '';
  const refer = REFERS.get(type);
  switch (source) {
    case 'webhook':
      if (refer !== undefined) return `${target} ${code === 180 ? 'rings' : refer.does} (${code})`;
      if (type === 'call.hangup')
        return `${webhookWords(entry)} (${detail.hangup_cause ?? 'no cause'})`;
      if (type === 'call.cost') return `it cost ${detail.cost ?? 'nothing'}`;
      return webhookWords(entry);
    case 'b_leg':
      if (type === 'call.cost') return `the B-leg cost ${detail.cost ?? 'nothing'}`;
      return B_LEG.has(type) ? `${target} ${B_LEG.get(type)}` : titleWords(entry);
    case 'outcome':
      return outcomeWords(detail);
    case 'deadline':
      return detail.deadline === 'attempt'
        ? `${target} reported no result in time`
        : deadlineWords(detail);
    default:
      return SOURCES.get(source) ?? BY_HAND.get(type) ?? type;
  }
}

/**
 * @param {Entry} entry
 * @returns {string}
 */
function webhookWords({ type, detail }) {
  switch (type) {
    case 'call.speak.ended':
    case 'call.playback.ended':
      return `the prompt was ${detail.status === 'completed' ? 'played to the end' : 'interrupted'}`;
    case 'call.gather.ended':
      return gatherWords(detail);
    default:
      return WEBHOOKS.get(type) ?? type;
  }
}

/** @param {Entry['detail']} detail */
function gatherWords({ status }) {
  return GATHERED.get(String(status)) ?? 'the menu was interrupted';
}

/** @param {Entry['detail']} detail */
function outcomeWords(detail) {
  const { action, outcome, code } = detail;
  if (action === 'lookup' && outcome !== 'retry') return lookupWords(detail);
  const command = word(String(action));
  switch (outcome) {
    case 'accepted':
      return action === 'probe' ? 'Telnyx knows the call' : `the ${command} was accepted`;
    case 'rejected':
      return `the ${command} was rejected${code ? ` (${code})` : ''}`;
    case 'retry':
      return `the ${command} did not get through`;
    default:
      return `whether the ${command} got through is unknown`;
  }
}

/**
 * `asked crm: tier gold, 120 ms`.
 *
 * @param {Entry['detail']} detail
 */
function lookupWords({ lookup, outcome, values, ms, cached, detail }) {
  const asked = `asked ${lookup}`;
  if (outcome !== 'accepted') return `${asked}: ${detail ?? 'no answer'}`;
  const brought = values ?? 'none of the fields to keep';
  return `${asked}: ${brought}, ${cached ? 'from the cache' : `${ms} ms`}`;
}

/** @param {Entry['detail']} detail */
function deadlineWords({ deadline }) {
  return `the ${word(String(deadline))} deadline is reached`;
}

/** @param {string} action */
export function commandWords(action) {
  return COMMANDS.get(action) ?? word(action);
}

/**
 * The target of an attempt: its name, or its address if it has none. Null if the call has no such
 * attempt.
 *
 * @param {string | null} attemptId
 * @param {readonly Attempt[]} attempts
 */
export function targetOf(attemptId, attempts) {
  const attempt = attempts.find(({ id }) => id === attemptId);
  return attempt === undefined ? null : (attempt.target ?? attempt.sip_address);
}
