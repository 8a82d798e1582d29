/**
 * Composes the tokens of a route file into nodes. The library composes a document in one go, which
 * takes seconds for files of several megabytes. So a long collection is composed without its items,
 * and then its items piece by piece, each piece as its own document. The order of the errors in a
 * long file may differ from the library's.
 */
import {
  Composer,
  type CST,
  isCollection,
  isPair,
  type ParsedNode,
  type YAMLError,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';

export interface Composed {
  /** Null if the document holds nothing but comments. */
  root: ParsedNode | null;
  errors: YAMLError[];
  warnings: YAMLError[];
}

/** Composed between two yields; takes a few milliseconds. */
const PIECE_CHARS = 8_192;
/** Files with fewer characters are composed in one go, in about 20 ms. */
const WHOLE_CHARS = 64 * 1024;

/** Null if there is no document. Yields regularly, see slices.ts. */
export function* compose(
  tokens: readonly CST.Token[],
  length: number,
  pieceChars = length > WHOLE_CHARS ? PIECE_CHARS : Number.POSITIVE_INFINITY,
): Generator<void, Composed | null> {
  const first = tokens.find((token) => token.type === 'document');
  const value = first?.value;
  if (first === undefined || !isLong(value, length, pieceChars)) return composeWhole(tokens);
  const outside = tokens.map((token) =>
    token === first ? { ...first, value: { ...value, items: [] } } : token,
  );
  const composed = composeWhole(outside as CST.Token[]);
  if (composed === null || !isCollection(composed.root)) return composed;
  yield* new Pieces(composed, pieceChars).fill(value, composed.root, length);
  composed.errors.sort((a, b) => a.pos[0] - b.pos[0]);
  return composed;
}

type Collection = CST.BlockMap | CST.BlockSequence | CST.FlowCollection;
type Item = Collection['items'][number];
type Filled = YAMLMap | YAMLSeq;

const CLOSED_BY: Record<string, string> = { '{': '}', '[': ']' };

/** Unclosed brackets are composed in one go, because their error is only found at the end. */
function isLong(
  token: CST.Token | null | undefined,
  length: number,
  pieceChars: number,
): token is Collection {
  if (length <= pieceChars || token == null) return false;
  if (token.type === 'block-map' || token.type === 'block-seq') return true;
  return token.type === 'flow-collection' && token.end[0]?.source === CLOSED_BY[token.start.source];
}

class Pieces {
  readonly #found: Composed;
  readonly #pieceChars: number;

  constructor(found: Composed, pieceChars: number) {
    this.#found = found;
    this.#pieceChars = pieceChars;
  }

  /** Adds a token's items to the node that was composed without them. */
  *fill(token: Collection, node: Filled, end: number): Generator<void, void> {
    let valueEnd = token.offset;
    let nodeEnd = token.offset;
    for (const { items, from, to } of cut(token, end, this.#pieceChars)) {
      const [only] = items;
      const long =
        items.length === 1 && only !== undefined ? this.#longValue(token, only, to - from) : null;
      const composed = long === null ? items : [{ ...only, value: { ...long, items: [] } } as Item];
      const piece = this.#compose(token, composed, from);
      const owner = heldBy(piece?.items.at(-1));
      if (long !== null && isCollection(owner)) {
        yield* this.fill(long, owner, to);
        valueEnd = Math.max(valueEnd, owner.range?.[2] ?? 0);
      }
      for (const item of piece?.items ?? []) node.items.push(item as never);
      if (owner !== undefined) valueEnd = Math.max(valueEnd, piece?.range?.[1] ?? 0);
      nodeEnd = Math.max(nodeEnd, valueEnd, piece?.range?.[2] ?? 0);
      yield;
    }
    // A collection in brackets was composed with its end and already has the right range.
    if (token.type !== 'flow-collection') node.range = [token.offset, valueEnd, nodeEnd];
  }

  /** The item's value if it is itself composed in pieces; not for a pair in a list: `[a: …]`. */
  #longValue(token: Collection, { sep, value }: Item, length: number): Collection | null {
    const isPairInList =
      token.type === 'flow-collection' && token.start.source === '[' && sep !== undefined;
    return !isPairInList && isLong(value, length, this.#pieceChars) ? value : null;
  }

  #compose(token: Collection, items: readonly Item[], from: number): Filled | null {
    const closed = token.type === 'flow-collection' ? { end: token.end.slice(0, 1) } : {};
    // The position of an opening bracket just before the first item.
    const offset = from > token.offset && token.type === 'flow-collection' ? from - 1 : from;
    const value = { ...token, offset, items, ...closed } as CST.Token;
    const composed = composeWhole([{ type: 'document', offset, start: [], value }]);
    this.#found.errors.push(...(composed?.errors ?? []));
    this.#found.warnings.push(...(composed?.warnings ?? []));
    return composed !== null && isCollection(composed.root) ? (composed.root as Filled) : null;
  }
}

function heldBy(item: unknown): unknown {
  return isPair(item) ? item.value : item;
}

interface Piece {
  items: Item[];
  /** Offsets in the text. */
  from: number;
  to: number;
}

/** Groups items into pieces of limited length; a long item becomes its own piece. */
function* cut(token: Collection, end: number, pieceChars: number): Generator<Piece> {
  let piece: Piece = { items: [], from: token.offset, to: token.offset };
  for (const [index, item] of token.items.entries()) {
    const from = offsetOf(item) ?? piece.to;
    const next = token.items[index + 1];
    const to = next === undefined ? end : (offsetOf(next) ?? from);
    const full = piece.items.length > 0 && to - piece.from > pieceChars;
    if (full && mayCut(token, index)) {
      yield piece;
      piece = { items: [withoutComma(token, item)], from, to };
    } else {
      piece.items.push(item);
      piece.to = to;
    }
  }
  if (piece.items.length > 0) yield piece;
}

function offsetOf({ start, key, sep, value }: Item): number | undefined {
  return (start[0] ?? key ?? sep?.[0] ?? value)?.offset;
}

/**
 * In brackets, cuts only at exactly one comma, because any other error is only found when both
 * sides are composed together; and not before `: value`, whose empty key has its position there.
 */
function mayCut(token: Collection, index: number): boolean {
  if (token.type !== 'flow-collection') return true;
  const [before, item] = [token.items[index - 1], token.items[index]];
  if (before === undefined || item === undefined) return false;
  const commas = item.start.filter(({ type }) => type === 'comma').length;
  const hasKey = item.sep === undefined || item.key != null;
  return !isEmpty(before) && !isEmpty(item) && hasKey && commas === 1;
}

function isEmpty({ key, sep, value }: Item): boolean {
  return key == null && sep === undefined && value === undefined;
}

function withoutComma(token: Collection, item: Item): Item {
  if (token.type !== 'flow-collection') return item;
  return { ...item, start: item.start.filter(({ type }) => type !== 'comma') } as Item;
}

/** Composes in one go, with the library. Throws if the document is nested too deeply for it. */
function composeWhole(tokens: readonly CST.Token[]): Composed | null {
  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    strict: true,
    // The library's check compares each key with all earlier ones; decode.ts uses a set instead.
    uniqueKeys: false,
    prettyErrors: false,
    merge: false,
  });
  const [document] = [...composer.compose(tokens, true)];
  if (document === undefined) return null;
  const { contents, errors, warnings } = document;
  return { root: contents as ParsedNode | null, errors, warnings };
}
