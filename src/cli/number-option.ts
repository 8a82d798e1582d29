/** Parses a phone number given as an option. */
import { InvalidArgumentError } from 'commander';
import { isE164 } from '../core/rules/sip-uri.ts';
import { plain } from './terminal.ts';

export function numberOf(text: string): string {
  if (!isE164(text))
    throw new InvalidArgumentError(`expected a number like +14155550100, got "${plain(text)}"`);
  return text;
}
