/**
 * Suggests a language for one that Telnyx does not know. Telnyx would answer 422, and the caller
 * would hear nothing.
 */
import { LANGUAGES } from '../core/rules/language.ts';

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
