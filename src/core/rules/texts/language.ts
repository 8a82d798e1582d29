/** Which text of a prompt a caller hears, and in which of Telnyx's languages it is spoken. */
import type { Prompt, Template, Words } from '../rule.ts';

/** The enum of `language` in speak and gather_using_speak of Telnyx's OpenAPI description. */
export const LANGUAGES =
  'arb cmn-CN cy-GB da-DK de-DE en-AU en-GB en-GB-WLS en-IN en-US es-ES es-MX es-US fr-CA fr-FR hi-IN is-IS it-IT ja-JP ko-KR nb-NO nl-NL pl-PL pt-BR pt-PT ro-RO ru-RU sv-SE tr-TR'.split(
    ' ',
  );

type Variant = Prompt['variants'][number];

/** All texts that may be spoken: the text itself, or those of a prompt in each language. */
export function textsOf(
  words: Words,
  prompts: ReadonlyMap<string, Prompt> | undefined,
): Template[] {
  if (!('prompt' in words)) return [words];
  const variants = prompts?.get(words.prompt)?.variants ?? [];
  return variants.flatMap((variant) => ('say' in variant.words ? [variant.words.say] : []));
}

/** The variant in the first wanted language that the prompt has; otherwise its first one. */
export function variantFor(prompt: Prompt, wanted: readonly (string | null)[]): Variant | null {
  for (const language of wanted) {
    const found = language === null ? null : variantIn(prompt, language);
    if (found !== null) return found;
  }
  return prompt.variants[0] ?? null;
}

/**
 * The variant in exactly this language, otherwise one in the same language: `de` matches `de-DE`.
 */
export function variantIn({ variants }: Prompt, language: string): Variant | null {
  const exact = variants.find((each) => each.language.toLowerCase() === language.toLowerCase());
  return exact ?? variants.find((each) => isSame(each.language, language)) ?? null;
}

function isSame(one: string, other: string): boolean {
  return primary(one) === primary(other);
}

function primary(language: string): string {
  return (language.split('-')[0] ?? '').toLowerCase();
}

/**
 * The language code that is sent to Telnyx, which only accepts codes with a country. A code written
 * in full takes precedence over the usual one; null leaves the choice to the voice.
 */
export function spokenLanguage(
  language: string,
  preferred: readonly (string | null)[],
): string | null {
  const exact = LANGUAGES.find((each) => each.toLowerCase() === language.toLowerCase());
  if (exact !== undefined) return exact;
  const written = preferred.find(
    (each) => each !== null && LANGUAGES.includes(each) && isSame(each, language),
  );
  if (written !== undefined && written !== null) return written;
  const code = primary(language);
  const usual = USUAL[code] ?? `${code}-${code.toUpperCase()}`;
  if (LANGUAGES.includes(usual)) return usual;
  return LANGUAGES.find((each) => isSame(each, language)) ?? null;
}

/** Languages whose usual country is not spelled like the language. */
const USUAL: Record<string, string> = {
  ar: 'arb',
  cy: 'cy-GB',
  da: 'da-DK',
  en: 'en-US',
  hi: 'hi-IN',
  ja: 'ja-JP',
  ko: 'ko-KR',
  nn: 'nb-NO',
  no: 'nb-NO',
  pt: 'pt-PT',
  sv: 'sv-SE',
  zh: 'cmn-CN',
};
