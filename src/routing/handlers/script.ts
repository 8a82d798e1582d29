/**
 * Turns a handler's TypeScript into a script for its sandbox: types are stripped, acorn parses the
 * syntax, imports are refused, the default export becomes `__handler`, and `async` functions become
 * ones that refuse to run. Line numbers do not change.
 */
import { stripTypeScriptTypes } from 'node:module';
import { type Node as AcornNode, type Program, parse } from 'acorn';
import type { Problems } from '../problem.ts';
import { messageOf, placeOfError } from './error.ts';

export const STRICT = "'use strict';";

/** Null after problems. */
export function toScript(file: string, text: string, problems: Problems): string | null {
  let stripped: string;
  let program: Program;
  try {
    stripped = strip(text);
    program = parse(stripped, { ecmaVersion: 'latest', sourceType: 'module', locations: true });
  } catch (error) {
    problems.problem(
      placeOfError(file, error),
      `not valid TypeScript: ${messageOf(error)}`,
      'only erasable types are allowed: no enum, no namespace, no parameter properties',
    );
    return null;
  }
  const before = problems.problems.length;
  const nodes = allNodes(program);
  refuseModules(file, nodes, problems);
  const exported = program.body.filter((node) => node.type === 'ExportDefaultDeclaration');
  const [only] = exported;
  if (only === undefined) {
    problems.problem(
      { file, line: 1, column: 1 },
      'the handler has no default export',
      'export default (call, context) => [ … ] or undefined',
    );
  }
  if (only === undefined || problems.problems.length > before) return null;

  const { declaration } = only;
  const named =
    (declaration.type === 'FunctionDeclaration' || declaration.type === 'ClassDeclaration') &&
    declaration.id != null;
  // Not the declaration's start, which for `(…)` is after the bracket.
  const keywords = /^export\s+default\b/.exec(stripped.slice(only.start))?.[0];
  const start = keywords === undefined ? declaration.start : only.start + keywords.length;
  const edits = refuseAsync(stripped, nodes);
  const spaces = blank(stripped, only.start, start);
  // Padded to the length of "export default", so that columns do not change.
  const assigned = named ? spaces : `var __handler=${spaces.slice('export default'.length)}`;
  edits.push({ from: only.start, to: start, text: assigned });
  const script = STRICT + edited(stripped, edits);
  return named ? `${script}\n;globalThis.__handler = ${declaration.id?.name};` : script;
}

/**
 * Suppresses Node's warning that the function is experimental, which it prints once per process.
 */
function strip(text: string): string {
  const emitWarning = process.emitWarning;
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(text, { mode: 'strip' });
  } finally {
    process.emitWarning = emitWarning;
  }
}

type Found = AcornNode & Record<string, unknown>;

function allNodes(program: Program): Found[] {
  const nodes: Found[] = [];
  const stack: unknown[] = [program];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (typeof node !== 'object' || node === null) continue;
    if (Array.isArray(node)) {
      stack.push(...node);
      continue;
    }
    if ('type' in node && 'start' in node) nodes.push(node as Found);
    for (const value of Object.values(node)) stack.push(value);
  }
  return nodes;
}

const REFUSED: Record<string, [string, string]> = {
  ImportDeclaration: ['a handler cannot import anything', 'only import type … is allowed'],
  ImportExpression: ['a handler cannot import anything', 'only import type … is allowed'],
  MetaProperty: ['import.meta is not available', 'a handler sees only its call and context'],
  ExportNamedDeclaration: ['a handler may only have a default export', 'remove export'],
  ExportAllDeclaration: ['a handler may only have a default export', 'remove export'],
};

function refuseModules(file: string, nodes: Found[], problems: Problems): void {
  for (const node of nodes) {
    const refused =
      node.type === 'MetaProperty' && isNewTarget(node) ? undefined : REFUSED[node.type];
    if (refused === undefined) continue;
    const start = node.loc?.start;
    problems.problem(
      { file, line: start?.line ?? 1, column: (start?.column ?? 0) + 1 },
      refused[0],
      refused[1],
    );
  }
}

function isNewTarget(node: AcornNode): boolean {
  return (node as AcornNode & { meta?: { name?: string } }).meta?.name === 'new';
}

interface Edit {
  from: number;
  to: number;
  text: string;
}

/**
 * Replaces async functions by plain ones that refuse to run. No promise may be created in the
 * sandbox at all: an unhandled rejection ends the whole process, and a loop of rejections cannot be
 * interrupted, because Node loses the timeout while it tracks them.
 */
function refuseAsync(code: string, nodes: Found[]): Edit[] {
  const edits: Edit[] = [];
  for (const node of nodes) {
    const body = node.body as AcornNode | undefined;
    if (node.async === true && body !== undefined) {
      // acorn's body of `() => (1)` begins after the bracket.
      const from =
        node.type === 'ArrowFunctionExpression' ? arrowEnd(code, node, body) : body.start;
      const refusal = `{ throw __promise(); ${blank(code, from, node.end)} }`;
      edits.push({ from, to: node.end, text: refusal });
    }
    const keyword = asyncKeyword(code, node);
    if (keyword === null) continue;
    edits.push({ from: keyword, to: keyword + 'async'.length, text: ' '.repeat('async'.length) });
  }
  return edits;
}

/**
 * Position of `async`: a function begins with it; a method has it before its name, outside acorn's
 * function node.
 */
function asyncKeyword(code: string, node: Found): number | null {
  const method = node.method === true || node.type === 'MethodDefinition';
  const owner = method ? (node.value as Partial<Found> | null) : node;
  if (owner?.async !== true) return null;
  const head = method
    ? code.slice(node.start, (node.key as AcornNode).start)
    : code.slice(node.start, node.start + 'async'.length);
  const at = head.search(/\basync\b/);
  return at < 0 ? null : node.start + at;
}

/**
 * The position after `=>`. The search begins after the last parameter and skips comments, which may
 * contain one too.
 */
function arrowEnd(code: string, node: Found, body: AcornNode): number {
  const params = node.params as AcornNode[];
  const after = params.at(-1)?.end ?? node.start;
  const between = code
    .slice(after, body.start)
    .replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, (comment) => ' '.repeat(comment.length));
  return after + between.indexOf('=>') + '=>'.length;
}

function blank(code: string, from: number, to: number): string {
  return code.slice(from, to).replace(/[^\n]/g, ' ');
}

/** Of nested edits only the outer one is applied. */
function edited(code: string, edits: Edit[]): string {
  let done = '';
  let at = 0;
  for (const edit of edits.toSorted((a, b) => a.from - b.from || b.to - a.to)) {
    if (edit.from < at) continue;
    done += code.slice(at, edit.from) + edit.text;
    at = edit.to;
  }
  return done + code.slice(at);
}
