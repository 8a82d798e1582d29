import { createRedactor } from '../log/mask.ts';

/** An error body may quote the request, and its words are stored, logged and shown. */
export function redactError(text: string, secrets: readonly string[]): string {
  // As they stand in an error's words, and in JSON that they quote.
  const forms = secrets.flatMap((secret) => [secret, quoted(secret), quoted(quoted(secret))]);
  return createRedactor(forms)(text);
}

/** As JSON writes it. */
function quoted(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
