/** Every override is listed as a problem while it lasts, so that nobody forgets it. */
import { iso } from '../../../core/iso-time.ts';
import {
  type ListedOverride,
  listOverrides,
  type Overrides,
} from '../../../core/rules/override.ts';
import type { RouteSet } from '../../../core/rules/rule.ts';
import type { Trouble } from '../../../log/troubles.ts';
import { type OverrideJson, overrideJson } from '../overriding/overrides.ts';

export type OverrideTrouble = Trouble & {
  replica: null;
  forced: OverrideJson & Pick<ListedOverride, 'name' | 'state'>;
};

export function overrideProblems(
  set: Pick<RouteSet, 'schedules' | 'switches' | 'targets'>,
  overrides: Overrides,
  now: number,
): OverrideTrouble[] {
  return listOverrides(set, overrides, now).map((override) => ({
    kind: `${override.kind}.forced`,
    severity: 'warning',
    title: `The ${override.kind} ${override.name} is ${doneTo(override)}`,
    detail: detailOf(override),
    fix: fixOf(override),
    count: 1,
    firstAt: override.sinceMs ?? null,
    lastAt: null,
    target: null,
    replica: null,
    forced: { name: override.name, state: override.state, ...overrideJson(override) },
  }));
}

function doneTo({ kind, state, known }: ListedOverride): string {
  const words = STATE_WORDS[kind](state);
  return known ? words : `${words}, but the live routes do not have it`;
}

const STATE_WORDS = {
  schedule: (state: string) => `forced ${state}`,
  switch: (state: string) => `turned ${state} by hand`,
  target: (state: string) => (state === 'resting' ? 'put to rest by hand' : 'kept awake by hand'),
};

function detailOf({ untilMs, by, reason }: ListedOverride): string {
  const until = untilMs === null ? 'Until somebody ends it' : `Until ${iso(untilMs)}`;
  const who = by ? `, by ${by}` : '';
  return `${until}${who}. ${reason ? `Reason: ${reason}` : 'No reason was given.'}`;
}

function fixOf({ kind, name, known }: ListedOverride): string {
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
