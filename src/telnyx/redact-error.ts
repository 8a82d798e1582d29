import { createRedactor } from '../log/mask.ts';

/**
 * Removes secrets from an error text: error bodies may quote the request, and their text is stored,
 * logged and shown.
 */
export function redactError(text: string, secrets: readonly string[]): string {
  // Each secret as it is, as JSON writes it, and as JSON quoted inside JSON.
  const forms = secrets.flatMap((secret) => [secret, quoted(secret), quoted(quoted(secret))]);
  return createRedactor(forms)(text);
}

function quoted(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
