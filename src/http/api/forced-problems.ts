/** What is forced by hand is a problem while it lasts, so that nobody forgets it. */
import { type ForcedThing, forcedThings, type Overrides } from '../../core/rules/override.ts';
import type { RouteSet } from '../../core/rules/rule.ts';
import type { Trouble } from '../../log/troubles.ts';
import { iso } from './calls-json.ts';
import { forcedJson } from './forced.ts';

export type ForcedTrouble = Trouble & {
  replica: null;
  forced: ReturnType<typeof forcedJson> & Pick<ForcedThing, 'name' | 'state'>;
};

export function forcedProblems(
  set: Pick<RouteSet, 'schedules' | 'switches'>,
  overrides: Overrides,
  now: number,
): ForcedTrouble[] {
  return forcedThings(set, overrides, now).map((thing) => ({
    kind: `${thing.kind}.forced`,
    severity: 'warning',
    title: `The ${thing.kind} ${thing.name} is ${doneTo(thing)}`,
    detail: detailOf(thing),
    fix: fixOf(thing),
    count: 1,
    firstAt: thing.sinceMs ?? null,
    lastAt: null,
    target: null,
    replica: null,
    forced: { name: thing.name, state: thing.state, ...forcedJson(thing) },
  }));
}

function doneTo({ kind, state, known }: ForcedThing): string {
  const forced = kind === 'schedule' ? `forced ${state}` : `turned ${state} by hand`;
  return known ? forced : `${forced}, but the live routes do not have it`;
}

function detailOf({ untilMs, by, reason }: ForcedThing): string {
  const until = untilMs === null ? 'Until somebody ends it' : `Until ${iso(untilMs)}`;
  const who = by ? `, by ${by}` : '';
  return `${until}${who}. ${reason ? `Reason: ${reason}` : 'No reason was given.'}`;
}

function fixOf({ kind, name, known }: ForcedThing): string {
  if (!known) return `It changes nothing now, but would if ${name} came back: end it.`;
  return kind === 'schedule'
    ? 'Nothing, if it is still wanted. Otherwise end the override on the page, under Routes.'
    : `Nothing, if it is still wanted. Otherwise run npx referee switch ${name} default, or use the page.`;
}
