/** Parses a phone number given as an option, in the form in which people write numbers. */
import { InvalidArgumentError } from 'commander';
import { isE164 } from '../../core/rules/addresses/sip-uri.ts';
import { askedNumber, mayBeNational } from '../../routing/numbers/national.ts';
import { withCountryCode } from '../../routing/numbers/number.ts';
import { plain } from '../terminal/terminal.ts';

export function numberOf(text: string): string {
  const number = askedNumber(text, null);
  if (isE164(number)) return number;
  const hint = mayBeNational(text) ? `; ${withCountryCode(text.trim())}` : '';
  throw new InvalidArgumentError(
    `expected a number like +14155550100, got "${plain(text)}"${plain(hint)}`,
  );
}
