/** Parses a file or folder given as an argument or option. */
import { InvalidArgumentError } from 'commander';

/** An empty one mostly comes from an unset variable, and would mean the folder one is in. */
export function pathOf(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('A path is expected, got nothing.');
  return text;
}
