/** Every override is listed as a problem while it lasts, so that nobody forgets it. */
import { iso } from '../../core/iso-time.ts';
import { type ForcedThing, forcedThings, type Overrides } from '../../core/rules/override.ts';
import type { RouteSet } from '../../core/rules/rule.ts';
import type { Trouble } from '../../log/troubles.ts';
import { forcedJson } from './forced.ts';

export type ForcedTrouble = Trouble & {
  replica: null;
  forced: ReturnType<typeof forcedJson> & Pick<ForcedThing, 'name' | 'state'>;
};

export function forcedProblems(
  set: Pick<RouteSet, 'schedules' | 'switches' | 'targets'>,
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
  const forced = FORCED_WORDS[kind](state);
  return known ? forced : `${forced}, but the live routes do not have it`;
}

const FORCED_WORDS = {
  schedule: (state: string) => `forced ${state}`,
  switch: (state: string) => `turned ${state} by hand`,
  target: (state: string) => (state === 'resting' ? 'put to rest by hand' : 'kept awake by hand'),
};

function detailOf({ untilMs, by, reason }: ForcedThing): string {
  const until = untilMs === null ? 'Until somebody ends it' : `Until ${iso(untilMs)}`;
  const who = by ? `, by ${by}` : '';
  return `${until}${who}. ${reason ? `Reason: ${reason}` : 'No reason was given.'}`;
}

function fixOf({ kind, name, known }: ForcedThing): string {
  if (!known) return `It changes nothing now, but would if ${name} came back: end it.`;
  return FIX[kind](name);
}

const FIX = {
  schedule: () =>
    'Nothing, if it is still wanted. Otherwise end the override on the page, under Routes.',
  switch: (name: string) =>
    `Nothing, if it is still wanted. Otherwise run npx referee switch ${name} default, or use the page.`,
  target: (name: string) =>
    `Nothing, if it is still wanted. Otherwise run npx referee targets ${name} auto, or use the page.`,
};
