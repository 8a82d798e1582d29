/** Numbers as people of one country dial them, where somebody asks about a call. */
import { isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/min';

/**
 * The E.164 number that a national form means in a country, such as `030 901820` in DE; null for
 * whatever is none there, and where no country is known.
 */
export function fromNational(text: string, country: string | null | undefined): string | null {
  const written = text.trim();
  if (country === null || country === undefined || !isSupportedCountry(country)) return null;
  if (!mayBeNational(written)) return null;
  const parsed = parsePhoneNumberFromString(written, country);
  return parsed?.isValid() === true ? parsed.number : null;
}

/** What is asked about: the number that a national form means, anything else as it stands. */
export function askedNumber(text: string, country: string | null | undefined): string {
  return fromNational(text, country) ?? text;
}

/** Digits and what is written between them; a country code begins with +. */
export function mayBeNational(text: string): boolean {
  return NATIONAL.test(text) && text.replace(/[^0-9]/g, '').length >= DIGITS_MIN;
}

/** Shorter ones are extensions. */
const DIGITS_MIN = 6;
const NATIONAL = /^[0-9(][0-9().\s/-]*$/;
