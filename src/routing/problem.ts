/**
 * A problem says what is wrong, where, what was expected and what was found; the hint says what to
 * do.
 */
import { counted } from '../core/counted.ts';
import { withoutSecrets } from '../log/secrets-in-text.ts';
import { LIMITS } from './limits.ts';
import { inAscii, lookAlike } from './look-alikes.ts';

export interface Problem {
  /** Relative to the routes folder. */
  file: string;
  /** Counted from 1. */
  line: number;
  column: number;
  message: string;
  /** What to do; empty if the message already says it. */
  hint: string;
}

export interface Place {
  file: string;
  line: number;
  column: number;
  /**
   * True: what stands here is missing or has a problem already, so that any further problem with it
   * would only be a consequence, and is not reported.
   */
  reported?: boolean;
}

export type Hint = string | (() => string);

/** Collects problems and warnings of a whole set: nothing stops at the first. */
export class Problems {
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];
  /** How many more there were. */
  readonly #left = { problems: 0, warnings: 0 };

  /** A hint that takes long to find is a function, and only called for a problem that is kept. */
  problem(place: Place, message: string, hint: Hint = ''): void {
    if (place.reported === true) return;
    if (this.problems.length >= LIMITS.problems) this.#left.problems += 1;
    else this.problems.push(located(place, message, typeof hint === 'string' ? hint : hint()));
  }

  warning(place: Place, message: string, hint = ''): void {
    if (place.reported === true) return;
    if (this.warnings.length >= LIMITS.problems) this.#left.warnings += 1;
    else this.warnings.push(located(place, message, hint));
  }

  /** True if there is a problem within these lines of the file. */
  within(file: string, fromLine: number, toLine: number): boolean {
    return this.problems.some((p) => p.file === file && p.line >= fromLine && p.line <= toLine);
  }

  /** Sorted by file and place, in reading order. */
  sorted(): { problems: Problem[]; warnings: Problem[] } {
    return {
      problems: withRest(this.problems, this.#left.problems, 'problem'),
      warnings: withRest(this.warnings, this.#left.warnings, 'warning'),
    };
  }
}

function withRest(found: readonly Problem[], left: number, word: string): Problem[] {
  const sorted = [...found].sort(byPlace);
  const last = sorted.at(-1);
  if (left === 0 || last === undefined) return sorted;
  const message = left === 1 ? `and one more ${word}` : `and ${left} more ${word}s`;
  return [...sorted, { ...last, message, hint: '' }];
}

/** How many there were, also those that are not shown. */
export function countOf(shown: readonly Problem[]): number {
  return shown.reduce((count, { message }) => {
    const more = REST.exec(message)?.[1] ?? 'one';
    return count + (more === 'one' ? 1 : Number(more));
  }, 0);
}

/** Of `withRest`. */
const REST = /^and (one|\d+) more (?:problem|warning)s?$/;

/** `3 problems`, `1 problem` */
export function problemsText(shown: readonly Problem[]): string {
  return counted(countOf(shown), 'problem');
}

function located({ file, line, column }: Place, message: string, hint: string): Problem {
  return { file, line, column, message: withoutPassword(message), hint: withoutPassword(hint) };
}

/** Problems are logged and shown, and an address that they quote may hold one. */
function withoutPassword(text: string): string {
  return withoutSecrets(text.replace(PASSWORD, '$1…$2').replace(BARE_PASSWORD, '$1…@'), '…');
}

/**
 * In `sip:user:password@host`, also if it was cut off, but not in `sip:sip:user@host`. The colon of
 * a placeholder, as in `sip:{row:extension}@host`, does not begin a password.
 */
const PASSWORD =
  /((?:sips?|https?):(?:\/\/)?(?!<?sips?:)(?:\{(?:row|header|lookup):[^{}@"]*\}|(?!\{(?:row|header|lookup):)[^:@\s/"<])+:)[^@\s"]+(@|(?<=…)")/gi;

/** In `user:password@host`, which lacks its scheme, where the text is quoted. */
const BARE_PASSWORD = /("(?![a-z]+:(?:\/\/|\{|$)|<?sips?:|\{)[^":@\s/{}]+:)(?!sips?:)[^@\s"{}]+@/gi;

function byPlace(a: Problem, b: Problem): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}

/** `did you mean support?` if a known word is near; otherwise lists all known words. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const all = [...known];
  const near = nearest(word, all);
  if (near !== null) return `did you mean ${near}?${difference(word, near)}`;
  return all.length === 0 ? '' : `known: ${named(all)}`;
}

/** For two words that look the same: in what they differ. */
function difference(written: string, known: string): string {
  if (written.normalize() === known.normalize()) {
    return ' They look the same, but their accents are stored differently (Unicode NFC and NFD): copy that name';
  }
  if (inAscii(written).trim() !== inAscii(known).trim()) return '';
  const odd = lookAlike(written);
  if (odd !== null) return ` Here it is written with ${odd}`;
  const other = lookAlike(known);
  return other === null ? '' : ` There it is written with ${other}`;
}

/**
 * Operators may have thousands of names: beyond this many characters only their number is shown.
 */
const NAMED_CHARS_MAX = 8_000;

function named(all: readonly string[]): string {
  const text = all.join(', ');
  if (text.length <= NAMED_CHARS_MAX) return text;
  const shown = text.slice(0, text.lastIndexOf(', ', NAMED_CHARS_MAX)).split(', ').length;
  return `${all.slice(0, shown).join(', ')} and ${all.length - shown} more`;
}

/** The known word with the fewest edits, if it is near enough to be meant. */
export function nearest(word: string, known: Iterable<string>): string | null {
  const wanted = inAscii(word.slice(0, 80)).trim().toLowerCase();
  let best: string | null = null;
  let bestEdits = Math.max(2, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - wanted.length) >= bestEdits) continue;
    const edits = editDistance(wanted, inAscii(candidate).toLowerCase(), bestEdits);
    // Two edits turn a short word into a different one: "to" is not a misspelt "any".
    if (edits < bestEdits && edits < Math.max(wanted.length, candidate.length)) {
      best = candidate;
      bestEdits = edits;
    }
  }
  return best;
}

/**
 * Damerau-Levenshtein (adjacent letters swapped count as one edit), two rows and one before. It
 * ends early once the result is certain to be `most` or more.
 */
function editDistance(a: string, b: string, most: number): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    let fewest = i;
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let edits = Math.min(
        (previous[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (previous[j - 1] ?? 0) + same,
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        edits = Math.min(edits, (beforePrevious[j - 2] ?? 0) + 1);
      }
      row.push(edits);
      fewest = Math.min(fewest, edits);
    }
    // A swap looks back two rows, and costs one.
    if (fewest >= most && Math.min(...previous) + 1 >= most) return most;
    beforePrevious = previous;
    previous = row;
  }
  return previous[b.length] ?? 0;
}
