/**
 * What a caller hears in a step, in their language: texts, prompts, and what plays while they are
 * being moved.
 */
import type { MenuStep, PlayStep, SayStep } from '../../machine/plan.ts';
import type { Resolving } from '../resolving.ts';
import type { RouteStep, Template, Words } from '../rule.ts';
import { spokenLanguage, variantFor } from './language.ts';
import { fillSpoken } from './spoken.ts';
import { templateText } from './template.ts';

interface Speaking {
  text: Words;
  voice: string | null;
  language: string | null;
}

/** Null if the text has only placeholders, and none of them has a value in this call. */
export function say(step: Speaking, using: Resolving): SayStep | PlayStep | null {
  const words = wordsOf(step, using);
  if ('play' in words) return { do: 'play', url: words.play };
  return words.text === '' ? null : { do: 'say', ...words };
}

/** Null if the text has only placeholders, and none of them has a value in this call. */
export function menuHeard(
  { prompt, voice, language }: Extract<RouteStep, { do: 'menu' }>,
  using: Resolving,
): Pick<MenuStep, 'text' | 'play' | 'voice' | 'language'> | null {
  const words = 'play' in prompt ? prompt : wordsOf({ text: prompt.say, voice, language }, using);
  if (!('play' in words)) return words.text === '' ? null : words;
  const { policy } = using.set;
  return {
    text: '',
    play: words.play,
    voice: voice ?? policy.voice,
    language: language ?? policy.language,
  };
}

/** The step's own language, otherwise the rule's, otherwise the policy's. */
function wordsOf(
  { text, voice, language }: Speaking,
  using: Resolving,
): Omit<SayStep, 'do'> | { play: string } {
  const { policy, prompts } = using.set;
  const wanted = [language, using.language ?? null, policy.language];
  if (!('prompt' in text)) {
    const first = wanted.find((each) => each !== null) ?? null;
    const spokenIn = first === null ? null : spokenLanguage(first, wanted);
    return { text: filled(text, using), voice: voice ?? policy.voice, language: spokenIn };
  }
  const prompt = prompts?.get(text.prompt);
  const variant = prompt === undefined ? null : variantFor(prompt, wanted);
  if (variant === null) return { text: '', voice: voice ?? policy.voice, language };
  if ('play' in variant.words) return variant.words;
  return {
    text: filled(variant.words.say, using),
    voice: voice ?? variant.words.voice ?? policy.voice,
    language: spokenLanguage(variant.language, wanted),
  };
}

function filled(text: Template, using: Resolving): string {
  return using.assume === undefined ? fillSpoken(text, using.valueFor) : templateText(text);
}

export function whileMoving(using: Resolving): SayStep | PlayStep | null {
  const { whileMoving: written } = using.set.policy;
  if (written === null) return null;
  if ('play' in written) return { do: 'play', url: written.play };
  return say({ text: written.say, voice: null, language: null }, using);
}
