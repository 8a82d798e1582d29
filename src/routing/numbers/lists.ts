/** `lists:` inline, and list files with one number or prefix* per line and # comments. */
import { PackedTexts } from '../../core/rules/addresses/packed-texts.ts';
import { WideMap } from '../../core/rules/addresses/wide-map.ts';
import type { NumberList } from '../../core/rules/rule.ts';
import { decodePieces } from '../files/text.ts';
import { LIMITS } from '../limits.ts';
import type { Place, Problems } from '../problem.ts';
import { checkNumber, quoted } from './number.ts';

interface Entry {
  text: string;
  /** What is meant by more than a number in one line of a file. */
  hint?(): string | null;
  place(): Place;
}

export function* inlineList(
  name: string,
  values: string[],
  at: (index: number) => Place,
  problems: Problems,
  country: string | null = null,
): Generator<void, NumberList> {
  const entries = values.map((text, index) => ({ text, place: () => at(index) }));
  return yield* collect(name, entries, problems, country);
}

/** Problems are located in the list file, at their line. */
export function* fileList(
  name: string,
  file: string,
  bytes: Uint8Array,
  problems: Problems,
  country: string | null = null,
): Generator<void, NumberList> {
  const tooLong = bytes.byteLength > LIMITS.listFileBytes;
  const pieces = tooLong ? null : yield* decodePieces(file, bytes, problems);
  if (tooLong) {
    problems.problem(
      { file, line: 1, column: 1 },
      `the list has ${bytes.byteLength} bytes, more than ${LIMITS.listFileBytes}`,
    );
  }
  return yield* collect(name, entriesOf(file, pieces ?? []), problems, country);
}

function* entriesOf(file: string, pieces: readonly string[]): Generator<Entry> {
  let line = 0;
  for (const raw of linesOf(pieces)) {
    line += 1;
    const comment = raw.search(/(^|\s)#/);
    const written = comment < 0 ? raw : raw.slice(0, comment);
    const entry = written.trim();
    if (entry === '') continue;
    const at = { file, line, column: written.indexOf(entry) + 1 };
    yield { text: entry, hint: () => lineHint(entry), place: () => at };
  }
}

/** For a number that something else follows: another column of a spreadsheet, or another number. */
function lineHint(line: string): string | null {
  const [, number, more = ''] = NUMBER_AND_MORE.exec(line) ?? [];
  if (number === undefined) return null;
  return /^[+0-9]/.test(more)
    ? 'write each number on a line of its own'
    : `write what is not the number as a comment: ${quoted(`${number.trim()} # ${more}`)}`;
}

const NUMBER_AND_MORE =
  /^(\+?[0-9][0-9 ().-]*\*?)(?:\s*[\t,;|]\s*|\s+(?=\p{L}))(\p{L}.*|\+?[0-9][0-9+*\s().,;|-]*)$/u;

function* linesOf(pieces: readonly string[]): Generator<string> {
  let begun = '';
  for (const piece of pieces) {
    const text = begun + piece;
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      yield text.slice(start, end);
      start = end + 1;
    }
    begun = text.slice(start);
  }
  yield begun;
}

function* collect(
  name: string,
  entries: Iterable<Entry>,
  problems: Problems,
  country: string | null,
): Generator<void, NumberList> {
  const list = { name, entries: new PackedTexts() };
  const seen = new WideMap<true>();
  for (const entry of entries) {
    yield;
    const text = entry.text;
    if (text.length > LIMITS.entryLength || seen.size >= LIMITS.listEntries) {
      const what =
        text.length > LIMITS.entryLength
          ? `the entry has ${text.length} characters, more than ${LIMITS.entryLength}`
          : `the list has more than ${LIMITS.listEntries} entries`;
      problems.problem(entry.place(), what);
      if (seen.size >= LIMITS.listEntries) break;
      continue;
    }
    if (text.startsWith('list:')) {
      problems.problem(
        entry.place(),
        `${quoted(text)}: a list cannot contain a list`,
        'use both lists in the rule: [ "list:a", "list:b" ]',
      );
      continue;
    }
    const check = checkNumber(text, country);
    if (check !== null && 'problem' in check) {
      problems.problem(entry.place(), check.problem, entry.hint?.() ?? check.hint);
      continue;
    }
    if (check !== null) problems.warning(entry.place(), check.warning, check.hint);
    if (seen.has(text)) {
      problems.warning(
        entry.place(),
        `${quoted(text)} appears twice in the list ${name}`,
        'remove one',
      );
      continue;
    }
    seen.set(text, true);
    list.entries.push(text);
  }
  return list;
}
