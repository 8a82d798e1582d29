/** One timeline entry in words: what happened, what it means, what Referee did next. */
import { commandWords, sentenceOf, targetOf } from '../../page/words/timeline-words.js';
import type { ApiCall, ApiEntry } from './call.ts';

interface StoryLine {
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
  const { source, type, notes } = entry;
  if (source === 'webhook' && entry.phase_before === 'ended' && notes.length === 0) {
    return `late: ${type}, after the end`;
  }
  if (isUneventful(entry)) return null;
  return sentenceOf(entry, targetOf(entry.attempt, call.attempts) ?? 'a target');
}

/** Entries that a viewer does not need: something was accepted, began, or was charged. */
function isUneventful({ source, type, notes, commands, detail }: ApiEntry): boolean {
  switch (source) {
    case 'webhook':
      return notes.length === 0 && UNEVENTFUL.has(type);
    case 'b_leg':
      return UNEVENTFUL.has(type);
    case 'outcome':
      // An acceptance is only shown if something follows from it.
      return notes.length < 2 && commands.length === 0 && detail.outcome === 'accepted';
    default:
      return false;
  }
}

const UNEVENTFUL = new Set([
  'call.cost',
  'call.dtmf.received',
  'call.playback.ended',
  'call.playback.started',
  'call.speak.started',
]);

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
      return note === 'Telnyx says that the leg still exists' ? 'the caller is still there' : [];
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
    switch (action) {
      case 'refer':
      case 'transfer':
        return `${commandWords(action)} to ${targetOf(attempt, call.attempts)}`;
      case 'speak':
      case 'gather_using_speak':
      case 'gather_using_audio':
        return entry.notes.find((note) => /^(?:say|menu) /.test(note)) ?? commandWords(action);
      case 'reject':
        return entry.notes.find((note) => note.startsWith('reject')) ?? commandWords(action);
      default:
        return commandWords(action);
    }
  });
  return steps.join(', ');
}

function moodOf(entry: ApiEntry): StoryLine['mood'] {
  if (/refer\.completed$|bridged$/.test(entry.type)) return 'good';
  if (/refer\.failed$/.test(entry.type) || entry.source === 'deadline') return 'bad';
  return 'plain';
}
