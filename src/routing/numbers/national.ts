/**
 * Numbers as people write them when they ask about a call or name a number of theirs: the one place
 * that turns them into the form that calls have. In route files such a form is a problem instead.
 */
import { isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/min';
import { isE164 } from '../../core/rules/addresses/sip-uri.ts';
import { inAscii } from '../look-alikes.ts';
import { rightForm, withoutWrittenZero } from './e164.ts';

/**
 * The E.164 number that a text means: `+49 (0)30 90-1820`, `0049 30 901820`, `tel:+49-30-901820`,
 * or `030 901820` in DE. Null for anything else, and for a number that is written as calls have it.
 */
function writtenNumber(text: string, country: string | null | undefined): string | null {
  const written = inAscii(text).trim();
  const meant = fromNational(written, country);
  if (meant !== null) return meant;
  if (SEPARATED.test(written)) return rightForm(written) ?? withoutWrittenZero(written);
  // Only characters that look like those of a number were replaced.
  return written !== text && isE164(written) ? written : null;
}

/**
 * The E.164 number that a national form means in a country, such as `030 901820` in DE; null if it
 * is not valid in that country, or if no country is set.
 */
export function fromNational(text: string, country: string | null | undefined): string | null {
  const written = text.trim();
  if (country === null || country === undefined || !isSupportedCountry(country)) return null;
  if (!mayBeNational(written)) return null;
  const parsed = parsePhoneNumberFromString(written, country);
  return parsed?.isValid() === true ? parsed.number : null;
}

/** The number to look for or to call: as calls have it, anything else stays as it is. */
export function askedNumber(text: string, country: string | null | undefined): string {
  return writtenNumber(text, country) ?? text;
}

/** The text of a search; a number, or a part of one, with the characters that are meant. */
export function searchedText(text: string): string {
  const written = inAscii(text);
  return /^[+0-9\s().-]+$/.test(written.replace(/^\s*tel:|[/]/gi, '')) ? written : text;
}

/** Digits and separators without a leading +, so there is no country code. */
export function mayBeNational(text: string): boolean {
  const written = inAscii(text).trim();
  return NATIONAL.test(written) && written.replace(/[^0-9]/g, '').length >= DIGITS_MIN;
}

/** Shorter ones are extensions. */
const DIGITS_MIN = 6;
const NATIONAL = /^[0-9(][0-9().\s/-]*$/;
/**
 * With country code, after + or 00, and with something that Telnyx does not send. Digits alone
 * after a + may have been sent, so they are never corrected.
 */
const SEPARATED = /^(?:tel:\+|\+[0-9]*[().\s/-]|\+?\(?00)[0-9().\s/-]*(?:;.*)?$/i;
