/** Decoded route files -> one set: names first, then what they hold, then what refers to them. */
import { isMap, isScalar, type ParsedNode } from 'yaml';
import type { NumberList, RouteSet, RouteStep, Rule, Schedule, Target } from '../core/rule.ts';
import { checkSchedules, checkUnused } from './checks.ts';
import { buildCondition } from './conditions.ts';
import { type NameKind, newContext, type SetContext } from './context.ts';
import type { Positions } from './decode.ts';
import { buildExample, type Example } from './example.ts';
import { type Folder, isInside } from './folder.ts';
import { compileHandler } from './handlers.ts';
import { icalSpans, icalWindow } from './ical.ts';
import { LIMITS } from './limits.ts';
import { fileList, inlineList } from './lists.ts';
import { quoted } from './number.ts';
import { buildPolicy, DEFAULT_POLICY } from './policy.ts';
import { didYouMean, type Place, type Problems } from './problem.ts';
import { buildSchedule } from './schedules.ts';
import type {
  RouteFile,
  WrittenExample,
  WrittenList,
  WrittenRule,
  WrittenSchedule,
} from './schema.ts';
import { buildSteps } from './steps.ts';
import { checkSwallowed } from './swallowed.ts';
import { buildTarget, type Environment } from './targets.ts';

export interface DecodedFile {
  file: string;
  routes: RouteFile;
  positions: Positions;
  root: ParsedNode | null;
}

interface Input {
  files: DecodedFile[];
  folder: Folder;
  hash: string;
  /** Route files that could not be read at all: what they hold is not missing, only unknown. */
  unread: number;
}

interface Options {
  env: Environment;
  handlers: boolean;
  nowMs: number;
}

export function buildSet(
  input: Input,
  options: Options,
  problems: Problems,
): { set: RouteSet; examples: Example[] } {
  const context = newContext(problems);
  collectNames(context, input.files);
  const policy = buildOnce(input.files, 'policy', problems, (written, file) =>
    buildPolicy(context, written, file.positions),
  );

  const set: RouteSet = {
    hash: input.hash,
    files: input.folder.routeFiles,
    targets: buildTargets(context, input.files, options.env),
    lists: buildLists(context, input),
    schedules: buildSchedules(context, input, options.nowMs),
    policy: policy ?? DEFAULT_POLICY,
    rules: buildRules(context, input, options),
    otherwise:
      buildOnce(input.files, 'otherwise', problems, stepsOf(context, 'top')) ??
      missingOtherwise(input, problems),
    lastResort:
      buildOnce(input.files, 'last_resort', problems, stepsOf(context, 'last_resort')) ??
      DEFAULT_LAST_RESORT,
  };
  const examples = buildExamples(context, input.files, set);
  checkUnused(context, input.folder, input.unread > 0 || problems.problems.length > 0);
  checkSchedules(context, set, options.nowMs);
  checkSwallowed(context, set);
  return { set, examples };
}

export const DEFAULT_LAST_RESORT: RouteStep[] = [
  { do: 'say', text: 'We cannot connect you. Please try later.', voice: null, language: null },
  { do: 'hangup' },
];

function stepsOf(context: SetContext, kind: 'top' | 'last_resort') {
  return (written: NonNullable<RouteFile['otherwise']>, file: DecodedFile): RouteStep[] =>
    buildSteps({ context, positions: file.positions, trusted: true }, written, kind);
}

const SECTIONS: [NameKind, 'targets' | 'lists' | 'schedules'][] = [
  ['target', 'targets'],
  ['list', 'lists'],
  ['schedule', 'schedules'],
];

/** From the nodes themselves: a target with a problem in it is still no unknown target. */
function collectNames(context: SetContext, files: DecodedFile[]): void {
  for (const { root, file, positions, routes } of files) {
    if (!isMap(root)) continue;
    for (const [kind, section] of SECTIONS) {
      const node = root.get(section);
      if (!isMap(node)) continue;
      for (const pair of node.items) {
        if (!isScalar(pair.key) || typeof pair.key.value !== 'string') continue;
        const name = pair.key.value;
        const written = routes[section];
        const place =
          written === undefined ? { file, line: 1, column: 1 } : positions.atKey(written, name);
        const before = context.names[kind].get(name);
        if (before !== undefined && before.file !== file) {
          context.problems.problem(
            place,
            `the ${kind} ${quoted(name)} stands in ${before.file}:${before.line} already`,
            'each name stands once in the set',
          );
        } else context.names[kind].set(name, place);
      }
    }
  }
}

/** What the whole set has once: a second one is a problem, in whichever file. */
function buildOnce<K extends 'policy' | 'otherwise' | 'last_resort', T>(
  files: DecodedFile[],
  key: K,
  problems: Problems,
  build: (written: NonNullable<RouteFile[K]>, file: DecodedFile) => T,
): T | null {
  let built: T | null = null;
  let first: Place | null = null;
  for (const file of files) {
    const written = file.routes[key];
    if (!isMap(file.root) || !file.root.has(key)) continue;
    const place = file.positions.atKey(file.routes, key);
    if (first !== null) {
      problems.problem(
        place,
        `${key} stands in ${first.file}:${first.line} already`,
        'it stands once in the set',
      );
    }
    first ??= place;
    if (written === undefined || written === null) continue;
    const value = build(written, file);
    built ??= value;
  }
  return built;
}

function missingOtherwise(input: Input, problems: Problems): RouteStep[] {
  const written = input.files.some(({ root }) => isMap(root) && root.has('otherwise'));
  const [file] = input.folder.routeFiles;
  if (!written && input.unread === 0 && file !== undefined) {
    problems.problem(
      { file, line: 1, column: 1 },
      'no otherwise: what happens to a call that no rule matches?',
      'write for example otherwise: [ { reject: declined } ]',
    );
  }
  return [{ do: 'reject', cause: 'declined' }];
}

function buildTargets(
  context: SetContext,
  files: DecodedFile[],
  env: Environment,
): Map<string, Target> {
  const targets = new Map<string, Target>();
  for (const { routes, positions } of files) {
    for (const [name, written] of Object.entries(routes.targets ?? {})) {
      targets.set(name, buildTarget(context, name, written, positions, env));
    }
  }
  return targets;
}

function buildLists(context: SetContext, input: Input): Map<string, NumberList> {
  const lists = new Map<string, NumberList>();
  for (const { routes, positions } of input.files) {
    for (const [name, written] of Object.entries(routes.lists ?? {})) {
      const list = buildList(context, name, written, positions, input.folder);
      if (list === null) continue;
      lists.set(name, list);
      if (list.exact.length + list.prefixes.length + list.globs.length === 0) {
        const place = positions.atKey(routes.lists ?? {}, name);
        context.problems.warning(
          place,
          `the list ${name} is empty: no number is on it`,
          'rules that ask for it never match',
        );
      }
    }
  }
  return lists;
}

function buildList(
  context: SetContext,
  name: string,
  written: WrittenList,
  positions: Positions,
  folder: Folder,
): NumberList | null {
  if (Array.isArray(written)) {
    return inlineList(name, written, (index) => positions.at(written, index), context.problems);
  }
  const bytes = referenced(context, folder, written.file, positions.at(written, 'file'));
  return bytes === null ? null : fileList(name, written.file, bytes, context.problems);
}

function referenced(
  context: SetContext,
  folder: Folder,
  name: string,
  at: Place,
): Uint8Array | null {
  const bytes = folder.contents.get(name);
  if (bytes !== undefined) return bytes;
  const files = [...folder.contents.keys()].filter((known) => !known.endsWith('.yaml'));
  const hint = isInside(name)
    ? didYouMean(name, files)
    : 'a path inside the routes folder, such as lists/blocked.txt';
  context.problems.problem(at, `there is no file ${quoted(name)}`, hint);
  return null;
}

function buildSchedules(context: SetContext, input: Input, nowMs: number): Map<string, Schedule> {
  const schedules = new Map<string, Schedule>();
  for (const { routes, positions } of input.files) {
    for (const [name, written] of Object.entries(routes.schedules ?? {})) {
      const schedule = buildSchedule(name, written, positions, context.problems);
      for (const [calendar, at] of calendars(written, positions)) {
        const bytes = referenced(context, input.folder, calendar, at);
        if (bytes === null) continue;
        // Not push(...): tens of thousands of arguments overflow the stack.
        for (const span of icalSpans(
          calendar,
          bytes,
          schedule.zone,
          icalWindow(nowMs),
          context.problems,
        )) {
          schedule.closedSpans.push(span);
        }
      }
      schedules.set(name, schedule);
    }
  }
  return schedules;
}

function calendars(written: WrittenSchedule, positions: Positions): [string, Place][] {
  const files = written.closed_ical;
  if (files === undefined) return [];
  if (typeof files === 'string') return [[files, positions.at(written, 'closed_ical')]];
  return files.map((file, index) => [file, positions.at(files, index)]);
}

function buildRules(context: SetContext, input: Input, options: Options): Rule[] {
  const rules: Rule[] = [];
  const names = new Map<string, Place>();
  for (const file of input.files) {
    for (const written of file.routes.rules ?? []) {
      const place = file.positions.at(written);
      if (rules.length >= LIMITS.rules) {
        context.problems.problem(
          place,
          `more than ${LIMITS.rules} rules`,
          'put numbers into lists',
        );
        return rules;
      }
      checkRuleName(context, written, file, names);
      const action = buildAction(context, written, file, input.folder, options);
      const when = buildCondition(context, written.when, file.positions);
      const rule = { name: written.name, when, action, file: file.file, line: place.line };
      context.rulePlaces.set(rule, place);
      rules.push(rule);
    }
  }
  return rules;
}

function checkRuleName(
  context: SetContext,
  written: WrittenRule,
  file: DecodedFile,
  names: Map<string, Place>,
): void {
  const at = file.positions.at(written, 'name');
  const before = names.get(written.name);
  if (before !== undefined) {
    context.problems.problem(
      at,
      `a rule ${quoted(written.name)} stands in ${before.file}:${before.line} already`,
      'each name stands once in the set',
    );
  } else if (written.name === 'otherwise') {
    context.problems.problem(
      at,
      'a rule cannot be named otherwise',
      'that is what runs when no rule matched',
    );
  }
  names.set(written.name, before ?? at);
}

function buildAction(
  context: SetContext,
  written: WrittenRule,
  file: DecodedFile,
  folder: Folder,
  options: Options,
): Rule['action'] {
  const { problems } = context;
  const none: Rule['action'] = { steps: [] };
  if (written.handler !== undefined && written.do !== undefined) {
    problems.problem(
      file.positions.atKey(written, 'handler'),
      'a rule has either do or handler, not both',
      'make two rules of it',
    );
    return none;
  }
  if (written.do !== undefined) {
    return {
      steps: buildSteps({ context, positions: file.positions, trusted: true }, written.do, 'top'),
    };
  }
  const at = file.positions.at(written);
  if (written.handler === undefined) {
    if (!problems.within(at.file, at.line, file.positions.endLine(written))) {
      problems.problem(
        at,
        `the rule ${quoted(written.name)} has neither do nor handler`,
        'write for example do: [ { reject: declined } ]',
      );
    }
    return none;
  }
  const handlerAt = file.positions.at(written, 'handler');
  if (!options.handlers) {
    problems.problem(
      handlerAt,
      'handlers are switched off (ROUTES_HANDLERS=false)',
      'switch them on, or write the rule with do',
    );
    return none;
  }
  const bytes = referenced(context, folder, written.handler, handlerAt);
  const run = bytes === null ? null : compileHandler(written.handler, bytes, context);
  return run === null ? none : { handler: written.handler, run };
}

function buildExamples(context: SetContext, files: DecodedFile[], set: RouteSet): Example[] {
  const examples: Example[] = [];
  const names = new Map<string, Place>();
  for (const { routes, positions } of files) {
    for (const written of routes.examples ?? []) {
      const at = positions.at(written, 'name');
      const before = names.get(written.name);
      if (before !== undefined) {
        context.problems.problem(
          at,
          `an example ${quoted(written.name)} stands in ${before.file}:${before.line} already`,
          'each name stands once in the set',
        );
      }
      names.set(written.name, before ?? at);
      checkExampleNames(context, written, positions, set);
      examples.push(buildExample(written, positions));
    }
  }
  return examples;
}

/** A misspelt target in an example would otherwise look like a broken route. */
function checkExampleNames(
  context: SetContext,
  written: WrittenExample,
  positions: Positions,
  set: RouteSet,
): void {
  const { problems } = context;
  const known = context.names.target;
  const check = (name: string, at: Place): void => {
    // Not `useName`: an example alone does not make a target used.
    if (known.has(name) || /^(\+|sips?:)/i.test(name)) return;
    problems.problem(at, `unknown target ${quoted(name)}`, didYouMean(name, known.keys()));
  };
  const verdicts = written.verdicts ?? {};
  for (const name of Object.keys(verdicts)) {
    if (name !== 'digits' && name !== 'hangup_after') check(name, positions.atKey(verdicts, name));
  }
  const hangup = verdicts.hangup_after;
  if (typeof hangup === 'string') check(hangup, positions.at(verdicts, 'hangup_after'));
  if (written.hangup_after !== undefined)
    check(written.hangup_after, positions.at(written, 'hangup_after'));
  const attempts = written.expect.attempts;
  for (const [index, name] of (attempts ?? []).entries())
    check(name, positions.at(attempts ?? [], index));

  const { rule } = written.expect;
  const rules = set.rules.map((r) => r.name);
  if (typeof rule === 'string' && rule !== 'otherwise' && !rules.includes(rule)) {
    problems.problem(
      positions.at(written.expect, 'rule'),
      `unknown rule ${quoted(rule)}`,
      didYouMean(rule, rules),
    );
  }
  const at = written.call.at;
  if (at !== undefined && Number.isNaN(Date.parse(at))) {
    problems.problem(
      positions.at(written.call, 'at'),
      `${quoted(at)} is not in the calendar`,
      'for example "2026-03-02T15:00:00Z"',
    );
  }
}
