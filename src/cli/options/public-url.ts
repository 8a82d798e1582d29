/** Parses the public address of the server. */
import { InvalidArgumentError } from 'commander';
import { expectedUrl } from '../../core/account/applications.ts';
import { isLoopback } from '../../core/loopback.ts';
import { plain } from '../terminal/terminal.ts';

/** https, because `referee doctor` reports any other webhook URL as a problem; loopback aside. */
export function publicUrl(text: string): string {
  const url = expectedUrl(text);
  if (url === null || !(url.startsWith('https://') || isLoopback(new URL(url).hostname))) {
    throw new InvalidArgumentError(`expected https://host, got "${plain(text)}"`);
  }
  if (new URL(text).search !== '' || new URL(text).hash !== '' || new URL(text).username !== '') {
    throw new InvalidArgumentError(`expected only https://host, without user, query or fragment`);
  }
  return text;
}
