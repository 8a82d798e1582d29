/** What the caller hears and presses: speech and playback in one queue, and menus. */
import type { Emit } from './emit.ts';
import { type Gather, type Leg, parties, type Voice } from './leg.ts';
import type { Refusal } from './refusal.ts';
import type { CommandBody } from './schema.ts';
import type { Switchboard } from './switchboard.ts';

const MS_PER_CHARACTER = 20;
const SPEECH_MS_MAX = 2_000;
const PLAYBACK_MS = 1_000;
const KEY_MS = 200;
const HEARD_MAX = 200;
/** Telnyx's defaults for a gather. */
const TRIES = 3;
const DIGITS_MAX = 128;
const GATHER_TIMEOUT_MS = 60_000;

export function speak(board: Switchboard, leg: Leg, body: CommandBody): Refusal | null {
  const payload = String(body.payload);
  return enqueue(board, leg, body, {
    kind: 'speak',
    id: typeof body.command_id === 'string' ? body.command_id : `speak-${leg.voices.length + 1}`,
    durationMs: leg.call.script.speakMs ?? speechMs(payload),
    heard: payload,
  });
}

export function playbackStart(board: Switchboard, leg: Leg, body: CommandBody): Refusal | null {
  const media = String(body.audio_url ?? body.media_name ?? '');
  return enqueue(board, leg, body, {
    kind: 'playback',
    id: media,
    durationMs: leg.call.script.playbackMs ?? PLAYBACK_MS,
    heard: media,
  });
}

export function playbackStop(board: Switchboard, leg: Leg, body: CommandBody): Refusal | null {
  stop(board, leg, body.stop === 'current' ? 'current' : 'all');
  return null;
}

/**
 * A new prompt waits for the earlier ones, as documented for `stop`. Without stopping an endless
 * loop, later prompts are never heard.
 */
function enqueue(
  board: Switchboard,
  leg: Leg,
  body: CommandBody,
  what: { kind: Voice['kind']; id: string; durationMs: number; heard: string },
): null {
  if (body.stop !== undefined) stop(board, leg, body.stop === 'current' ? 'current' : 'all');
  const voice: Voice = {
    kind: what.kind,
    id: what.id,
    durationMs: what.durationMs,
    rounds: body.loop === 'infinity' ? Number.POSITIVE_INFINITY : Number(body.loop ?? 1),
    overlay: body.overlay === true,
    started: false,
    cancel: () => {},
  };
  leg.voices.push(voice);
  hear(leg, what.heard);
  if (leg.voices.length === 1 || voice.overlay) start(board, leg, voice);
  return null;
}

function start(board: Switchboard, leg: Leg, voice: Voice): void {
  voice.started = true;
  if (voice.kind === 'speak') {
    board.emit(leg, 'call.speak.started', { speak_id: voice.id });
    board.happened(leg, 'speak_started');
  } else {
    board.emit(leg, 'call.playback.started', { media_url: voice.id, overlay: voice.overlay });
    board.happened(leg, 'playback_started');
  }
  const round = (): void => {
    voice.cancel = board.clock.after(voice.durationMs, () => {
      voice.rounds -= 1;
      if (voice.rounds > 0) round();
      else finish(board, leg, voice, 'completed');
    });
  };
  round();
}

function finish(
  board: Switchboard,
  leg: Leg,
  voice: Voice,
  status: 'completed' | 'cancelled',
): void {
  leg.voices = leg.voices.filter((other) => other !== voice);
  endVoice(board.emit, leg, voice, status);
  const next = leg.voices[0];
  if (next !== undefined && !next.started) start(board, leg, next);
}

function endVoice(
  emit: Emit,
  leg: Leg,
  voice: Voice,
  status: 'completed' | 'cancelled' | 'call_hangup',
): void {
  voice.cancel();
  if (!voice.started) return;
  if (voice.kind === 'speak') {
    // Telnyx's enum for the end of speak has no "cancelled".
    const spoken = status === 'cancelled' ? 'completed' : status;
    emit(leg, 'call.speak.ended', { speak_id: voice.id, status: spoken });
  } else {
    emit(leg, 'call.playback.ended', { media_url: voice.id, overlay: voice.overlay, status });
  }
}

/** Playback, speech and menus end with the leg; their events come before the hangup. */
export function silence(emit: Emit, leg: Leg): void {
  const { voices, gather } = leg;
  leg.voices = [];
  leg.gather = null;
  for (const voice of voices) endVoice(emit, leg, voice, 'call_hangup');
  if (gather === null) return;
  gather.cancel();
  emit(leg, 'call.gather.ended', { ...parties(leg), digits: '', status: 'call_hangup' });
}

function stop(board: Switchboard, leg: Leg, what: 'current' | 'all'): void {
  const [current] = leg.voices;
  if (current === undefined) return;
  if (what === 'all') leg.voices = leg.voices.filter((voice) => voice.started);
  for (const voice of what === 'all' ? [...leg.voices] : [current]) {
    finish(board, leg, voice, 'cancelled');
  }
}

export function gather(board: Switchboard, leg: Leg, body: CommandBody): Refusal | null {
  const { call } = leg;
  const media = body.audio_url ?? body.media_name;
  const recorded = media !== undefined;
  const promptMs = recorded
    ? (call.script.playbackMs ?? PLAYBACK_MS)
    : (call.script.speakMs ?? speechMs(String(body.payload)));
  const timeoutMs = Number(body.timeout_millis ?? GATHER_TIMEOUT_MS);
  const triesMax = Number(body.maximum_tries ?? TRIES);
  leg.gather?.cancel();
  const running: Gather = { cancel: () => {} };
  leg.gather = running;
  board.happened(leg, 'gather_started');
  attempt(1, false);
  return null;

  function attempt(tries: number, invalidBefore: boolean): void {
    const invalid = invalidBefore ? invalidPrompt(body) : undefined;
    hear(leg, String(invalid ?? media ?? body.payload));
    if (recorded) board.emit(leg, 'call.playback.started', { media_url: media, overlay: false });
    const { digits } = call.script;
    const keys = digits?.[call.gathers] ?? digits?.at(-1) ?? null;
    call.gathers += 1;
    const waitMs = promptMs + (keys === null ? timeoutMs : (call.script.keyMs ?? KEY_MS));
    running.cancel = board.clock.after(waitMs, () => judge(keys, tries));
  }

  function judge(keys: string | null, tries: number): void {
    if (recorded) {
      // A key press ends the prompt.
      const status = keys === null ? 'completed' : 'cancelled';
      board.emit(leg, 'call.playback.ended', { media_url: media, overlay: false, status });
    }
    for (const digit of keys ?? '') {
      board.emit(leg, 'call.dtmf.received', { ...parties(leg), digit });
    }
    const digits = accepted(keys ?? '', body);
    if (keys !== null && digits !== null) conclude(digits, 'valid');
    else if (tries < triesMax) attempt(tries + 1, keys !== null);
    else conclude(keys ?? '', keys === null ? 'timeout' : 'invalid');
  }

  function conclude(digits: string, status: 'valid' | 'invalid' | 'timeout'): void {
    leg.gather = null;
    board.emit(leg, 'call.gather.ended', { ...parties(leg), digits, status });
  }
}

function invalidPrompt(body: CommandBody): unknown {
  return body.invalid_payload ?? body.invalid_audio_url ?? body.invalid_media_name;
}

/** The valid digits; null if the keys are not what the menu asked for. */
function accepted(keys: string, body: CommandBody): string | null {
  const terminator = typeof body.terminating_digit === 'string' ? body.terminating_digit : '#';
  const valid = typeof body.valid_digits === 'string' ? body.valid_digits : '0123456789#*';
  const most = Number(body.maximum_digits ?? DIGITS_MAX);
  // A terminator that is also one of the menu's keys counts as a digit if it was pressed alone.
  const end = terminator === '' ? -1 : keys.indexOf(terminator);
  const digits = (end > 0 ? keys.slice(0, end) : keys).slice(0, most);
  const enough = digits.length >= Number(body.minimum_digits ?? 1);
  return enough && [...digits].every((digit) => valid.includes(digit)) ? digits : null;
}

function hear(leg: Leg, text: string): void {
  const { heard } = leg.call.book;
  if (heard.length < HEARD_MAX) heard.push(text);
}

function speechMs(text: string): number {
  return Math.min(SPEECH_MS_MAX, text.length * MS_PER_CHARACTER);
}
