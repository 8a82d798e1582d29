/**
 * What calls are found by. Each party (a number or a SIP address) is stored once, with the pieces
 * of four characters that it consists of. A part of a number leads to the few parties that contain
 * it, and they lead to their calls.
 */
import { clean } from '../../core/clean-text.ts';

/**
 * The shortest part of a number that can be searched for; a shorter text must be the whole number.
 */
export const GRAM_CHARS = 4;
/** A stranger may make an address longer than this; it is then found by its beginning. */
const WORDS_CHARS_MAX = 64;
/** How much of a call_control_id is kept for the search. */
const ID_CHARS = 24;
const ID_PART_MIN = 6;

/**
 * The form in which a party is searched: a number as its digits, an address in lower case and
 * without parameters.
 */
export function partyWords(party: string): string {
  const bare = party
    .trim()
    .toLowerCase()
    .replace(/^(sips?|tel):/, '')
    .replace(/[;?].*$/s, '');
  const words = NUMBER.test(bare) ? digitsOf(bare) : bare.replace(/^\+/, '');
  return cut(words, 0, WORDS_CHARS_MAX);
}

/** Without duplicates; a text shorter than a piece is a piece itself. */
export function gramsOf(words: string): string[] {
  if (words.length <= GRAM_CHARS) return words === '' ? [] : [words];
  const grams = new Set<string>();
  for (let at = 0; at + GRAM_CHARS <= words.length; at += 1) {
    grams.add(cut(words, at, at + GRAM_CHARS));
  }
  return [...grams];
}

/**
 * An emoji is two characters, and no store takes half of one: SQLite writes the same U+FFFD for
 * each, so that two pieces would be one, and PostgreSQL refuses it.
 */
function cut(text: string, from: number, to: number): string {
  return text.slice(from, to).toWellFormed();
}

/** The beginning of a call's id that is kept for the search. */
export function idStart(callId: string): string {
  return clean(cut(callId, 0, ID_CHARS));
}

export interface Needles {
  /** Parts of parties; a number also without its leading zeros, which are national. */
  parties: string[];
  /** Part of the name of a rule or target, in lower case. */
  name: string;
  /** Beginnings of a call's id. */
  ids: string[];
}

export function needlesOf(text: string): Needles {
  const asked = text.trim();
  const number = asked.replace(/^tel:|;.*$/gis, '');
  return {
    parties: NUMBER.test(number)
      ? numberParts(number)
      : [partyWords(asked)].filter((part) => part !== ''),
    name: asked.toLowerCase(),
    ids: asked.length < ID_PART_MIN ? [] : [idStart(asked), idStart(`v3:${asked}`)],
  };
}

/**
 * "030 901820" is +49 30 901820 abroad, while 06 in Rome keeps its zero, and "0045" may begin an
 * international number or be four digits in the middle of one: all of these are searched for. So is
 * "+49 (0)30 901820" with and without the 0 in brackets.
 */
function numberParts(asked: string): string[] {
  const parts = [...new Set([asked.replace(/\(0+\)/g, ''), asked].flatMap(formsOf))];
  const long = parts.filter((part) => part.length >= GRAM_CHARS);
  return long.length > 0 ? long : parts.slice(0, 1);
}

function formsOf(asked: string): string[] {
  const written = digitsOf(asked);
  const digits = written.replace(/^00(?=\d)/, '');
  const national = asked.startsWith('+') ? digits : digits.replace(/^0+/, '');
  return [digits, national, written];
}

export function hasPart(words: string, parts: readonly string[]): boolean {
  return parts.some((part) => (part.length < GRAM_CHARS ? words === part : words.includes(part)));
}

function digitsOf(text: string): string {
  return text.replace(/\D/g, '');
}

const NUMBER = /^\+?[\d\s()./-]*\d[\d\s()./-]*$/;
