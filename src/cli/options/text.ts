/** Parses a name, a number or an id given as an argument or option. */
import { InvalidArgumentError } from 'commander';

/** An empty text usually comes from an unset variable, and would match nothing or everything. */
export function givenText(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('A value is expected, got nothing.');
  return text;
}
