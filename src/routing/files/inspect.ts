/**
 * Walks the tokens of a route file without recursion, and checks its depth, its size, and that it
 * uses no forbidden parts of YAML.
 */
import type { CST } from 'yaml';
import { LIMITS } from '../limits.ts';
import type { Place, Problems } from '../problem.ts';

const FORBIDDEN: Partial<Record<CST.SourceToken['type'] | 'alias', [string, string]>> = {
  alias: ['an alias (*name)', 'write the value out; a text that starts with * needs quotes: '],
  anchor: [
    'an anchor (&name)',
    'write the value out where it is needed; quote a text that starts with &',
  ],
  tag: ['a tag (!name)', 'remove it; quote a text that starts with !'],
};

/**
 * Null: too large to compose. Otherwise the offsets of comments within brackets. Yields regularly,
 * see slices.ts.
 */
export function* inspect(
  tokens: CST.Token[],
  at: (offset: number) => Place,
  problems: Problems,
): Generator<void, { comments: number[] } | null> {
  const comments: number[] = [];
  let documents = 0;
  let nodes = 0;
  const refuse = (offset: number, message: string, hint: string): void => {
    problems.problem(at(offset), message, hint);
  };
  const open: Iterator<Part, void>[] = [topOf(tokens)];
  for (let walk = open.at(-1); walk !== undefined; walk = open.at(-1)) {
    const next = walk.next();
    if (next.done === true) {
      open.pop();
      continue;
    }
    yield;
    const { token, depth, inBrackets } = next.value;
    nodes += 1;
    if (nodes > LIMITS.nodes * 4) {
      refuse(token.offset, 'more values than a route file may hold', 'split the file');
      return null;
    }
    if (depth > LIMITS.depth) {
      refuse(token.offset, `nested deeper than ${LIMITS.depth} levels`, 'is a bracket missing?');
      return null;
    }
    const forbidden = FORBIDDEN[token.type as keyof typeof FORBIDDEN];
    if (forbidden !== undefined) {
      const quoted = token.type === 'alias' ? JSON.stringify(token.source.replace(/:$/, '')) : '';
      refuse(token.offset, `${forbidden[0]} is not allowed`, `${forbidden[1]}${quoted}`);
    }
    if (token.type === 'directive') {
      refuse(token.offset, 'a directive (%) is not allowed', 'remove the line');
    } else if (token.type === 'document') {
      documents += 1;
      if (documents === 2) {
        const hint = 'put it into a file of its own';
        refuse(token.offset, 'a second document (---) in one file', hint);
      }
    } else if (token.type === 'comment' && inBrackets) comments.push(token.offset);
    if (isNested(token)) open.push(insideOf(token, depth));
  }
  return { comments };
}

interface Part {
  token: CST.Token;
  depth: number;
  inBrackets: boolean;
}

function* topOf(tokens: readonly CST.Token[]): Generator<Part, void> {
  for (const token of tokens) yield { token, depth: 0, inBrackets: false };
}

type Nested = Extract<CST.Token, { items: unknown } | { props: unknown } | { type: 'document' }>;

function isNested(token: CST.Token): token is Nested {
  return token.type === 'document' || token.type === 'block-scalar' || 'items' in token;
}

/** Lazily, because a list may have a million parts. */
function* insideOf(token: Nested, depth: number): Generator<Part, void> {
  const inBrackets = token.type === 'flow-collection';
  const parts = (all: readonly CST.Token[] = []): Part[] =>
    all.map((part) => ({ token: part, depth, inBrackets }));
  const deeper = (part: CST.Token | null | undefined): Part[] =>
    part == null ? [] : [{ token: part, depth: depth + 1, inBrackets: false }];
  if (token.type === 'document') {
    yield* parts(token.start);
    yield* deeper(token.value);
  } else if (token.type === 'block-scalar') yield* parts(token.props);
  else {
    for (const item of token.items) {
      yield* parts(item.start);
      yield* deeper(item.key);
      yield* parts(item.sep);
      yield* deeper(item.value);
      // The parser keeps a comment behind a scalar with the scalar.
      if (inBrackets) yield* parts(endOf(item.value));
    }
    if (inBrackets) yield* parts(token.end);
  }
}

function endOf(token: CST.Token | null | undefined): CST.SourceToken[] | undefined {
  return token != null && 'end' in token && token.type !== 'flow-collection'
    ? token.end
    : undefined;
}
