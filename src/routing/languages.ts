/**
 * What is meant by a `language` that is none of Telnyx's. To one of those it
 * answers 422, and the caller would hear nothing.
 */
import { LANGUAGES } from '../core/rules/language.ts';

/** Names that others use for a language of the list. */
const SAME: Record<string, string> = { ar: 'arb', zh: 'cmn-CN', no: 'nb-NO', nn: 'nb-NO' };

/** For a text that is none of them: those of the same language, else all, and the way round. */
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
