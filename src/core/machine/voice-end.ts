/**
 * Which prompt a speak.ended, playback.ended or gather.ended is about: the running one, or one that
 * was stopped or came before it.
 */
import type { Call, Running, Voice } from './call.ts';
import type { WebhookEvent } from './event.ts';
import { SPEECH_EXTRA_MS_MIN, SPEECH_MS_PER_CHARACTER_MIN } from './limits.ts';
import type { Step } from './plan.ts';
import type { Turn } from './turn.ts';
import { forgetVoice, isVoice, kindOf, type VoiceStep } from './voice.ts';

/**
 * Whether the end of a speak, playback or gather ends the running step. Telnyx adds the envelope
 * when it emits the event, so the end of a prompt that our step stopped (a loop, or its own prompt
 * before a manual refer) carries the step's id. Such an end comes sooner than the prompt could have
 * been spoken.
 */
export function endsRunningVoice(turn: Turn, event: WebhookEvent): boolean {
  const { call } = turn;
  const running = call.running;
  if (running === null || !isEndOf(running.step, event)) return false;
  if (isOfEarlier(call, running, event)) {
    forgetVoice(turn, event.envelope?.id ?? null);
    return false;
  }
  const kind = kindOf(running.step);
  const stopped = call.voices.find((voice) => voice.id !== running.id && voice.kind === kind);
  const own = isCertainlyOwn(running, event);
  const isCut = event.status === 'cancelled' || tooSoon(turn, running);
  if (stopped !== undefined && !own && isCut) {
    call.voices = call.voices.filter((voice) => voice !== stopped);
    return false;
  }
  forgetVoice(turn, running.id);
  return true;
}

/**
 * Only a menu reports a choice, and a recording that played to its end was not stopped; a loop
 * never ends. Nor was one stopped that could not be played: the caller hears nothing.
 */
function isCertainlyOwn({ id, step }: Running, { status, envelope }: WebhookEvent): boolean {
  if (status === 'valid') return true;
  if (step.do !== 'play') return false;
  const unplayable = status === 'failed' || status === 'file_not_found';
  return status === 'completed' || (unplayable && envelope?.id === id);
}

/** Whether it ends the step that a manual refer interrupted; `resume` takes this into account. */
export function endsSuspendedVoice({ call }: Turn, event: WebhookEvent): boolean {
  const running = call.suspended?.running ?? null;
  if (running === null || !isEndOf(running.step, event)) return false;
  if (event.envelope?.id === running.id) return true;
  return call.voices.some(({ id }) => id === running.id) && !isOfEarlier(call, running, event);
}

function isEndOf(step: Step, event: WebhookEvent): step is VoiceStep {
  return isVoice(step) && KIND_OF_ENDING[event.type] === kindOf(step);
}

/**
 * Whether another command of ours was the last on the leg when the event was emitted. Then the
 * running prompt had not begun: the event is about an earlier one and only came late. A move comes
 * after the running prompt if it is a manual refer, with its loop, or if Telnyx executed it so late
 * that it had been given up.
 */
function isOfEarlier(call: Call, running: Running, { envelope }: WebhookEvent): boolean {
  if (envelope === null || envelope.id === running.id) return false;
  const attempt = call.attempts.find(({ id }) => id === envelope.id);
  if (attempt?.manual || acceptedAfter(call, running, attempt?.acceptedAt ?? null)) return false;
  const isItsLoop = call.voices.some(({ id, loop }) => id === envelope.id && loop);
  return !(isItsLoop && call.suspended !== null);
}

/** Telnyx had executed the prompt before it was known to have executed the move. */
function acceptedAfter(call: Call, running: Running, acceptedAt: number | null): boolean {
  const begunAt = hasBegun(call, running) ? beganAt(call) : undefined;
  return acceptedAt !== null && begunAt !== undefined && acceptedAt > begunAt;
}

/** Telnyx has answered its request or reported its start. */
function hasBegun({ voices, outstanding, parked }: Call, { id }: Running): boolean {
  const started = voices.some((voice) => voice.id === id && voice.started);
  return started || ![...outstanding, ...parked].some((command) => command.id === id);
}

function beganAt({ deadlines }: Call): number | undefined {
  return deadlines.find(({ name }) => name === 'step')?.setAt;
}

function tooSoon({ call, now }: Turn, running: Running): boolean {
  const { step } = running;
  const startedAt = beganAt(call);
  if (!hasBegun(call, running)) return true;
  // Nobody knows how long a recording is.
  if (startedAt === undefined || step.do === 'play') return true;
  if (!isVoice(step) || (step.do === 'menu' && step.play !== undefined)) return true;
  const leastMs = SPEECH_EXTRA_MS_MIN + step.text.length * SPEECH_MS_PER_CHARACTER_MIN;
  return now - startedAt < leastMs;
}

const KIND_OF_ENDING: Record<string, Voice['kind'] | undefined> = {
  'call.speak.ended': 'speak',
  'call.playback.ended': 'play',
  'call.gather.ended': 'gather',
};
