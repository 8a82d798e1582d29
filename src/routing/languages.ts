/**
 * Valid values of `language`. Telnyx answers 422 to any other, and the caller would hear nothing.
 */

/** The enum of `language` in speak and gather_using_speak of Telnyx's OpenAPI description. */
export const LANGUAGES =
  'arb cmn-CN cy-GB da-DK de-DE en-AU en-GB en-GB-WLS en-IN en-US es-ES es-MX es-US fr-CA fr-FR hi-IN is-IS it-IT ja-JP ko-KR nb-NO nl-NL pl-PL pt-BR pt-PT ro-RO ru-RU sv-SE tr-TR'.split(
    ' ',
  );

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
