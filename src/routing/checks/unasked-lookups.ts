/**
 * Warnings: `last_resort` and `while_moving` may be heard by the callers of every rule, but do not
 * make a lookup be asked. Where a rule does not ask it either, `{lookup:…}` in them has no value.
 */
import { mayMeet, namedIn } from '../../core/prove/lookups-before.ts';
import { lookupsIn } from '../../core/rules/lookup.ts';
import { everyStep, type RouteSet, type RouteStep, type Rule } from '../../core/rules/rule.ts';
import { textsOf } from '../../core/rules/texts/language.ts';
import type { SetContext } from '../building/context.ts';
import type { DecodedFile } from '../decoded-set.ts';
import { quoted } from '../numbers/number.ts';
import type { Place } from '../problem.ts';

/** Yields regularly, see slices.ts. */
export function* checkUnasked(
  context: SetContext,
  files: readonly DecodedFile[],
  set: RouteSet,
): Generator<void, void> {
  if (set.lookups.size === 0) return;
  for (const heard of heardByAll(files, set)) {
    for (const name of heard.lookups) {
      const who = yield* firstWithout(name, set, heard.follows);
      if (who === null) continue;
      context.problems.warning(
        heard.at,
        `${heard.key} says {lookup:${name}.…}, but ${who} never asks ${quoted(name)}: its callers hear the text without the value`,
        'a lookup is asked only if the when of a rule or its own steps name it: name it there',
      );
    }
  }
}

interface Heard {
  key: string;
  at: Place;
  lookups: ReadonlySet<string>;
  /** Whether callers whom these steps serve may hear it. */
  follows: (steps: readonly RouteStep[]) => boolean;
}

function heardByAll(files: readonly DecodedFile[], set: RouteSet): Heard[] {
  const { whileMoving } = set.policy;
  return files.flatMap(({ routes, positions }): Heard[] => {
    const heard: Heard[] = [];
    if (positions.has(routes, 'last_resort')) {
      heard.push({
        key: 'last_resort',
        at: positions.atKey(routes, 'last_resort'),
        lookups: lookupsIn(set.lastResort, set),
        follows: (steps) => moves(steps) || !isFinal(steps.at(-1)),
      });
    }
    if (routes.policy?.while_moving !== undefined && whileMoving !== null && 'say' in whileMoving) {
      const pieces = textsOf(whileMoving.say, set.prompts).flat();
      heard.push({
        key: 'while_moving',
        at: positions.atKey(routes.policy, 'while_moving'),
        lookups: new Set(
          pieces.flatMap((piece) =>
            'place' in piece && piece.place === 'lookup' ? [piece.lookup] : [],
          ),
        ),
        follows: moves,
      });
    }
    return heard;
  });
}

function moves(steps: readonly RouteStep[]): boolean {
  return everyStep(steps).some((step) => step.do === 'refer' || step.do === 'transfer');
}

function isFinal(step: RouteStep | undefined): boolean {
  return step?.do === 'hangup' || step?.do === 'reject' || step?.do === 'ignore';
}

/** The first rule in words; null if all may have asked it by then. A handler may do anything. */
function* firstWithout(
  lookup: string,
  set: RouteSet,
  follows: Heard['follows'],
): Generator<void, string | null> {
  const before: Rule[] = [];
  for (const rule of set.rules) {
    yield;
    const asks = namedIn(rule.when).has(lookup);
    if (asks) before.push(rule);
    if (asks || !('steps' in rule.action) || !follows(rule.action.steps)) continue;
    if (lookupsIn(rule.action.steps, set).has(lookup)) continue;
    // Its callers may have met a rule above that asks.
    if (!before.some(({ when }) => mayMeet(when, rule.when)))
      return `the rule ${quoted(rule.name)}`;
  }
  const { otherwise } = set;
  const known = before.length > 0 || lookupsIn(otherwise, set).has(lookup);
  return known || !follows(otherwise) ? null : 'otherwise';
}
