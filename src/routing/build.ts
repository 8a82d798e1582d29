/** Builds one set from decoded route files: first names, then definitions, then references. */
import type { RouteSet, RouteStep, Schedule, Target } from '../core/rules/rule.ts';
import { type NameKind, newContext, SECTIONS, type SetContext } from './building/context.ts';
import { buildLists, buildSchedules, buildSwitches } from './building/data.ts';
import { buildLabels } from './building/labels.ts';
import { type DateZone, dateZone } from './building/rule-dates.ts';
import { markUncertain } from './building/uncertain.ts';
import { checkLoops } from './checks/loops.ts';
import { checkUnasked } from './checks/unasked-lookups.ts';
import { checkPatience, checkSchedules, checkUnused } from './checks/unused.ts';
import type { BuildOptions, DecodedFile, DecodedSet } from './decoded-set.ts';
import { buildExamples } from './expected/build-examples.ts';
import { buildGuarantees, type LocatedGuarantee } from './expected/build-guarantees.ts';
import type { Example } from './expected/example.ts';
import { quoted } from './numbers/number.ts';
import type { Place, Problems } from './problem.ts';
import { buildPolicy, DEFAULT_POLICY, policyCountry, policyZone } from './rules/policy.ts';
import { buildRules } from './rules/rules.ts';
import type { RouteFile } from './schema/schema.ts';
import { checkShadowed } from './shadowing/shadowed.ts';
import { buildPrompts, checkLanguages, checkLastResort } from './steps/prompts.ts';
import { buildSteps } from './steps/steps.ts';
import { buildTables } from './tables/build-tables.ts';
import { checkRows } from './tables/check-rows.ts';
import { checkRowValues } from './tables/row-values.ts';
import { buildLookups } from './targets/lookups.ts';
import { buildTarget, type Environment } from './targets/targets.ts';
import { checkWays } from './targets/via.ts';

/** Yields regularly, see slices.ts: tables and lists may have a million entries. */
export function* buildSet(
  input: DecodedSet,
  options: BuildOptions,
  problems: Problems,
): Generator<void, { set: RouteSet; examples: Example[]; guarantees: LocatedGuarantee[] }> {
  const context = newContext(problems);
  collectNames(context, input.files);
  markUncertain(context, input);
  context.country = policyCountry(input.files);
  yield* buildTables(context, input);
  const lookups = buildLookups(context, input.files, options.env);
  buildPrompts(context, input.files);
  const policy = buildOnce(input.files, 'policy', problems, (written, file) =>
    buildPolicy(context, written, file.positions),
  );
  const schedules = yield* buildSchedules(context, input, options.nowMs);
  context.dateZone = zoneOfDates(context, input.files, schedules);

  yield* addFlows(context, input.files);

  const set: RouteSet = {
    hash: input.hash,
    files: input.folder.routeFiles,
    targets: yield* buildTargets(context, input.files, options.env),
    lists: yield* buildLists(context, input),
    schedules,
    switches: buildSwitches(input),
    tables: context.tables,
    lookups,
    prompts: context.prompts,
    numbers: yield* buildLabels(context, input.files),
    policy: policy ?? DEFAULT_POLICY,
    rules: yield* buildRules(context, input, options),
    otherwise:
      buildOnce(input.files, 'otherwise', problems, stepsOf(context, 'top')) ??
      missingOtherwise(input, problems),
    lastResort:
      buildOnce(input.files, 'last_resort', problems, stepsOf(context, 'last_resort')) ??
      DEFAULT_LAST_RESORT,
  };
  const examples = yield* buildExamples(context, input, set);
  const guarantees = buildGuarantees(context, input, set);
  yield* checkRows(context, set);
  yield* checkRowValues(context);
  yield;
  // With a problem a use may have been missed.
  if (input.unread === 0 && problems.problems.length === 0) checkUnused(context, input.folder);
  yield;
  if (!context.uncertain.has('patience')) checkPatience(context, set);
  yield* checkSchedules(context, set, options.nowMs);
  if (context.uncertain.size === 0) yield* checkShadowed(context, set);
  yield* checkLoops(context, set);
  yield;
  if (!context.uncertain.has('via')) checkWays(context, set);
  yield;
  if (!context.uncertain.has('language')) {
    checkLanguages(context, set);
    if (set.lastResort === DEFAULT_LAST_RESORT) checkLastResort(context, set);
  }
  yield* checkUnasked(context, input.files, set);
  return { set, examples, guarantees };
}

/**
 * Flows are built when they are first run, which may be in another file. Those that are never run
 * are built too.
 */
function* addFlows(context: SetContext, files: DecodedFile[]): Generator<void, void> {
  for (const { routes, positions } of files) {
    for (const [name, written] of Object.entries(routes.flows ?? {})) {
      const builder = { context, positions, trusted: true };
      context.flows.add(name, () => buildSteps(builder, written, 'flow'));
    }
  }
  yield* context.flows.buildAll();
}

const DEFAULT_LAST_RESORT: RouteStep[] = [
  {
    do: 'say',
    text: [{ literal: 'We cannot connect you. Please try later.' }],
    voice: null,
    language: null,
  },
  { do: 'hangup' },
];

function stepsOf(context: SetContext, kind: 'top' | 'last_resort') {
  return (written: NonNullable<RouteFile['otherwise']>, file: DecodedFile): RouteStep[] =>
    buildSteps({ context, positions: file.positions, trusted: true }, written, kind);
}

/** Schedules with problems, perhaps with their zone, do not count. */
function zoneOfDates(
  { broken, uncertain }: SetContext,
  files: DecodedFile[],
  schedules: ReadonlyMap<string, Schedule>,
): DateZone {
  const whole = [...schedules.values()].filter(({ name }) => !broken.has(name));
  const { zone, sure } = dateZone(policyZone(files), whole);
  return { zone, sure: sure || uncertain.has('zone') };
}

type Section = (typeof SECTIONS)[NameKind];

/** A definition with a problem counts too, so that its name is not said to be unknown. */
function collectNames(context: SetContext, files: DecodedFile[]): void {
  for (const { file, positions, routes } of files) {
    for (const [kind, section] of Object.entries(SECTIONS) as [NameKind, Section][]) {
      const written = routes[section];
      for (const name of Object.keys(written ?? {})) {
        const place = positions.atKey(written ?? {}, name);
        const before = context.names[kind].get(name);
        if (before !== undefined && before.file !== file) {
          context.problems.problem(
            place,
            `the ${kind} ${quoted(name)} is already defined in ${before.file}:${before.line}`,
            'each name may be defined only once in the set',
          );
        } else context.names[kind].set(name, place);
      }
    }
  }
}

/** Builds a key that may be present only once in the whole set. */
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
    if (!file.positions.has(file.routes, key)) continue;
    const place = file.positions.atKey(file.routes, key);
    if (first !== null) {
      problems.problem(
        place,
        `${key} is already defined in ${first.file}:${first.line}`,
        'it may be defined only once in the set',
      );
    }
    first ??= place;
    if (written === undefined || written === null) continue;
    const value = build(written, file);
    built ??= value;
  }
  return built;
}

function missingOtherwise(input: DecodedSet, problems: Problems): RouteStep[] {
  const written = input.files.some(({ positions, routes }) => positions.has(routes, 'otherwise'));
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

function* buildTargets(
  context: SetContext,
  files: DecodedFile[],
  env: Environment,
): Generator<void, Map<string, Target>> {
  const targets = new Map<string, Target>();
  for (const { routes, positions } of files) {
    for (const [name, written] of Object.entries(routes.targets ?? {})) {
      yield;
      targets.set(name, buildTarget(context, name, written, positions, env));
    }
  }
  return targets;
}
