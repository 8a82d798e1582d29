/**
 * Parses a route file into YAML nodes with positions, or problems. YAML changes values silently, so
 * everything but plain maps, lists and scalars (anchors, aliases, tags, directives, several
 * documents) is refused here, before anything is composed. So an alias bomb or deeply nested
 * brackets cost nothing.
 */
import {
  type CST,
  Lexer,
  LineCounter,
  type Node,
  type ParsedNode,
  Parser,
  type YAMLError,
} from 'yaml';
import { LIMITS } from '../limits.ts';
import { oddSpaceHint } from '../look-alikes.ts';
import type { Place, Problems } from '../problem.ts';
import { type Composed, compose } from './compose.ts';
import { inspect } from './inspect.ts';
import { decodeText } from './text.ts';

export interface Source {
  file: string;
  text: string;
  /** Null if the file holds nothing but comments. */
  root: ParsedNode | null;
  /** The place of a character offset. */
  at(offset: number): Place;
}

/** Null after problems that leave nothing to decode. Yields regularly, see slices.ts. */
export function* parseSource(
  file: string,
  bytes: Uint8Array,
  problems: Problems,
): Generator<void, Source | null> {
  const top = { file, line: 1, column: 1 };
  if (bytes.byteLength > LIMITS.routeFileBytes) {
    problems.problem(
      top,
      `the file has ${bytes.byteLength} bytes, more than ${LIMITS.routeFileBytes}`,
      'move long lists into files under lists/',
    );
    return null;
  }
  const text = yield* decodeText(file, bytes, problems);
  if (text === null) return null;

  // The parser's own line counter misses lines in text that it could not parse.
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) {
    lines.addNewLine(end + 1);
  }
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(Math.max(0, Math.min(offset, text.length)));
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const conflicts = [...text.matchAll(CONFLICT)].slice(0, SYNTAX_ERRORS_SHOWN);
  for (const { index } of conflicts) {
    problems.problem(
      at(index),
      'a merge conflict is not resolved',
      'keep one of the two sides, and remove the lines that begin with <<<<<<<, ======= and >>>>>>>',
    );
  }
  if (conflicts.length > 0) return null;
  const tokens = yield* tokensOf(text);
  const inspected = yield* inspect(tokens, at, problems);
  if (inspected === null) return null;

  const { comments } = inspected;
  const root = yield* nodesOf(tokens, text, at, problems, { file, comments });
  if (root === undefined) return null;
  return { file, text, root, at };
}

/** As Git marks it. No line of a route file begins so: a text with several lines is indented. */
const CONFLICT = /^<{7} /gm;

function* tokensOf(text: string): Generator<void, CST.Token[]> {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    yield;
  }
  for (const token of parser.end()) tokens.push(token);
  return tokens;
}

/** Undefined after problems. */
function* nodesOf(
  tokens: CST.Token[],
  text: string,
  at: (offset: number) => Place,
  problems: Problems,
  { file, comments }: { file: string; comments: number[] },
): Generator<void, ParsedNode | null | undefined> {
  let composed: Composed | null;
  try {
    composed = yield* compose(tokens, text.length);
  } catch (error) {
    problems.problem(
      { file, line: 1, column: 1 },
      `not readable as YAML: ${error instanceof Error ? error.message : error}`,
    );
    return undefined;
  }
  if (composed === null) return undefined;
  let isOdd = false;
  for (const error of syntaxErrors(composed, (offset) => at(offset).line)) {
    const hash = cutOff(error, comments, text);
    if (hash !== null) {
      problems.problem(
        at(hash),
        'not valid YAML: # starts a comment here, and the bracket before it is never closed',
        'put a text with # into quotes; a comment in brackets needs the rest on a later line',
      );
      continue;
    }
    const odd = oddSpaceHint(lineAt(text, error.pos[0]));
    // A key that does not end takes the lines below it along, which leads to further errors.
    if (isOdd && odd === null) continue;
    isOdd ||= odd !== null;
    problems.problem(
      at(error.pos[0]),
      `not valid YAML: ${firstLine(error.message)}`,
      odd ?? yamlHint(error, lineAt(text, error.pos[0])),
    );
  }
  // After a syntax error the nodes are the parser's guesses, so decoding them would report problems
  // that do not exist.
  return composed.errors.length > 0 ? undefined : composed.root;
}

/** A file that is not YAML at all has as many errors as characters. */
const SYNTAX_ERRORS_SHOWN = 10;

/** One error per place, without errors that are mere consequences of others. */
function syntaxErrors(composed: Composed, lineOf: (offset: number) => number): YAMLError[] {
  const found: YAMLError[] = [];
  // Tags have already been reported by inspect.ts, so a warning about an unknown tag is dropped.
  const warnings = composed.warnings.filter((warning) => warning.code !== 'TAG_RESOLVE_FAILED');
  const tabs = composed.errors.filter(({ code }) => code === 'TAB_AS_INDENT');
  // So have aliases and anchors; what is odd behind them only follows from them.
  const aliases = [...composed.errors, ...warnings].filter(({ code }) => code === 'BAD_ALIAS');
  const marked = new Set(aliases.map(({ pos }) => lineOf(pos[0])));
  const all = tabs.length > 0 ? tabs : [...composed.errors, ...warnings];
  for (const error of all) {
    if (found.length >= SYNTAX_ERRORS_SHOWN) break;
    if (marked.size > 0 && marked.has(lineOf(error.pos[0]))) continue;
    if (found.some((other) => other.pos[0] === error.pos[0])) continue;
    if (found.length + marked.size > 0 && error.code === 'UNEXPECTED_TOKEN') continue;
    if (isOfStructure(error) && found.some((other) => misleads(other, error, lineOf))) {
      continue;
    }
    found.push(error);
  }
  return found;
}

/** How the parser sees a text that begins with a dash. */
const DASH_BEHIND_KEY = 'block-seq-ind on same line with key';

/** An error about the columns and keys of lines, not about what is in them. */
function isOfStructure({ code, message }: YAMLError): boolean {
  return STRUCTURE.has(code) || message.startsWith('Implicit map keys need');
}

const STRUCTURE = new Set(['BAD_INDENT', 'BLOCK_AS_IMPLICIT_KEY', 'MULTILINE_IMPLICIT_KEY']);

/** After a line at a wrong column the parser expects the rest of the file there, too. */
function misleads(first: YAMLError, later: YAMLError, lineOf: (offset: number) => number): boolean {
  if (first.code === 'BAD_INDENT' || isMissingDash(first.message)) return true;
  const isOf = isOfStructure(first) || first.message.includes(DASH_BEHIND_KEY);
  return isOf && lineOf(first.pos[0]) === lineOf(later.pos[0]);
}

/** How the parser sees a line of a list that begins at another column. */
function isMissingDash(message: string): boolean {
  return message.startsWith('Sequence item without - indicator');
}

/** In `{ digits: #1 }` the comment includes the closing bracket. */
function cutOff(error: YAMLError, comments: number[], text: string): number | null {
  if (!/flow/i.test(error.message)) return null;
  const [found] = error.pos;
  const before = comments.filter((offset) => offset < found);
  if (before.length === 0) return null;
  const last = before.reduce((one, other) => Math.max(one, other));
  // Only a comment on this line or at the end of the last one is likely to be the cause.
  return text.slice(last, found).trimEnd().includes('\n') ? null : last;
}

function lineAt(text: string, offset: number): string {
  const end = text.indexOf('\n', offset);
  return text.slice(text.lastIndexOf('\n', offset - 1) + 1, end < 0 ? undefined : end);
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? message;
}

function yamlHint({ code, message }: YAMLError, line: string): string {
  if (code === 'TAB_AS_INDENT') return 'indent with spaces';
  if (code === 'MULTILINE_IMPLICIT_KEY' && !/:(?:\s|$)/.test(line)) {
    return 'a key ends with a colon and a space, as in "name: support"';
  }
  if (code === 'BLOCK_AS_IMPLICIT_KEY' || code === 'MULTILINE_IMPLICIT_KEY') {
    return 'put a text that contains ": " or " #" into quotes, and check the indentation';
  }
  if (code === 'BAD_INDENT' && message.startsWith('Flow ')) {
    return 'close the bracket in the lines before it, or check the indentation';
  }
  if (code === 'BAD_INDENT' || isMissingDash(message)) return 'check the indentation';
  if (code === 'MISSING_CHAR')
    return 'close the quotation mark or bracket, or write : after the key';
  return HINTS.find(([sign]) => sign === code || message.includes(sign))?.[1] ?? '';
}

/** By the parser's code or a part of its message. */
const HINTS: [sign: string, hint: string][] = [
  ['BAD_SCALAR_START', 'put the text into quotes'],
  [DASH_BEHIND_KEY, 'put a text that begins with "- " into quotes; a list begins on its own line'],
  [
    'at node end',
    'put the whole text into quotes; a quotation mark in it is written \\" between "…", and twice between \'…\'',
  ],
  ['BLOCK_IN_FLOW', 'put a text that contains ": " or begins with "- " into quotes'],
  ['Block scalar header', 'put a text that begins with | or > into quotes'],
  ['BAD_DQ_ESCAPE', 'write \\\\ for a backslash'],
  ['token in YAML stream', 'remove it, or put the text into quotes'],
];

export function startOf(node: Node | null | undefined): number {
  return node?.range?.[0] ?? 0;
}
