/** One timeline entry in words: what happened, what it means, what Referee did next. */
import type { ApiCall, ApiEntry } from './server-api.ts';

export interface StoryLine {
  what: string;
  why: string;
  next: string;
  mood: 'good' | 'bad' | 'plain';
}

/** Null for an entry that needs no line (a command was accepted, a prompt began). */
export function storyLine(entry: ApiEntry, call: ApiCall): StoryLine | null {
  const what = whatHappened(entry, call);
  if (what === null) return null;
  return { what, why: whyIn(entry, call), next: nextSteps(entry, call), mood: moodOf(entry) };
}

function whatHappened(entry: ApiEntry, call: ApiCall): string | null {
  switch (entry.source) {
    case 'webhook':
      return entry.phase_before === 'ended' && entry.notes.length === 0
        ? `late: ${entry.type}, after the end`
        : webhookInWords(entry, call);
    case 'b_leg':
      return bLegInWords(entry, call);
    case 'outcome':
      return outcomeInWords(entry);
    case 'deadline':
      return entry.detail.deadline === 'attempt'
        ? `${target(entry, call)} did not answer in time`
        : `deadline reached: ${entry.detail.deadline}`;
    case 'manual':
      return 'an operator moves the caller manually';
    case 'acknowledged':
      return 'an operator took note of the lost caller';
    case 'sighting':
      return 'recovery saw the leg alive';
    default:
      return entry.type;
  }
}

function webhookInWords(entry: ApiEntry, call: ApiCall): string | null {
  const code = entry.detail.sip_notify_response ?? '';
  switch (entry.type) {
    case 'call.initiated':
      return 'the phone rings';
    case 'call.answered':
      return 'answered';
    case 'call.refer.started':
      return `${target(entry, call)} ${code === 180 ? 'rings' : 'is trying'} (${code})`;
    case 'call.refer.completed':
      return `${target(entry, call)} took the caller (${code})`;
    case 'call.refer.failed':
      return `${target(entry, call)} refuses (${code})`;
    case 'call.hangup':
      return `hangup (${entry.detail.hangup_cause ?? 'no cause'})`;
    case 'call.speak.ended':
      return entry.detail.status === 'completed'
        ? 'the prompt was played to the end'
        : 'the prompt was interrupted';
    case 'call.gather.ended':
      return gatherInWords(entry.detail.status);
    default:
      return entry.notes.length === 0 ? null : entry.type;
  }
}

function gatherInWords(status: ApiEntry['detail'][string] | undefined): string {
  switch (status) {
    case 'valid':
      return 'the caller pressed a key';
    case 'invalid':
      return 'the caller pressed keys that are not in the menu';
    case 'timeout':
      return 'the caller pressed no key in time';
    case 'call_hangup':
      return 'the caller hung up in the menu';
    default:
      return 'the menu was interrupted';
  }
}

function bLegInWords(entry: ApiEntry, call: ApiCall): string | null {
  switch (entry.type) {
    case 'call.initiated':
      return `${target(entry, call)} rings`;
    case 'call.answered':
      return `${target(entry, call)} picks up`;
    case 'call.bridged':
      return 'both are talking';
    case 'call.hangup':
      return `${target(entry, call)} hangs up`;
    default:
      return null;
  }
}

function outcomeInWords({ detail, notes, commands }: ApiEntry): string | null {
  // An acceptance is only shown if something follows from it.
  if (notes.length < 2 && commands.length === 0 && detail.outcome === 'accepted') return null;
  return detail.action === 'probe' && detail.outcome === 'accepted'
    ? 'Telnyx knows the call'
    : `Telnyx on ${detail.action}: ${detail.outcome}${detail.code === undefined ? '' : ` (${detail.code})`}`;
}

const VERDICT = /: ([a-z_]+) \((.+)\)$/;
const ENDED = /: the call ended as ([a-z_]+)$/;
const RULE = /^(?:rule “.+?”|otherwise): /;

function whyIn({ notes, phase_before }: ApiEntry, call: ApiCall): string {
  const reasons = notes.flatMap((note) => {
    const ended = ENDED.exec(note)?.[1];
    if (ended !== undefined) return `the call ended as ${ended}`;
    const [, verdict, reason = ''] = VERDICT.exec(note) ?? [];
    if (verdict === undefined) {
      if (RULE.test(note)) return note.replace(/^otherwise: /, '');
      if (note.startsWith('menu: ')) return note;
      return note === 'Telnyx says that the leg lives' ? 'the caller is still there' : [];
    }
    // A REFER's final event is already shown on the left.
    return reason.startsWith('call.') ? `verdict ${verdict}` : `verdict ${verdict}: ${reason}`;
  });
  // A final event after the hangup corrects how the call ended.
  const corrected = phase_before === 'ended' && reasons.length > 0;
  return [...reasons, ...(corrected ? [`so the call ended as ${call.ends}`] : [])].join(', ');
}

function nextSteps(entry: ApiEntry, call: ApiCall): string {
  const steps = entry.commands.map(({ action, attempt }) => {
    const to = call.attempts.find(({ id }) => id === attempt);
    switch (action) {
      case 'refer':
      case 'transfer':
        return `${action === 'refer' ? 'REFER' : 'transfer'} to ${to?.target ?? to?.sip_address}`;
      case 'speak':
      case 'gather_using_speak':
        return entry.notes.find((note) => /^(?:say|menu) “/.test(note)) ?? action;
      case 'probe':
        return 'ask Telnyx whether the caller is still there';
      case 'active_calls':
        return 'ask Telnyx for the active calls';
      case 'reject':
        return entry.notes.find((note) => note.startsWith('reject')) ?? 'reject';
      case 'hangup':
        return 'hang up';
      default:
        return action;
    }
  });
  return steps.join(', ');
}

function moodOf(entry: ApiEntry): StoryLine['mood'] {
  if (/refer\.completed$|bridged$/.test(entry.type)) return 'good';
  if (/refer\.failed$/.test(entry.type) || entry.source === 'deadline') return 'bad';
  return 'plain';
}

/** The target of the attempt that an entry belongs to. */
function target({ attempt: id }: ApiEntry, { attempts }: ApiCall): string {
  const attempt = attempts.find((known) => known.id === id);
  return attempt === undefined ? 'a target' : (attempt.target ?? attempt.sip_address);
}
