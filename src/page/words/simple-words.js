/**
 * A call's timeline in plain words, for people who are responsible for the callers: no codes, no
 * names of protocols. A test loads it without a browser, so it only imports modules beside it.
 *
 * @typedef {import('./timeline-words.js').Entry & {
 *   commands: { action: string, attempt: string | null }[],
 *   phase_before?: string | null,
 * }} Story
 */
import { word } from './states.js';
import { sentenceOf } from './timeline-words.js';

/** What follows when no step is left to run: the last resort only while we still try. */
const FOLLOWS = new Map([
  ['new', 'The rules have not decided yet.'],
  ['referred', 'Nothing follows: the caller has arrived.'],
  ['bridged', 'Nothing follows: the caller has arrived.'],
  ['releasing', 'Nothing follows: the call is being ended.'],
  ['unmanaged', 'Nothing follows: the call is left to another application.'],
]);

/** @param {string} phase */
export function whatFollows(phase) {
  return FOLLOWS.get(phase) ?? 'No step is left; the last resort runs next.';
}

/** What the target did, for each verdict. */
const VERDICTS = new Map([
  ['completed', 'took the caller'],
  ['busy', 'was busy'],
  ['no_answer', 'did not answer'],
  ['declined', 'declined'],
  ['not_found', 'does not know the number'],
  ['not_allowed', 'was refused as a destination'],
  ['server_error', 'had an error'],
  ['other', 'refused'],
  ['rejected', 'could not be tried'],
  ['no_verdict', 'never reported the result'],
  ['abandoned', 'was still being tried'],
  ['skipped', 'was skipped'],
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

/** What we ask of Telnyx, after "Telnyx refused". */
const ASKED = new Map([
  ['answer', 'to answer'],
  ['speak', 'to speak to the caller'],
  ['playback_start', 'to play a recording'],
  ['playback_stop', 'to stop a recording'],
  ['gather_using_speak', 'to offer a menu'],
  ['gather_using_audio', 'to offer a menu'],
  ['reject', 'to turn the call away'],
  ['hangup', 'to hang up'],
  ['client_state_update', 'to put a note on the call'],
  ['probe', 'whether the caller is still there'],
  ['active_calls', 'which calls are live'],
]);

/** What is over when a time limit of ours is reached; that of an attempt names its target. */
const TIME_LIMITS = new Map([
  ['undecided', 'it is still not known which kind of call this is'],
  ['step', 'the step takes longer than it may'],
  ['patience', 'the caller has waited as long as the routes allow'],
  ['probing', 'Telnyx does not say whether the caller is still there'],
  ['referred', 'the caller was moved, but our part of the call has not ended'],
  ['release', 'the call has not ended although we hung up'],
  ['watch', 'we check whether the call still exists'],
  ['final', 'an earlier try still has no result'],
  ['lookup', 'the lookup has not answered in time'],
]);

/**
 * What a live call is doing, for each phase: of a filter, where there is no sentence about it.
 *
 * @satisfies {Record<import('../../core/machine/call.ts').Phase, string>}
 */
const PHASE_WORDS = {
  new: 'just came in',
  answering: 'being answered',
  referring: 'being moved',
  transferring: 'being transferred',
  speaking: 'hearing a message',
  gathering: 'asked to press a key',
  referred: 'moved',
  bridged: 'talking',
  releasing: 'being hung up',
  unmanaged: 'not ours',
  ended: 'ended',
};

const MOVES = new Set(['refer', 'transfer']);
const QUESTIONS = new Set(['probe', 'active_calls']);
const UNNOTICED = new Set(['call.answered', 'call.speak.started', 'call.playback.started']);

/** @param {string | null} verdict */
export function verdictWords(verdict) {
  return verdict === null ? 'is being tried' : (VERDICTS.get(verdict) ?? word(verdict));
}

/**
 * What an attempt's target did, so far as anybody knows: where Telnyx gave no clear answer and
 * nothing was heard since, that is nothing.
 *
 * @param {{ verdict: string | null, never_sent: boolean, accepted_at: string | null, progress: boolean, b_leg: string | null }} attempt
 */
export function attemptWords({ verdict, never_sent, accepted_at, progress, b_leg }) {
  if (never_sent && verdict !== null && verdict !== 'skipped') return 'was not tried';
  const isHeardOf = accepted_at !== null || progress || b_leg !== null;
  return verdict === 'no_verdict' && !isHeardOf ? 'may not have been tried' : verdictWords(verdict);
}

/** @param {string} phase */
export function phaseWords(phase) {
  return new Map(Object.entries(PHASE_WORDS)).get(phase) ?? word(phase);
}

/**
 * Whether an entry is routine and can be folded, unless it is needed to find a fault of the line
 * itself.
 *
 * @param {Story} entry
 */
export function isRoutine({ source, type, detail, commands, phase_before: before }, sip = false) {
  if (source === 'outcome') {
    const moves = MOVES.has(String(detail.action));
    // The diagram needs an accepted move: its REFER and INVITE arrows come from it.
    return detail.outcome === 'accepted' && detail.action !== 'lookup' && !(sip && moves);
  }
  if (sip || commands.some(isNoticed)) return false;
  // Both legs report what they cost, and that they are bridged.
  if (type === 'call.bridged') return before === 'bridged';
  return type === 'call.cost' || (source === 'webhook' && UNNOTICED.has(type));
}

/**
 * The entries that say less of an attempt than one before them: NOTIFYs overtake each other, and a
 * target that rings is not back at being called.
 *
 * @param {readonly (Pick<Story, 'type' | 'attempt' | 'detail' | 'commands'> & { id: string })[]} timeline
 * @returns {Set<string>} their ids
 */
export function overtakenIds(timeline) {
  const ringing = new Set();
  const overtaken = new Set();
  for (const { id, type, attempt, detail, commands } of timeline) {
    if (type !== 'call.refer.started') continue;
    if (detail.sip_notify_response === 180) ringing.add(attempt);
    else if (ringing.has(attempt) && !commands.some(isNoticed)) overtaken.add(id);
  }
  return overtaken;
}

/** @param {{ action: string }} command */
function isNoticed({ action }) {
  return MOVES.has(action) || COMMANDS.has(action);
}

/**
 * @param {Story} entry
 * @param {string} target
 * @param {string | null} verdict of the attempt that the entry is about
 * @param {string | null} [outcome] of the call
 */
export function simpleSentence(entry, target, verdict, outcome = null) {
  const { source, type, detail } = entry;
  if (type === 'call.cost') return 'Telnyx says what the call cost';
  if (source === 'webhook') {
    if (type === 'call.initiated') return 'the call comes in';
    if (type === 'call.answered') return 'the call is answered';
    if (type === 'call.hangup') return hangupSentence(entry, outcome);
    if (type === 'call.refer.started')
      return `${target} ${detail.sip_notify_response === 180 ? 'rings' : 'is being tried'}`;
    if (type === 'call.refer.completed') return `${target} took the caller`;
    if (type === 'call.refer.failed')
      return `${target} ${verdict === null || verdict === 'completed' ? 'did not take the caller' : verdictWords(verdict)}`;
  }
  // Of a target that did not take the caller it is the verdict that says what it did.
  if (source === 'b_leg' && type === 'call.hangup' && verdict !== null && verdict !== 'completed')
    return `${target} ${verdictWords(verdict)}`;
  if (source === 'deadline' && detail.put_off) return 'we wait a little longer than planned';
  if (source === 'deadline' && detail.deadline !== 'attempt')
    return TIME_LIMITS.get(String(detail.deadline)) ?? 'a time limit of ours is reached';
  if (source === 'outcome' && detail.action !== 'lookup') return outcomeSentence(detail, target);
  return sentenceOf(entry, target);
}

/**
 * Telnyx names the caller as the one who hung up also when a REFER has taken the caller off our
 * leg, so for a caller who was being moved it is the outcome that says who went.
 *
 * @param {Story} entry
 * @param {string | null} outcome
 */
function hangupSentence({ detail, phase_before: before }, outcome) {
  const wasMoved = before === 'referring' || before === 'referred';
  if (wasMoved && outcome !== 'gave_up') return 'our part of the call ends';
  return detail.hangup_source === 'caller' ? 'the caller hangs up' : 'the call ends';
}

/**
 * @param {Story['detail']} detail
 * @param {string} target
 */
function outcomeSentence({ action, outcome, detail }, target) {
  const what = MOVES.has(String(action))
    ? `to move the caller to ${target}`
    : (ASKED.get(String(action)) ?? `to ${word(String(action))}`);
  if (outcome === 'accepted')
    return QUESTIONS.has(String(action)) ? `Telnyx says ${what}` : `Telnyx agreed ${what}`;
  if (outcome === 'rejected')
    return QUESTIONS.has(String(action)) ? `Telnyx does not say ${what}` : `Telnyx refused ${what}`;
  if (outcome === 'retry') return `we ask Telnyx again ${what}`;
  // `never sent` or `never executed`: nothing that left can have been executed.
  if (String(detail).startsWith('never ')) return `Telnyx could not be asked in time ${what}`;
  return `Telnyx gave no clear answer when asked ${what}`;
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
