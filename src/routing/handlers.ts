/**
 * Handlers: rules in TypeScript. The file is stripped of its types, read by acorn (nothing is imported,
 * there is one default export, syntax errors get their place) and run in a context of its own that holds
 * the language and nothing of Node. Call and answer cross as JSON text, so no object of ours is ever in
 * reach of a handler; each run is interrupted after 50 ms, microtasks included.
 */
import { stripTypeScriptTypes } from 'node:module';
import vm from 'node:vm';
import { type Node as AcornNode, type Program, parse } from 'acorn';
import type { CallFacts } from '../core/call.ts';
import type { Moment } from '../core/plan.ts';
import type { RunHandler } from '../core/rule.ts';
import type { SetContext } from './context.ts';
import { decode } from './decode.ts';
import type { HandlerCall, HandlerContext } from './handler-types.ts';
import { LIMITS } from './limits.ts';
import { type Place, Problems } from './problem.ts';
import type { SchemaNode } from './schema-node.ts';
import type { WrittenStep } from './schema-steps.ts';
import { decodeText, parseSource } from './source.ts';
import { buildSteps } from './steps.ts';

/** Null after problems. The context names what exists when the handler runs: the set it belongs to. */
export function compileHandler(
  file: string,
  bytes: Uint8Array,
  context: SetContext,
): RunHandler | null {
  const { problems } = context;
  if (bytes.byteLength > LIMITS.handlerFileBytes) {
    problems.problem(
      { file, line: 1, column: 1 },
      `the handler has ${bytes.byteLength} bytes, more than ${LIMITS.handlerFileBytes}`,
    );
    return null;
  }
  const text = decodeText(file, bytes, problems);
  if (text === null) return null;
  const code = toScript(file, text, problems);
  const sandbox = code === null ? null : load(file, code, problems);
  if (sandbox === null) return null;
  return (facts, moment) => run(file, sandbox, facts, moment, context);
}

const call = new vm.Script('__call()', { filename: 'referee:call' });

function run(
  file: string,
  sandbox: vm.Context,
  facts: CallFacts,
  moment: Moment,
  context: SetContext,
): ReturnType<RunHandler> {
  sandbox.__input = JSON.stringify({
    call: callOf(facts),
    context: {
      event: moment.event,
      digits: moment.digits,
      at: moment.at,
      targets: [...context.names.target.keys()],
    } satisfies HandlerContext,
  });
  let answer: unknown;
  try {
    answer = call.runInContext(sandbox, { timeout: LIMITS.handlerMs });
  } catch (error) {
    // Thrown by the interruption (of Node) or by a value whose own reading threw.
    const late = codeOf(error) === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
    const why = late ? `took longer than ${LIMITS.handlerMs} ms` : 'failed';
    return { notMine: `${why}`, warning: true };
  }
  const text = typeof answer === 'string' ? answer : '!answered with something unreadable';
  if (text === '') return { notMine: `returned undefined`, warning: false };
  if (text.startsWith('!')) return { notMine: `${text.slice(1, 400)}`, warning: true };
  return readAnswer(file, text, context);
}

/** The same strict reading as of a route file: JSON is YAML. */
function readAnswer(file: string, json: string, context: SetContext): ReturnType<RunHandler> {
  const problems = new Problems();
  const source = parseSource(file, Buffer.from(json), problems);
  const schema: SchemaNode = { $ref: '#/$defs/steps' };
  const decoded = source === null ? null : decode(source, schema, problems);
  const own: SetContext = { ...context, problems };
  const steps =
    decoded?.value === undefined
      ? []
      : buildSteps(
          { context: own, positions: decoded.positions, trusted: false },
          decoded.value as WrittenStep[],
          'top',
        );
  const [first] = problems.problems;
  if (first === undefined) return { steps };
  const hint = first.hint === '' ? '' : ` (${first.hint})`;
  return {
    notMine: `answered steps that are none: ${first.message}${hint}`,
    warning: true,
  };
}

function callOf(facts: CallFacts): HandlerCall {
  const headers: Record<string, string> = Object.create(null);
  for (const { name, value } of facts.headers) headers[name.toLowerCase()] ??= value;
  return {
    call_control_id: facts.callId,
    call_session_id: facts.sessionId,
    connection_id: facts.connectionId,
    from: facts.from,
    to: facts.to,
    direction: facts.direction,
    caller_name: facts.callerName,
    caller_type: facts.callerType,
    attestation: facts.attestationValidated ? facts.attestation : null,
    headers,
    tags: facts.tags,
  };
}

/**
 * Runs in the context before the handler's own code and keeps what it needs of the language, so that a
 * handler that changes an intrinsic only hurts itself. Answers: "" for undefined, "!…" for a fault,
 * else the steps as JSON. Date knows only the moment of the event and chance is refused: a rerun of a
 * decision must agree.
 */
const PRELUDE = `(() => {
  'use strict';
  const { parse, stringify } = JSON;
  const { freeze, keys } = Object;
  const { isArray } = Array;
  const apply = Reflect.apply;
  const RealDate = Date;
  const text = String;
  let at = 0;
  const deepFreeze = (value) => {
    if (typeof value === 'object' && value !== null) {
      for (const key of keys(value)) deepFreeze(value[key]);
      freeze(value);
    }
    return value;
  };
  const FixedDate = class Date extends RealDate {
    constructor(...parts) { if (parts.length === 0) super(at); else super(...parts); }
    static now() { return at; }
  };
  RealDate.prototype.constructor = FixedDate;
  globalThis.Date = FixedDate;
  Math.random = () => { throw new Error('a handler is pure: the same call must get the same answer, use percent or pick for chance'); };
  for (const name of ['WebAssembly', 'SharedArrayBuffer', 'Atomics', 'WeakRef', 'FinalizationRegistry', 'console']) delete globalThis[name];
  globalThis.__call = () => {
    const { call, context } = parse(globalThis.__input);
    at = context.at;
    let answer;
    try {
      answer = apply(globalThis.__handler, undefined, [deepFreeze(call), deepFreeze(context)]);
      if (answer === undefined) return '';
      if (answer !== null && (typeof answer === 'object' || typeof answer === 'function') && typeof answer.then === 'function') return '!returned a promise; a handler is synchronous';
      if (!isArray(answer)) return '!returned ' + (answer === null ? 'null' : 'a ' + typeof answer) + ' where a list of steps or undefined is due';
      const json = stringify(answer);
      if (typeof json !== 'string') return '!answered with something that is not JSON';
      if (json.length > ${LIMITS.handlerAnswerLength}) return '!answered with more than ${LIMITS.handlerAnswerLength} characters';
      return json;
    } catch (error) {
      let why = 'something';
      try { why = text(error instanceof Error ? error.message : error).slice(0, 200); } catch {}
      return '!threw: ' + why;
    }
  };
})()`;

function load(file: string, code: string, problems: Problems): vm.Context | null {
  const sandbox = vm.createContext(Object.create(null), {
    name: file,
    codeGeneration: { strings: false, wasm: false },
    microtaskMode: 'afterEvaluate',
  });
  const options = { timeout: LIMITS.handlerLoadMs, filename: file };
  try {
    vm.runInContext(PRELUDE, sandbox, { filename: 'referee:prelude' });
    vm.runInContext(code, sandbox, { ...options, columnOffset: -STRICT.length });
    if (vm.runInContext('typeof __handler', sandbox, options) === 'function') return sandbox;
    problems.problem(
      { file, line: 1, column: 1 },
      'the default export is not a function',
      'export default (call, context) => [ … ] or undefined',
    );
  } catch (error) {
    problems.problem(
      placeOfError(file, error),
      `the handler does not load: ${messageOf(error)}`,
      'at its top a handler only declares',
    );
  }
  return null;
}

const STRICT = "'use strict';";

/** Types stripped, imports refused, the default export turned into `__handler`; lines stay where they are. */
function toScript(file: string, text: string, problems: Problems): string | null {
  let stripped: string;
  let program: Program;
  try {
    stripped = strip(text);
    program = parse(stripped, { ecmaVersion: 'latest', sourceType: 'module', locations: true });
  } catch (error) {
    problems.problem(
      placeOfError(file, error),
      `not valid TypeScript: ${messageOf(error)}`,
      'only types that erase: no enum, no namespace, no parameter properties',
    );
    return null;
  }
  const before = problems.problems.length;
  refuseModules(file, program, problems);
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
  const head = STRICT + stripped.slice(0, only.start);
  const named =
    (declaration.type === 'FunctionDeclaration' || declaration.type === 'ClassDeclaration') &&
    declaration.id != null;
  // Not the declaration's start: that of `(…)` is after the bracket.
  const keywords = /^export\s+default\b/.exec(stripped.slice(only.start))?.[0];
  const start = keywords === undefined ? declaration.start : only.start + keywords.length;
  const blank = stripped.slice(only.start, start).replace(/[^\n]/g, ' ');
  const rest = stripped.slice(start);
  if (named) return `${head}${blank}${rest}\n;globalThis.__handler = ${declaration.id?.name};`;
  return `${head}${blank}globalThis.__handler = ${rest}`;
}

/** Node marks the function as experimental once a process; an operator who writes handlers knows it. */
function strip(text: string): string {
  const emitWarning = process.emitWarning;
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(text, { mode: 'strip' });
  } finally {
    process.emitWarning = emitWarning;
  }
}

const REFUSED: Record<string, [string, string]> = {
  ImportDeclaration: ['a handler imports nothing', 'only import type …, which erases'],
  ImportExpression: ['a handler imports nothing', 'only import type …, which erases'],
  MetaProperty: ['import.meta is not there', 'a handler sees its call and context only'],
  ExportNamedDeclaration: ['a handler exports its default only', 'remove export'],
  ExportAllDeclaration: ['a handler exports its default only', 'remove export'],
};

function refuseModules(file: string, program: Program, problems: Problems): void {
  const stack: unknown[] = [program];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (typeof node !== 'object' || node === null) continue;
    if (Array.isArray(node)) {
      stack.push(...node);
      continue;
    }
    const found = node as AcornNode;
    const refused =
      found.type === 'MetaProperty' && isNewTarget(found) ? undefined : REFUSED[found.type];
    if (refused !== undefined) {
      const start = found.loc?.start;
      problems.problem(
        { file, line: start?.line ?? 1, column: (start?.column ?? 0) + 1 },
        refused[0],
        refused[1],
      );
    }
    for (const value of Object.values(node)) stack.push(value);
  }
}

function isNewTarget(node: AcornNode): boolean {
  return (node as AcornNode & { meta?: { name?: string } }).meta?.name === 'new';
}

function codeOf(error: unknown): unknown {
  try {
    return typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
  } catch {
    return null;
  }
}

function messageOf(error: unknown): string {
  try {
    const message = String((error as Error | null)?.message ?? error);
    return (
      message
        .replace(/ \(\d+:\d+\)$/, '')
        .split('\n', 1)[0]
        ?.slice(0, 200) ?? ''
    );
  } catch {
    return 'it threw something unreadable';
  }
}

/** acorn says it in `loc`; the stripper and V8 in the head of the stack: `file:line`, lines, a caret. */
function placeOfError(file: string, error: unknown): Place {
  try {
    const { loc, stack } = error as { loc?: { line: number; column: number }; stack?: string };
    if (loc !== undefined) return { file, line: loc.line, column: loc.column + 1 };
    const line = /^[^\n]*?:(\d+)\n/.exec(String(stack))?.[1];
    const caret = /\n([ \t]*)\^+\n/.exec(String(stack))?.[1];
    if (line !== undefined) return { file, line: Number(line), column: (caret?.length ?? 0) + 1 };
  } catch {
    // A thrown value may refuse to be read.
  }
  return { file, line: 1, column: 1 };
}
