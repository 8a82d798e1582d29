/** The country that a number belongs to. */
import { parsePhoneNumberFromString } from 'libphonenumber-js/min';

/**
 * Its ISO code; null for a number of no country, such as +800. The smallest metadata knows the same
 * countries as the largest (a test compares them); the larger sets only add types of numbers, which
 * no rule uses.
 *
 * Countries that share a code are told apart by the ranges in the metadata. A number in none of
 * them belongs to the main country of its code: the others have few ranges, all of them listed, and
 * new area codes are in use before the metadata has them.
 */
export function countryOf(number: string): string | null {
  const parsed = parsePhoneNumberFromString(number);
  if (parsed === undefined) return null;
  // The main country is the first one; of a number that is too long or too short there is none.
  return parsed.country ?? parsed.getPossibleCountries()[0] ?? null;
}
