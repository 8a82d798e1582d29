/**
 * A call's timeline in plain words, for people who are responsible for the callers: no codes, no
 * names of protocols. A test loads it without a browser, so it only imports modules beside it.
 *
 * @typedef {import('./timeline-words.js').Entry & {
 *   commands: { action: string, attempt: string | null }[],
 * }} Story
 */
import { word } from './states.js';
import { sentenceOf } from './timeline-words.js';

/** What the target did, for each verdict. */
const VERDICTS = new Map([
  ['completed', 'took the caller'],
  ['busy', 'was busy'],
  ['no_answer', 'did not answer'],
  ['declined', 'declined'],
  ['not_found', 'does not know the number'],
  ['not_allowed', 'was refused as a destination'],
  ['server_error', 'had an error'],
  ['other', 'failed'],
  ['rejected', 'could not be tried'],
  ['no_verdict', 'never reported the result'],
  ['abandoned', 'was being tried when the caller hung up'],
  ['skipped', 'was passed over'],
]);

/** What we do to the caller, without anything that they do not notice. */
const COMMANDS = new Map([
  ['answer', 'we answer'],
  ['speak', 'we speak to the caller'],
  ['playback_start', 'we play a recording'],
  ['gather_using_speak', 'we offer a menu'],
  ['gather_using_audio', 'we offer a menu'],
  ['reject', 'we turn the call away'],
  ['hangup', 'we hang up'],
]);

const MOVES = new Set(['refer', 'transfer']);
const UNNOTICED = new Set([
  'call.answered',
  'call.cost',
  'call.speak.started',
  'call.playback.started',
]);

/** @param {string | null} verdict */
export function verdictWords(verdict) {
  return verdict === null ? 'is being tried' : (VERDICTS.get(verdict) ?? word(verdict));
}

/**
 * Whether an entry is routine and can be folded, unless it is needed to find a fault of the line
 * itself.
 *
 * @param {Story} entry
 */
export function isRoutine({ source, type, detail, commands }, sip = false) {
  if (source === 'outcome') {
    const moves = MOVES.has(String(detail.action));
    // The diagram needs an accepted move: its REFER and INVITE arrows come from it.
    return detail.outcome === 'accepted' && detail.action !== 'lookup' && !(sip && moves);
  }
  return !sip && source === 'webhook' && UNNOTICED.has(type) && !commands.some(isNoticed);
}

/** @param {{ action: string }} command */
function isNoticed({ action }) {
  return MOVES.has(action) || COMMANDS.has(action);
}

/**
 * @param {Story} entry
 * @param {string} target
 * @param {string | null} verdict of the attempt that the entry is about
 */
export function simpleSentence(entry, target, verdict) {
  const { source, type, detail } = entry;
  if (source === 'webhook') {
    if (type === 'call.initiated') return 'the call comes in';
    if (type === 'call.answered') return 'the call is answered';
    if (type === 'call.hangup')
      return detail.hangup_source === 'caller' ? 'the caller hangs up' : 'the call ends';
    if (type === 'call.refer.started')
      return `${target} ${detail.sip_notify_response === 180 ? 'rings' : 'is being tried'}`;
    if (type === 'call.refer.completed') return `${target} took the caller`;
    if (type === 'call.refer.failed')
      return `${target} ${verdict === null || verdict === 'completed' ? 'did not take the caller' : verdictWords(verdict)}`;
    if (type === 'call.cost') return 'Telnyx says what the call cost';
  }
  if (source === 'deadline' && detail.put_off) return 'we wait a little longer than planned';
  if (source === 'outcome' && detail.action !== 'lookup') return outcomeSentence(detail, target);
  return sentenceOf(entry, target);
}

/**
 * @param {Story['detail']} detail
 * @param {string} target
 */
function outcomeSentence({ action, outcome }, target) {
  const what = MOVES.has(String(action))
    ? `to move the caller to ${target}`
    : `to ${word(String(action))}`;
  if (outcome === 'accepted') return `Telnyx agreed ${what}`;
  if (outcome === 'rejected') return `Telnyx refused ${what}`;
  if (outcome === 'retry') return `we ask Telnyx again ${what}`;
  return `we do not know whether Telnyx was asked ${what}`;
}

/**
 * Null for a command that the caller does not notice.
 *
 * @param {{ action: string }} command
 * @param {string | null} target
 */
export function simpleCommand({ action }, target) {
  if (MOVES.has(action)) return `we move the caller to ${target ?? 'another phone'}`;
  return COMMANDS.get(action) ?? null;
}
