/**
 * `prompts`: spoken texts in several languages, and whether each language that a rule needs is
 * there.
 */
import {
  everyStep,
  type Prompt,
  type RouteSet,
  type RouteStep,
  type Words,
} from '../../core/rules/rule.ts';
import { variantIn } from '../../core/rules/texts/language.ts';
import { type SetContext, useName } from '../building/context.ts';
import { unusualLanguage } from '../decode/languages.ts';
import type { Positions } from '../decode/positions.ts';
import type { DecodedFile } from '../decoded-set.ts';
import { quoted } from '../numbers/number.ts';
import type { Place } from '../problem.ts';
import type { WrittenPrompt } from '../schema/schema.ts';
import type { WrittenWords } from '../schema/steps.ts';
import { checkPlayUrl } from '../targets/destinations.ts';
import { spokenTemplate } from './spoken-text.ts';

export function buildPrompts(context: SetContext, files: DecodedFile[]): void {
  for (const { routes, positions } of files) {
    for (const [name, written] of Object.entries(routes.prompts ?? {})) {
      context.prompts.set(name, buildPrompt(context, name, written, positions));
    }
  }
}

function buildPrompt(
  context: SetContext,
  name: string,
  written: WrittenPrompt,
  positions: Positions,
): Prompt {
  const variants = Object.entries(written).map(([language, words]): Prompt['variants'][number] => {
    checkLanguage(context, language, positions.atKey(written, language));
    if (typeof words === 'string') {
      const say = spokenTemplate(context, words, positions.at(written, language));
      return { language, words: { say, voice: null } };
    }
    if ('say' in words) {
      const say = spokenTemplate(context, words.say, positions.at(words, 'say'));
      return { language, words: { say, voice: words.voice ?? null } };
    }
    checkPlayUrl(context, words.play, positions.at(words, 'play'));
    return { language, words: { play: words.play } };
  });
  return { name, variants };
}

/** A language that does not exist would never be that of a rule, of a prompt or of a voice. */
export function checkLanguage({ problems }: SetContext, text: string, at: Place): void {
  const unusual = unusualLanguage(text);
  if (unusual !== null) problems.problem(at, `unknown language ${quoted(text)}`, unusual.hint);
}

/** A text with its placeholders, or a prompt that exists. */
export function wordsOf(
  context: SetContext,
  written: WrittenWords,
  positions: Positions,
  at: Place,
): Words {
  if (typeof written === 'string') {
    if (context.names.prompt.has(written)) {
      context.problems.warning(
        at,
        `${quoted(written)} is the name of a prompt, but here it is the text that is spoken`,
        `write { prompt: ${written} }`,
      );
    }
    return spokenTemplate(context, written, at);
  }
  const named = positions.at(written, 'prompt');
  useName(context, 'prompt', written.prompt, named.reported === true ? named : at);
  return { prompt: written.prompt };
}

/**
 * Warns if a rule speaks a prompt that lacks the rule's language: the caller would hear another
 * language.
 */
export function checkLanguages(context: SetContext, set: RouteSet): void {
  const seen = new Set<string>();
  const { language: general, whileMoving } = set.policy;
  const always = [
    ...promptsIn(set.lastResort),
    ...(whileMoving !== null && 'say' in whileMoving ? named(whileMoving.say) : []),
  ];
  const check = (language: string | null, names: string[], who: string): void => {
    for (const name of language === null ? [] : names) {
      const prompt = context.prompts.get(name);
      const place = context.names.prompt.get(name);
      const key = `${name} ${language}`;
      if (prompt === undefined || place === undefined || seen.has(key)) continue;
      if (variantIn(prompt, language ?? '') !== null) continue;
      seen.add(key);
      context.problems.warning(
        place,
        `the prompt ${quoted(name)} does not exist in ${language}, the language of ${who}: callers hear it in ${heardIn(prompt, general)}`,
        `add ${language}: to it`,
      );
    }
  };
  for (const { name, action, language = general } of set.rules) {
    const own = 'steps' in action ? promptsIn(action.steps) : [];
    check(language, [...own, ...always], `the rule ${quoted(name)}`);
  }
  check(general, [...promptsIn(set.otherwise), ...always], 'the policy');
}

/** Warns once if callers who are spoken to in another language may hear the English default. */
export function checkLastResort({ problems, rulePlaces }: SetContext, set: RouteSet): void {
  for (const rule of set.rules) {
    const language = rule.language ?? set.policy.language;
    const place = rulePlaces.get(rule);
    if (language === null || /^en\b/i.test(language) || place === undefined) continue;
    const steps = 'steps' in rule.action ? everyStep(rule.action.steps) : [];
    if (!steps.some((step) => step.do === 'refer' || step.do === 'transfer')) continue;
    problems.warning(
      place,
      `callers of ${quoted(rule.name)} are spoken to in ${language}, but the default last_resort is English`,
      'write last_resort: [ { say: … }, hangup ] in their language, or with a prompt',
    );
    return;
  }
}

function heardIn(prompt: Prompt, general: string | null): string {
  const byPolicy = general === null ? null : variantIn(prompt, general);
  return (byPolicy ?? prompt.variants[0])?.language ?? 'none';
}

function promptsIn(steps: readonly RouteStep[]): string[] {
  return everyStep(steps).flatMap((step) => {
    if (step.do === 'say') return step.language === null ? named(step.text) : [];
    return step.do === 'menu' && 'say' in step.prompt ? named(step.prompt.say) : [];
  });
}

function named(words: Words): string[] {
  return 'prompt' in words ? [words.prompt] : [];
}
