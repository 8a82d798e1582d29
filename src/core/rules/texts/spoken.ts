/**
 * Texts to be spoken, with placeholders. Unlike a destination such a text never fails: a caller who
 * hears a sentence with a word missing is better off than one who hears nothing.
 */
import { readAddress } from '../addresses/address.ts';
import type { Placeholder, Template } from '../rule.ts';
import { readPlaceholder, type ValueFor } from './placeholder.ts';

/** What Telnyx speaks with one command; the schema of the route files has the same limit. */
export const SPOKEN_CHARS_MAX = 3_000;

/** For each placeholder: a caller's own text is spoken to them, but not for minutes. */
const VALUE_CHARS_MAX = 500;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\ufffd]+/g;

/** Braces without a placeholder are spoken as they are, and returned in `strange`. */
export function parseSpoken(text: string): { template: Template; strange: string[] } {
  const template: Template = [];
  const strange: string[] = [];
  let literal = '';
  let at = 0;
  for (const { 0: braces, 1: name = '', index } of text.matchAll(/\{([^{}]*)\}/g)) {
    const place = readPlaceholder(name);
    if ('problem' in place) {
      strange.push(name);
      continue;
    }
    literal = text.slice(at, index);
    if (literal !== '') template.push({ literal });
    template.push(place);
    at = index + braces.length;
  }
  literal = text.slice(at);
  if (literal !== '') template.push({ literal });
  return { template, strange };
}

/** Empty if nothing is left to say. */
export function fillSpoken(template: Template, valueFor: ValueFor): string {
  let text = '';
  for (const piece of template) {
    text += 'literal' in piece ? piece.literal : spokenValue(piece, valueFor(piece) ?? '');
  }
  return template.length === 1 ? text : text.slice(0, SPOKEN_CHARS_MAX).trim().toWellFormed();
}

/** A number digit by digit, anything else as it is. */
function spokenValue(piece: Placeholder, value: string): string {
  const plain = value.replace(CONTROL, ' ').trim().slice(0, VALUE_CHARS_MAX).toWellFormed();
  switch (piece.place) {
    case 'from':
    case 'to':
    case 'from_user':
    case 'to_user': {
      const { number, user } = readAddress(plain);
      const words = number ?? user ?? '';
      return /^\+?[0-9]+$/.test(words) ? [...words.replace('+', '')].join(' ') : words;
    }
    default:
      return plain;
  }
}
