import { createRedactor, REDACTED } from '../log/mask.ts';
import { withoutSecrets } from '../log/secrets-in-text.ts';

/**
 * Removes secrets from an error text: error bodies may quote the request, and their text is stored,
 * logged and shown.
 */
export function redactError(text: string, secrets: readonly string[]): string {
  // Each secret as it is, as JSON writes it, and as JSON quoted inside JSON.
  const forms = secrets.flatMap((secret) => [secret, quoted(secret), quoted(quoted(secret))]);
  return withoutSecrets(createRedactor(forms)(text), REDACTED);
}

function quoted(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
