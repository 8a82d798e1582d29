/**
 * Converts numbers as people write them into the form that Telnyx sends, if this is unambiguous: a
 * number without + and country code does not get one.
 */
import {
  getCountries,
  getCountryCallingCode,
  parsePhoneNumberFromString,
} from 'libphonenumber-js/min';
import { isE164 } from '../../core/rules/addresses/sip-uri.ts';
import { inAscii } from '../look-alikes.ts';

/** Country codes after which a 0 is part of the number: these countries have no trunk prefix. */
export const ZERO_IS_PART: ReadonlySet<string> = new Set(
  '39 47 225 226 227 229 242 247 267 268 378 501 507 676 679 687 974'.split(' '),
);
/** Country codes with the trunk prefix 0 where a few service numbers also begin with 0. */
export const ZERO_OF_SERVICES: ReadonlySet<string> = new Set(
  '62 66 81 82 91 241 250 359 598 853 992'.split(' '),
);

/** The E.164 number that is meant; null if in doubt, and for all but the simplest patterns. */
export function rightForm(text: string): string | null {
  const written = inAscii(text)
    .trim()
    .replace(/^tel:/i, '')
    .replace(/;.*$/, '')
    .replace(/[\s,]*(?:ext\.?|x|#)\s*[0-9]{1,6}$/i, '');
  const without = written.replace(/\(0+\)/g, '');
  const forms = without === written ? [written] : [without, written];
  for (const form of forms) {
    const number = form.replace(/[\s()./-]/g, '').replace(/^\+?00/, '+');
    if (/^\+[1-9][0-9]{1,13}\*$/.test(number)) {
      if (form !== written && ZERO_IS_PART.has(callingCode(number) ?? '')) continue;
      return withoutTrunkZero(number) ?? number;
    }
    if (!isE164(number)) continue;
    const parsed = parsePhoneNumberFromString(number);
    if (parsed?.isValid() === true) return parsed.number;
    // Only separators were added, so the digits are right as they are.
    if (forms.length === 1 && text.startsWith('+') && !text.startsWith('+0')) return number;
  }
  return null;
}

/**
 * The number in `+49 (0)30 …` without its trunk prefix, also if no numbering plan has it: brackets
 * around a 0 after the country code can mean nothing else, unless the 0 is part of the number.
 */
export function withoutWrittenZero(written: string): string | null {
  if (!/^\+[0-9\s.-]+\(0\)/.test(written)) return null;
  const number = written.replace(/\(0\)/, '').replace(/[\s()./-]/g, '');
  const code = callingCode(number);
  if (code === null || ZERO_IS_PART.has(code)) return null;
  return isE164(number) ? number : null;
}

/**
 * Whether the trunk prefix, which is only dialled within the country, follows the country code: +44
 * 020…, +7 8 495…, +1 1 415…. Only candidates are parsed, because a list may hold a million
 * numbers.
 */
export function hasTrunkPrefix(plain: string): boolean {
  const code = callingCode(plain);
  if (code === null || ZERO_IS_PART.has(code) || /[*?]/.test(plain)) return false;
  const rest = plain.slice(1 + code.length);
  const trunk = (TRUNK[code] ?? ['0']).find((prefix) => rest.startsWith(prefix));
  if (trunk === undefined || rest.startsWith('0', trunk.length)) return false;
  const parsed = parsePhoneNumberFromString(plain);
  return parsed?.isValid() === true && parsed.number !== plain;
}

/**
 * For a pattern such as `+4402*`, which matches no number, the prefix without the trunk 0; null for
 * any other pattern.
 */
export function withoutTrunkZero(pattern: string): string | null {
  const code = callingCode(pattern);
  if (code === null || pattern[1 + code.length] !== '0') return null;
  const none = TRUNK[code]?.includes('0') === false;
  if (none || ZERO_IS_PART.has(code) || ZERO_OF_SERVICES.has(code)) return null;
  return `+${code}${pattern.slice(1 + code.length).replace(/^0+/, '')}`;
}

/** Trunk prefixes of countries where it is not 0. */
const TRUNK: Record<string, string[]> = {
  1: ['1'],
  7: ['8'],
  370: ['0', '8'],
  375: ['8'],
  993: ['8'],
};

const CODES: ReadonlySet<string> = new Set(
  getCountries().map((country) => getCountryCallingCode(country)),
);

/** Country codes are prefix-free, of one to three digits. */
function callingCode(number: string): string | null {
  for (const length of [1, 2, 3]) {
    const code = number.slice(1, 1 + length);
    if (CODES.has(code)) return code;
  }
  return null;
}
