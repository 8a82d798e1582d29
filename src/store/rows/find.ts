/**
 * Finds the calls that match a search text. If it matches few calls, all of them are returned,
 * newest first; if it matches many, the newest calls are read until a page is full.
 */
import { OTHERWISE } from '../../core/machine/plan.ts';
import type { CallFilter, SearchText } from '../contract/list.ts';
import { isAfter, type Position } from './cursor.ts';
import { GRAM_CHARS, gramsOf, hasPart, type Needles, needlesOf, partyWords } from './search.ts';

/**
 * How an id with this beginning looks in a document. It may be the id of an attempt, which also
 * leads to its call.
 */
export function idMark(start: string): string {
  return `"id":${JSON.stringify(start).slice(0, -1)}`;
}

/**
 * With more parties than this, reading the newest calls fills a page sooner than collecting the
 * calls of each party.
 */
const PARTIES_MAX = 3_000;
const CALLS_MAX = 10_000;

export interface Bounds {
  /** createdAt from here... */
  since: number;
  /** ...up to here, included. */
  last: number;
  limit: number;
}

/** The names that a search text matched. */
export interface Names {
  parties: string[];
  rules: string[];
  targets: string[];
  ids: string[];
}

export interface UnfoldedRow extends Position {
  caller: string | null;
  callee: string | null;
  /** Its id begins with the text. */
  byId: boolean;
}

/** The questions that are put to a store; `limit` bounds each answer. */
export interface Finder {
  /** How many parties contain each of these pieces, counted up to the limit. */
  gramCounts(grams: string[], limit: number): Promise<number[]>;
  partiesWith(gram: string, part: string, limit: number): Promise<string[]>;
  rules(): Promise<string[]>;
  targets(): Promise<string[]>;
  /** Calls by their parties, rules, targets, the beginnings of their ids, or their whole id. */
  callsOf(names: Names, callId: string, bounds: Bounds): Promise<Position[]>;
  /**
   * Calls whose parties are not in the search index yet: live ones, and those that have just ended.
   */
  unfolded(ids: string[], bounds: Bounds): Promise<UnfoldedRow[]>;
}

/** What a row itself contains: if many rows match, each is tested by it. */
export interface Seen {
  caller: string | null;
  callee: string | null;
  /** It has one of the rules or targets. */
  named: boolean;
}

export type Found =
  | { kind: 'few'; rows: Position[] }
  | { kind: 'many'; rules: string[]; targets: string[]; matches: (row: Seen) => boolean };

export async function find(
  q: SearchText,
  { since, until }: Pick<CallFilter, 'since' | 'until'>,
  after: Position,
  finder: Finder,
): Promise<Found> {
  const needles = needlesOf(q.text);
  const bounds: Bounds = {
    since: Math.round(since ?? Number.MIN_SAFE_INTEGER),
    last: Math.min(after.createdAt, Math.round(until ?? Number.MAX_SAFE_INTEGER) - 1),
    limit: CALLS_MAX + 1,
  };
  const named = (name: string) => isNamed(name, needles.name);
  const [rules, targets, parties] = await Promise.all([
    finder.rules().then((all) => all.filter(named)),
    finder.targets().then((all) => all.filter(named)),
    partiesOf(needles, finder),
  ]);
  const matches = (row: Seen) => row.named || isParty(row, needles, q.numbers);
  const many: Found = { kind: 'many', rules, targets, matches };
  if (parties === null) return many;
  const names = { parties: [...parties, ...q.numbers], rules, targets, ids: needles.ids };
  const [folded, unfolded] = await Promise.all([
    finder.callsOf(names, q.text.trim(), bounds),
    finder.unfolded(needles.ids, bounds),
  ]);
  if (folded.length >= CALLS_MAX || unfolded.length >= CALLS_MAX) return many;
  const fresh = unfolded.filter((row) => row.byId || isParty(row, needles, q.numbers));
  return { kind: 'few', rows: newestFirst([...folded, ...fresh], after) };
}

/**
 * Nobody has named `otherwise`, so a part of the word, as in "her", does not ask for its calls:
 * only its beginning does.
 */
function isNamed(name: string, part: string): boolean {
  if (name !== OTHERWISE) return name.toLowerCase().includes(part);
  return part.length >= GRAM_CHARS && OTHERWISE.startsWith(part);
}

/** Null if there are too many. */
async function partiesOf({ parties: parts }: Needles, finder: Finder): Promise<string[] | null> {
  const found = new Set<string>();
  for (const part of parts) {
    const grams = gramsOf(part);
    const counts = await finder.gramCounts(grams, PARTIES_MAX + 1);
    const fewest = Math.min(...counts);
    if (fewest > PARTIES_MAX) return null;
    const rarest = grams[counts.indexOf(fewest)];
    if (rarest === undefined || fewest === 0) continue;
    for (const party of await finder.partiesWith(rarest, part, PARTIES_MAX)) found.add(party);
  }
  return [...found];
}

function isParty(
  { caller, callee }: Pick<Seen, 'caller' | 'callee'>,
  { parties }: Needles,
  numbers: string[],
): boolean {
  return [caller, callee].some(
    (party) => party !== null && (numbers.includes(party) || hasPart(partyWords(party), parties)),
  );
}

/** Without duplicates, and only those after the previous page. */
function newestFirst(rows: Position[], after: Position): Position[] {
  const byRow = new Map(rows.map(({ row, createdAt }) => [row, { row, createdAt }]));
  return [...byRow.values()]
    .filter((each) => isAfter(each, after))
    .toSorted((a, b) => b.createdAt - a.createdAt || b.row - a.row);
}
