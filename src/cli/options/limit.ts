/** The option `--limit` of commands that list something. */
import { InvalidArgumentError } from 'commander';

export const LIMIT_MAX = 500;

/** Accepts the same range as the API. */
export function limitOf(text: string): number {
  const limit = Number(text);
  if (!/^\d{1,4}$/.test(text) || limit < 1 || limit > LIMIT_MAX) {
    throw new InvalidArgumentError(`A whole number from 1 to ${LIMIT_MAX} is expected.`);
  }
  return limit;
}
