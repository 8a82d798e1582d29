/**
 * The process that handlers run in. It gets nothing from the server: no environment, no secrets,
 * and no connection except the channel to its keeper. It can be killed at any time. Each handler
 * has its own context with the language but without Node's APIs; calls and answers are exchanged as
 * JSON text.
 *
 * The keeper strips the types from this file and pipes it to `node -`, so it must not import our
 * modules. Without the type stripper a process starts in a third of the time and with two thirds of
 * the memory.
 */
import vm from 'node:vm';
import { Worker } from 'node:worker_threads';
import type { Compiled, Compiler } from './compile.ts';

export type ToProcess =
  | { do: 'open'; scripts: Script[] }
  | { do: 'drop'; keys: string[] }
  | { do: 'load'; file: string; text: string; compiler: string }
  | Run;

export interface Run {
  do: 'run';
  id: number;
  key: string;
  input: string;
  ms: number;
}

export type FromProcess =
  | { is: 'started' }
  | { is: 'opened' }
  | { is: 'loaded'; compiled: Compiled }
  | { is: 'ran'; id: number; answer: ProcessAnswer };

export interface Script {
  key: string;
  file: string;
  code: string;
}

/** `text`: '' for undefined, '!…' for an error, else the steps as JSON. */
export type ProcessAnswer = { text: string } | { failed: 'late' | 'unreadable' };

export interface ProcessLimits {
  loadMs: number;
  answerLength: number;
  answerValues: number;
  /** The server's process id. */
  parent: number;
  /** Maximum number of contexts kept; others are created again when they are needed. */
  contexts: number;
}

const limits = JSON.parse(process.argv[2] ?? '') as ProcessLimits;
const scripts = new Map<string, Script>();
/** Ordered by last use, the most recent at the end. */
const contexts = new Map<string, vm.Context>();
const call = new vm.Script('__call()', { filename: 'referee:call' });

// Ignores signals sent to the whole group or service: the server needs its handlers until it has
// drained.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
process.on('disconnect', () => process.exit());
// While this thread is stuck in an endless builtin it cannot notice that the server is gone, so
// another thread checks.
new Worker(
  `setInterval(() => {
    if (process.ppid !== ${limits.parent}) process.kill(process.pid, 'SIGKILL');
  }, 500)`,
  { eval: true },
).unref();
process.on('message', async (message: ToProcess) => {
  switch (message.do) {
    case 'open':
      for (const script of message.scripts) scripts.set(script.key, script);
      for (const { key } of message.scripts) if (contexts.size < limits.contexts) warm(key);
      return say({ is: 'opened' });
    case 'drop':
      for (const key of message.keys) {
        scripts.delete(key);
        contexts.delete(key);
      }
      return;
    case 'load': {
      const { compile } = (await import(message.compiler)) as { compile: Compiler };
      return say({ is: 'loaded', compiled: compile(message.file, message.text, openContext) });
    }
    case 'run':
      return say({
        is: 'ran',
        id: message.id,
        answer: run(message.key, message.input, message.ms),
      });
  }
});
say({ is: 'started' });

function say(message: FromProcess): void {
  process.send?.(message);
}

/**
 * The handler loaded in another process a moment ago. If it fails to load here, its calls report
 * that.
 */
function warm(key: string): void {
  try {
    contextOf(key);
  } catch {}
}

function contextOf(key: string): vm.Context {
  let context = contexts.get(key);
  if (context === undefined) {
    const script = scripts.get(key);
    if (script === undefined) throw new Error(`no script ${key}`);
    const [oldest] = contexts.keys();
    if (contexts.size >= limits.contexts && oldest !== undefined) contexts.delete(oldest);
    context = openContext(script.file, script.code, 0);
  }
  contexts.delete(key);
  contexts.set(key, context);
  return context;
}

function run(key: string, input: string, ms: number): ProcessAnswer {
  try {
    const context = contextOf(key);
    context.__input = input;
    const text: unknown = call.runInContext(context, { timeout: ms });
    return typeof text === 'string' ? { text } : { failed: 'unreadable' };
  } catch (error) {
    // Thrown by Node's timeout, or by a value that cannot be read.
    return { failed: codeOf(error) === 'ERR_SCRIPT_EXECUTION_TIMEOUT' ? 'late' : 'unreadable' };
  }
}

function codeOf(error: unknown): unknown {
  try {
    return (error as { code?: unknown }).code;
  } catch {
    return null;
  }
}

/** Throws what the handler's top-level code throws, or NOT_A_FUNCTION. */
function openContext(file: string, code: string, columnOffset: number): vm.Context {
  const context = vm.createContext(Object.create(null), {
    name: file,
    codeGeneration: { strings: false, wasm: false },
    microtaskMode: 'afterEvaluate',
  });
  const options = { timeout: limits.loadMs, filename: file };
  vm.runInContext(prelude(), context, { filename: 'referee:prelude' });
  vm.runInContext(code, context, { ...options, columnOffset });
  if (vm.runInContext('typeof __handler', context, options) !== 'function') {
    throw Object.assign(new Error('not a function'), { code: 'NOT_A_FUNCTION' });
  }
  return context;
}

/**
 * Runs in the context before the handler's own code and saves the intrinsics it needs, so that a
 * handler that changes one only harms itself. Date only knows the time of the event, and random
 * numbers are refused, because a decision must give the same result when it is repeated. Everything
 * that creates promises is removed; see `refuseAsync`.
 */
function prelude(): string {
  return `(() => {
  'use strict';
  const { parse, stringify } = JSON;
  const { freeze, keys } = Object;
  const { isArray } = Array;
  const { apply, deleteProperty: remove } = Reflect;
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
  Math.random = () => { throw new Error('a handler is pure: the same call must get the same answer; use percent or pick for random choices'); };
  const MADE = freeze(new Error('made a promise; a handler is synchronous'));
  const refuse = () => { throw MADE; };
  globalThis.__promise = () => MADE;
  globalThis.Promise = class Promise {
    constructor() { refuse(); }
    static { for (const name of ['all', 'allSettled', 'any', 'race', 'reject', 'resolve', 'try', 'withResolvers']) this[name] = refuse; }
  };
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    if (/async/i.test(name)) { remove(globalThis, name); continue; }
    const made = globalThis[name];
    if (typeof made !== 'function' && (typeof made !== 'object' || made === null)) continue;
    for (const part of Object.getOwnPropertyNames(made)) if (/async/i.test(part)) remove(made, part);
  }
  for (const name of ['WebAssembly', 'SharedArrayBuffer', 'Atomics', 'WeakRef', 'FinalizationRegistry', 'console']) delete globalThis[name];
  globalThis.__call = () => {
    const { call, context } = parse(globalThis.__input);
    at = context.at;
    let answer;
    try {
      answer = apply(globalThis.__handler, undefined, [deepFreeze(call), deepFreeze(context)]);
      if (answer === undefined) return '';
      if (answer !== null && (typeof answer === 'object' || typeof answer === 'function') && typeof answer.then === 'function') return '!returned a promise; a handler is synchronous';
      if (!isArray(answer)) return '!returned ' + (answer === null ? 'null' : (typeof answer === 'object' ? 'an ' : 'a ') + typeof answer) + ' where a list of steps or undefined is expected';
      let values = 0;
      const json = stringify(answer, (key, value) => { values += 1; return value; });
      if (typeof json !== 'string') return '!answered with something that is not JSON';
      if (json.length > ${limits.answerLength}) return '!answered with more than ${limits.answerLength} characters';
      if (values > ${limits.answerValues}) return '!answered with more than ${limits.answerValues} values';
      return json;
    } catch (error) {
      if (error === MADE) return '!' + MADE.message;
      let why = 'something';
      try { why = text(error instanceof Error ? error.message : error).slice(0, 200); } catch {}
      return '!threw: ' + why;
    }
  };
})()`;
}
