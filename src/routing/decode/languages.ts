/**
 * Checks languages. A step and the policy name one to Telnyx, which answers 422 for any other than
 * its own, so that the caller would hear nothing. A rule and a prompt may name any language that
 * exists, because a prompt may be a recording, and a voice may speak what Telnyx does not list.
 */
import { LANGUAGES } from '../../core/rules/texts/language.ts';

const NAMES = new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' });

/**
 * Null if it is a language that exists, in its usual form, otherwise what may be meant. Another
 * form such as `deu` would not be found where `de` is written.
 */
export function unusualLanguage(text: string): { hint: string } | null {
  const tag = text.toLowerCase();
  if (LANGUAGES.some((language) => language.toLowerCase() === tag)) return null;
  const isNamed = nameOf(text) !== undefined;
  const [usual = text] = isNamed ? Intl.getCanonicalLocales(text) : [];
  // Telnyx says cmn and arb, where others say zh and ar.
  const isTelnyxs = LANGUAGES.some((language) => language.split('-')[0] === tag);
  if (isNamed && (isTelnyxs || usual.toLowerCase() === tag)) return null;
  if (isNamed) return { hint: `did you mean ${usual}?` };
  const hint = languageHint(text);
  return { hint: hint.startsWith('did') ? hint : 'a language code such as de, en or en-GB' };
}

function nameOf(text: string): string | undefined {
  try {
    return NAMES.of(text);
  } catch {
    return undefined;
  }
}

/** Codes that other systems use for a language in the list. */
const SAME: Record<string, string> = { ar: 'arb', zh: 'cmn-CN', no: 'nb-NO', nn: 'nb-NO' };

/**
 * Hint for an unknown language: the variants of the same language, or all languages, and how to
 * avoid naming one.
 */
export function languageHint(text: string): string {
  const asked = text.toLowerCase().replaceAll('_', '-');
  const [primary = ''] = asked.split('-');
  const exact = LANGUAGES.find((language) => language.toLowerCase() === asked);
  const related = LANGUAGES.filter(
    (language) => language.split('-')[0] === primary || language === SAME[primary],
  );
  const meant = exact === undefined ? related : [exact];
  if (meant.length > 0) return `did you mean ${meant.join(' or ')}?`;
  return `known: ${LANGUAGES.join(', ')}. A voice that speaks another language needs none: leave language out`;
}
