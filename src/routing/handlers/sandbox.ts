/** The context a handler lives in: the language and nothing of Node, without promises, clock or chance. */
import vm from 'node:vm';
import { LIMITS } from '../limits.ts';
import type { Problems } from '../problem.ts';
import { messageOf, placeOfError } from './error.ts';
import { STRICT } from './script.ts';

/** Null after problems. */
export function openSandbox(file: string, code: string, problems: Problems): vm.Context | null {
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
      placeOfError(file, error, STRICT),
      `the handler does not load: ${messageOf(error)}`,
      'at its top a handler only declares',
    );
  }
  return null;
}

/**
 * Runs in the context before the handler's own code and keeps what it needs of the language, so that a
 * handler that changes an intrinsic only hurts itself. Answers: "" for undefined, "!…" for a fault,
 * else the steps as JSON. Date knows only the moment of the event and chance is refused: a rerun of a
 * decision must agree. Nothing of the language that makes promises is left; see `refuseAsync`.
 */
const PRELUDE = `(() => {
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
  Math.random = () => { throw new Error('a handler is pure: the same call must get the same answer, use percent or pick for chance'); };
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
      if (!isArray(answer)) return '!returned ' + (answer === null ? 'null' : 'a ' + typeof answer) + ' where a list of steps or undefined is due';
      const json = stringify(answer);
      if (typeof json !== 'string') return '!answered with something that is not JSON';
      if (json.length > ${LIMITS.handlerAnswerLength}) return '!answered with more than ${LIMITS.handlerAnswerLength} characters';
      return json;
    } catch (error) {
      if (error === MADE) return '!' + MADE.message;
      let why = 'something';
      try { why = text(error instanceof Error ? error.message : error).slice(0, 200); } catch {}
      return '!threw: ' + why;
    }
  };
})()`;
