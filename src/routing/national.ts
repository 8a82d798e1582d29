/** National number formats, accepted when somebody asks about a call. */
import { isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/min';
import { rightForm } from './e164.ts';

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

/** The number to look for: a national form is converted, anything else stays as it is. */
export function askedNumber(text: string, country: string | null | undefined): string {
  return fromNational(text, country) ?? text;
}

/**
 * The number as calls have it, for filters, which compare exactly: `+49 (0)30 90-1820` is converted
 * as well, because that is how it stands in a letterhead.
 */
export function filterNumber(text: string, country: string | null | undefined): string {
  const asked = askedNumber(text, country);
  return SEPARATED.test(asked) ? (rightForm(asked) ?? asked) : asked;
}

/** Digits and separators without a leading +, so there is no country code. */
export function mayBeNational(text: string): boolean {
  return NATIONAL.test(text) && text.replace(/[^0-9]/g, '').length >= DIGITS_MIN;
}

/** Shorter ones are extensions. */
const DIGITS_MIN = 6;
const NATIONAL = /^[0-9(][0-9().\s/-]*$/;
/** With country code, and with something that Telnyx does not send. */
const SEPARATED = /^(?:tel:\+|\+[0-9]*[().\s/-])[0-9().\s/-]*$/i;
