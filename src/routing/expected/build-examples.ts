/** Builds the examples of all files and checks the names they use. */
import { notAMoment, readMoment } from '../../core/iso-time.ts';
import type { RouteSet } from '../../core/rules/rule.ts';
import type { SetContext } from '../building/context.ts';
import { knowsAllRules } from '../building/uncertain.ts';
import type { Positions } from '../decode/positions.ts';
import type { DecodedSet } from '../decoded-set.ts';
import { checkDialled, quoted } from '../numbers/number.ts';
import { didYouMean, type Place } from '../problem.ts';
import type { WrittenExample } from '../schema/example.ts';
import { buildExample, type Example } from './example.ts';

/** Yields regularly, see slices.ts. */
export function* buildExamples(
  context: SetContext,
  input: DecodedSet,
  set: RouteSet,
): Generator<void, Example[]> {
  const examples: Example[] = [];
  const names = new Map<string, Place>();
  const rules = knowsAllRules(input) ? new Set(set.rules.map(({ name }) => name)) : null;
  for (const { routes, positions } of input.files) {
    for (const written of routes.examples ?? []) {
      yield;
      const at = positions.at(written, 'name');
      const before = names.get(written.name);
      if (before !== undefined) {
        context.problems.problem(
          at,
          `an example ${quoted(written.name)} is already defined in ${before.file}:${before.line}`,
          'each name may be defined only once in the set',
        );
      }
      names.set(written.name, before ?? at);
      checkExampleNames(context, written, positions, { rules, switches: set.switches });
      examples.push(buildExample(written, positions));
    }
  }
  return examples;
}

/** Without this, a misspelt target in an example would look like a broken route. */
function checkExampleNames(
  context: SetContext,
  written: WrittenExample,
  positions: Positions,
  /** `rules`: null if some may have names that could not be read. */
  set: { rules: ReadonlySet<string> | null; switches: RouteSet['switches'] },
): void {
  const { problems, uncertain } = context;
  const known = context.names.target;
  const check = (name: string, at: Place): void => {
    // Not `useName`, because an example alone does not count as use of a target.
    if (known.has(name) || uncertain.has('target') || /^(\+|sips?:)/i.test(name)) return;
    problems.problem(at, `unknown target ${quoted(name)}`, () =>
      known.size === 0 ? 'write it under targets:' : didYouMean(name, known.keys()),
    );
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

  for (const [name, fields] of Object.entries(written.lookups ?? {})) {
    checkLookup(context, name, positions.atKey(written.lookups ?? {}, name), fields, positions);
  }
  const { rule } = written.expect;
  const { rules } = set;
  if (typeof rule === 'string' && rule !== 'otherwise' && rules?.has(rule) === false) {
    problems.problem(positions.at(written.expect, 'rule'), `unknown rule ${quoted(rule)}`, () =>
      didYouMean(rule, rules),
    );
  }
  for (const name of Object.keys(written.switches ?? {})) {
    if (set.switches.has(name) || uncertain.has('switch')) continue;
    problems.problem(
      positions.atKey(written.switches ?? {}, name),
      `unknown switch ${quoted(name)}`,
      didYouMean(name, set.switches.keys()),
    );
  }
  checkNumbers(context, written.call, positions);
  const at = written.call.at;
  if (at !== undefined && readMoment(at) === null) {
    const { problem, hint } = notAMoment(at);
    problems.problem(positions.at(written.call, 'at'), problem, hint);
  }
}

/**
 * Telnyx sends no number like these, so the example would test a call that nobody makes. Any other
 * text may be a caller or a callee, such as `anonymous`.
 */
function checkNumbers(
  { problems, country }: SetContext,
  call: WrittenExample['call'],
  positions: Positions,
): void {
  for (const key of ['from', 'to'] as const) {
    const check = checkDialled(call[key] ?? '', country);
    if (check !== null) problems.problem(positions.at(call, key), check.problem, check.hint);
  }
}

/** Not `useLookup`, because an example alone does not count as use. */
function checkLookup(
  { names, kept, problems, uncertain }: SetContext,
  name: string,
  at: Place,
  fields: Record<string, string>,
  positions: Positions,
): void {
  if (!names.lookup.has(name) && uncertain.has('lookup')) return;
  if (!names.lookup.has(name)) {
    problems.problem(at, `unknown lookup ${quoted(name)}`, didYouMean(name, names.lookup.keys()));
    return;
  }
  const known = kept.get(name);
  if (known === undefined || known.size === 0) return;
  for (const field of Object.keys(fields).filter((each) => !known.has(each))) {
    const problem = `the lookup ${quoted(name)} keeps no ${quoted(field)}`;
    problems.problem(positions.atKey(fields, field), problem, didYouMean(field, known));
  }
}
