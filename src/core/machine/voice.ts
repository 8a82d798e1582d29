/** What the caller hears from us: say, play, menu, and the loop of `while_moving`. */
import { isConversationOver } from './b-leg.ts';
import type { Call, Voice } from './call.ts';
import { type Action, isPrompt } from './command.ts';
import type { WebhookEvent } from './event.ts';
import {
  MENU_PLAY_MS_MAX,
  OUTCOME_GRACE_MS,
  PLAY_MS_MAX,
  PLAY_STARTS_MS,
  PROMPT_SEND_MS,
  SPEECH_EXTRA_MS,
  SPEECH_MS_PER_CHARACTER,
  UNKNOWN_LEFT_MS_MIN,
} from './limits.ts';
import type { MenuStep, PlayStep, SayStep } from './plan.ts';
import {
  isOverdue,
  issue,
  newId,
  note,
  putBackRunning,
  putOffDeadline,
  setDeadline,
  type Turn,
  takeBack,
  tookAnswer,
} from './turn.ts';

export type VoiceStep = SayStep | PlayStep | MenuStep;

/** Starts a prompt step; the phase lasts until its end is reported or its deadline is due. */
export function startVoice(turn: Turn, step: VoiceStep): void {
  const { call } = turn;
  // Always both: cancel what is outdated, and stop what may be playing.
  const overtaken = takeBackPrompts(turn);
  const stopOthers = overtaken || call.voices.length > 0;
  // A gather has no `stop` parameter.
  if (step.do === 'menu' && (overtaken || isLooping(call))) stopPrompts(turn);
  const id = newId(turn);
  speak(turn, step, { id, loop: false, stopOthers });
  call.running = { id, step };
  call.phase = step.do === 'menu' ? 'gathering' : 'speaking';
  setDeadline(turn, 'step', PROMPT_SEND_MS + OUTCOME_GRACE_MS + voiceMs(step));
  note(turn, wordsOf(step));
}

/** The command was accepted: from now on the prompt takes its natural length. */
export function acceptVoice(turn: Turn, step: VoiceStep): void {
  tookAnswer(turn);
  setDeadline(turn, 'step', voiceMs(step));
}

/**
 * The outcome is unknown, so the caller may be hearing the prompt. Returns false if it would be
 * over by now. A recording may be long, but its start is reported soon; without that its end is not
 * waited for.
 */
export function awaitUnknownVoice(turn: Turn, step: VoiceStep, sentAt: number): boolean {
  const { call, now } = turn;
  const started = call.voices.some((voice) => voice.id === call.running?.id && voice.started);
  if (started) return true;
  const restMs = step.do === 'play' ? PLAY_STARTS_MS : sentAt + voiceMs(step) - now;
  // The key that was pressed may be delivered again.
  if (step.do === 'menu' && isOverdue(restMs)) {
    putOffDeadline(turn, 'step');
    return true;
  }
  if (restMs < UNKNOWN_LEFT_MS_MIN) return false;
  setDeadline(turn, 'step', restMs);
  return true;
}

/**
 * Nothing shows that Telnyx has executed the prompt: it is said once more, and stops the first one,
 * which may be executed after all.
 */
export function sayOnceMore(turn: Turn): boolean {
  const { running, voices } = turn.call;
  const unheard = voices.filter(({ loop, started }) => !loop && !started);
  const isFirst = unheard.length === 1 && unheard[0]?.id === running?.id;
  if (!isFirst) return false;
  note(turn, `${running?.step.do}: Telnyx may not have executed it, so it comes once more`);
  putBackRunning(turn);
  return true;
}

/**
 * Starts the loop of `while_moving` before the caller is moved, unless an operator moves them out
 * of a conversation: they talk until they are moved. Its envelope names the loop and not the
 * attempt, because a loop sent late after a retry would put an old attempt back on the leg.
 */
export function startWhileMoving(turn: Turn): void {
  const { call } = turn;
  const loop = call.policy?.whileMoving ?? null;
  const talks = call.suspended?.phase === 'bridged' && !isConversationOver(call);
  if (loop === null || isLooping(call) || talks) return;
  speak(turn, loop, { id: newId(turn), loop: true, stopOthers: false });
}

/** A loop that was not sent yet, because the previous prompt has no outcome. */
export function dropParkedLoop(turn: Turn): void {
  const { call } = turn;
  const parked = new Set(call.parked.map(({ id }) => id));
  for (const { id, loop } of call.voices) if (loop && parked.has(id)) takeBack(turn, id);
  call.voices = call.voices.filter(({ id, loop }) => !loop || !parked.has(id));
}

/** Whether the caller hears the loop of `while_moving`. */
export function isLooping({ voices }: Pick<Call, 'voices'>): boolean {
  return voices.some(({ loop }) => loop);
}

/** One that did not start yet may be executed after the stop, so its start is still recognised. */
export function stopWhileMoving(turn: Turn): void {
  const { call } = turn;
  if (!isLooping(call)) return;
  call.voices = call.voices
    .filter(({ loop, started }) => !loop || !started)
    .map((voice) => ({ ...voice, loop: false }));
  takeBackPrompts(turn);
  stopPrompts(turn);
}

/** Telnyx accepted a prompt late: see `stopUnwanted`. */
export function stopLateVoice(turn: Turn, action: Action): void {
  if (isPrompt({ action }) && action !== 'playback_stop') stopUnwanted(turn);
}

/**
 * A prompt was accepted or began whose request was in flight when nobody was to hear from us any
 * more: it plays into a conversation, and a loop would not end.
 */
function stopUnwanted(turn: Turn): void {
  const { phase, foreignState } = turn.call;
  if (phase === 'bridged') stopPrompts(turn);
  // The prompt has also replaced the client_state of the other application.
  if (phase === 'unmanaged') stopPrompts(turn, { clientState: foreignState });
}

function stopPrompts(turn: Turn, options: { clientState?: string | null } = {}): void {
  issue(turn, { action: 'playback_stop' }, { giveUpAt: turn.now + PROMPT_SEND_MS, ...options });
}

/** Cancels prompts without an outcome that a newer one replaces. Returns true if there were any. */
function takeBackPrompts(turn: Turn): boolean {
  const { call } = turn;
  const overtaken = [...call.outstanding, ...call.parked].filter(isPrompt);
  for (const { id } of overtaken) takeBack(turn, id);
  return overtaken.length > 0;
}

/** A prompt that has ended or was refused cannot end again. */
export function forgetVoice({ call }: Turn, id: string | null): void {
  call.voices = call.voices.filter((voice) => voice.id !== id);
}

/** A prompt whose `started` arrived was executed: from now on it takes its natural length. */
export function onVoiceStarted(turn: Turn, event: WebhookEvent): void {
  const { call } = turn;
  const named = event.envelope?.id;
  const voice = call.voices.find(({ id }) => id === named);
  if (voice === undefined || voice.started) return;
  call.voices = call.voices.map((each) => (each === voice ? { ...each, started: true } : each));
  stopUnwanted(turn);
  const { running } = call;
  if (running !== null && running.id === named && isVoice(running.step)) {
    acceptVoice(turn, running.step);
  }
}

/** The step is over. If the end of its prompt was not reported, it may still be playing. */
export function forgetOtherVoices({ call }: Turn, id: string): void {
  call.voices = call.voices.filter((voice) => voice.id === id);
}

export function isVoice(step: { do: string }): step is VoiceStep {
  return step.do === 'say' || step.do === 'play' || step.do === 'menu';
}

function speak(
  turn: Turn,
  step: VoiceStep,
  how: { id: string; loop: boolean; stopOthers: boolean },
): void {
  const { call, now } = turn;
  const options = { id: how.id, giveUpAt: now + PROMPT_SEND_MS };
  const { loop, stopOthers } = how;
  call.voices.push({ id: how.id, kind: kindOf(step), loop, started: false });
  if (step.do === 'play') {
    issue(turn, { action: 'playback_start', url: step.url, loop, stopOthers }, options);
    return;
  }
  if (step.do === 'menu' && step.play !== undefined) {
    const gather = { action: 'gather_using_audio', url: step.play, ...gatherBounds(step) } as const;
    issue(turn, gather, options);
    return;
  }
  const { text, voice, language } = step;
  if (step.do === 'say') {
    issue(turn, { action: 'speak', text, voice, language, loop, stopOthers }, options);
    return;
  }
  issue(
    turn,
    { action: 'gather_using_speak', text, voice, language, ...gatherBounds(step) },
    options,
  );
}

function wordsOf(step: VoiceStep): string {
  if (step.do === 'play') return `play ${step.url}`;
  if (step.do === 'menu' && step.play !== undefined) return `menu ${step.play}`;
  return `${step.do} “${step.text}”`;
}

function gatherBounds(step: MenuStep) {
  const keys = Object.keys(step.digits);
  const lengths = keys.map((key) => key.length);
  return {
    tries: step.tries,
    timeoutMs: step.timeoutMs,
    digitsMin: Math.min(...lengths),
    digitsMax: Math.max(...lengths),
    validDigits: [...new Set(keys.join(''))].sort().join(''),
  };
}

function voiceMs(step: VoiceStep): number {
  if (step.do === 'play') return PLAY_MS_MAX;
  const speechMs = SPEECH_EXTRA_MS + step.text.length * SPEECH_MS_PER_CHARACTER;
  if (step.do === 'say') return speechMs;
  const promptMs = step.play === undefined ? speechMs : MENU_PLAY_MS_MAX;
  return step.tries * (promptMs + step.timeoutMs);
}

export function kindOf(step: VoiceStep): Voice['kind'] {
  if (step.do === 'play') return 'play';
  return step.do === 'say' ? 'speak' : 'gather';
}
