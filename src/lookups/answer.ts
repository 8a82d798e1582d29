/** Reads the fields to keep from a lookup's answer, which is untrusted. */
import { clean } from '../core/clean-text.ts';
import type { LookupAnswer, LookupRequest } from '../core/machine/command.ts';

/** Longer than a header or a user part may be; a longer value counts as missing. */
const VALUE_CHARS_MAX = 1024;

/** Null if the text is not a JSON object. */
export function readAnswer(
  text: string,
  keep: LookupRequest['keep'],
): Pick<LookupAnswer, 'result' | 'values'> | null {
  let body: unknown;
  try {
    body = JSON.parse(text, withAllDigits);
  } catch {
    return null;
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return null;
  const values: Record<string, string> = {};
  for (const { name, path } of keep) {
    const value = textOf(path.reduce(member, body));
    if (value !== null) values[name] = value;
  }
  const complete = Object.keys(values).length === keep.length;
  return { result: complete ? 'found' : 'missing_field', values };
}

/**
 * An id of more digits than a double holds stays as it was written, as text: rounded, it would be
 * that of somebody else.
 */
function withAllDigits(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = typeof value === 'number' ? (context?.source ?? '') : '';
  return /^-?\d+$/.test(source) && !Number.isSafeInteger(value) ? source : value;
}

function member(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
}

/** Accepts strings, numbers and booleans; anything else counts as missing. */
function textOf(value: unknown): string | null {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string' || value.length > VALUE_CHARS_MAX) return null;
  // Stores cannot keep U+0000 and lone surrogates, and placeholders refuse the replacement
  // character.
  return clean(value);
}
