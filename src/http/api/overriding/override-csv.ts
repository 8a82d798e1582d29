/** Targets, schedules and switches as CSV, each with its override. */
import type { Static } from 'typebox';
import { type Cell, type Column, csvText, members } from '../csv.ts';
import type { OverrideJson } from './overrides.ts';
import type { SCHEDULES, SWITCHES } from './overrides-schemas.ts';
import type { TARGETS } from './targets-schemas.ts';

/** Columns of an override. `state`: the name of its state, `on` or `open`. */
function overrideOf<State extends 'on' | 'open'>(
  state: State,
): Column<{ override: (OverrideJson & Record<State, boolean>) | null }>[] {
  const names = [state, 'until', 'reason', 'by', 'since'] as const;
  return names.map((name) => ({
    name: `override_${name}`,
    value: ({ override }) => (override === null ? null : (override[name] as Cell)),
  }));
}

type Targets = Pick<Static<typeof TARGETS>, 'targets'>;
type Target = Targets['targets'][number];

const TARGET: readonly Column<Target>[] = [
  ...members<Target>('name', 'sip', 'resting', 'why', 'since', 'next_try'),
  ...members<Target>('failures_in_row', 'failed', 'attempts', 'rest'),
  ...overrideOf('on'),
];

export function targetsCsv({ targets }: Targets): string {
  return csvText(TARGET, targets);
}

type Schedules = Pick<Static<typeof SCHEDULES>, 'schedules'>;
type Schedule = Schedules['schedules'][number];

const SCHEDULE: readonly Column<Schedule>[] = [
  ...members<Schedule>('name', 'zone', 'open', 'why'),
  { name: 'closed_because', value: (one) => one.closed_because.join(', ') || null },
  { name: 'next_change_at', value: ({ changes }) => changes[0]?.at ?? null },
  { name: 'next_change_open', value: ({ changes }) => changes[0]?.open ?? null },
  ...overrideOf('open'),
];

export function schedulesCsv({ schedules }: Schedules): string {
  return csvText(SCHEDULE, schedules);
}

type Switches = Static<typeof SWITCHES>;
type Switch = Switches['switches'][number];

const SWITCH: readonly Column<Switch>[] = [
  ...members<Switch>('name', 'on', 'default'),
  ...overrideOf('on'),
];

export function switchesCsv({ switches }: Switches): string {
  return csvText(SWITCH, switches);
}
