/** Builds the rules of all files in order: unique names, conditions, steps or a handler. */
import { hash } from 'node:crypto';
import { OTHERWISE } from '../../core/machine/plan.ts';
import type { Rule } from '../../core/rules/rule.ts';
import type { SetContext } from '../building/context.ts';
import { referenced } from '../building/data.ts';
import { datesOf } from '../building/rule-dates.ts';
import type { BuildOptions, DecodedFile, DecodedSet } from '../decoded-set.ts';
import type { Folder } from '../files/folder.ts';
import { LIMITS } from '../limits.ts';
import { quoted } from '../numbers/number.ts';
import type { Place } from '../problem.ts';
import type { WrittenRule } from '../schema/schema.ts';
import { checkLanguage } from '../steps/prompts.ts';
import { buildSteps } from '../steps/steps.ts';
import { buildCondition } from './conditions.ts';

/** Yields regularly, see slices.ts. */
export function* buildRules(
  context: SetContext,
  input: DecodedSet,
  options: BuildOptions,
): Generator<void, Rule[]> {
  const rules: Rule[] = [];
  const names = new Map<string, Place>();
  for (const file of input.files) {
    for (const written of file.routes.rules ?? []) {
      yield;
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
      const { when: asked, tables } = buildCondition(context, written, file.positions);
      const dates = datesOf(context, written, file.positions, options.nowMs);
      // Dates come last, because a decision looks at the numbers of a rule first.
      const when = dates === null ? asked : { all: [...asked.all, dates] };
      const { name, language } = written;
      if (language !== undefined) {
        checkLanguage(context, language, file.positions.at(written, 'language'));
      }
      const spoken = language === undefined ? {} : { language };
      const rule = { name, when, action, tables, ...spoken, file: file.file, line: place.line };
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
      `a rule ${quoted(written.name)} is already defined in ${before.file}:${before.line}`,
      'each name may be defined only once in the set',
    );
  } else if (written.name === OTHERWISE) {
    context.problems.problem(
      at,
      'a rule cannot be named otherwise',
      'otherwise is what runs if no rule matches',
    );
  }
  names.set(written.name, before ?? at);
}

function buildAction(
  context: SetContext,
  written: WrittenRule,
  file: DecodedFile,
  folder: Folder,
  options: BuildOptions,
): Rule['action'] {
  const { problems } = context;
  const none: Rule['action'] = { steps: [] };
  if (written.handler !== undefined && written.do !== undefined) {
    problems.problem(
      file.positions.atKey(written, 'handler'),
      'a rule has either do or handler, not both',
      'split it into two rules',
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
    const isThere = file.positions.has(written, 'do') || file.positions.has(written, 'handler');
    if (!isThere && !file.positions.hasUnknownKey(written)) {
      problems.problem(
        at,
        `the rule ${quoted(written.name)} has neither do nor handler`,
        'write for example do: [ { reject: declined } ]',
      );
    }
    return none;
  }
  const handlerAt = file.positions.at(written, 'handler');
  if (options.handlers === null) {
    problems.problem(
      handlerAt,
      'handlers are switched off (ROUTES_HANDLERS=false)',
      'switch them on, or write the rule with do',
    );
    return none;
  }
  const bytes = referenced(context, folder, written.handler, handlerAt);
  const run = bytes === null ? null : options.handlers.bind(written.handler, context);
  // Keep it as a handler, because a rule without code would seem to match every call.
  if (bytes === null || run === null) {
    return { handler: written.handler, run: () => ({ notMine: 'unread', warning: true }) };
  }
  return { handler: written.handler, run, key: hash('sha256', bytes) };
}
