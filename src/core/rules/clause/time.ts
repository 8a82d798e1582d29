/** Clauses whose answer changes with the time or with an operator's override. */
import type { Check, Surroundings } from '../match.ts';
import type { Clause } from '../rule.ts';
import { closedBecause, isOpen } from '../schedules/schedule.ts';
import { wallText } from '../schedules/wall.ts';
import type { Subject } from '../subject.ts';
import { isOn, switchWords } from '../switch.ts';
import { lasting, someOf } from './lasting.ts';

export function scheduleClause(names: readonly string[], around: Surroundings): Check {
  const schedules = names.map((name) => named(around, 'schedules', name));
  const words = (subject: Subject, open: boolean) =>
    schedules
      .filter((schedule) => subject.isOpen(schedule) === open)
      .map((schedule) => isOpen(schedule, subject.moment.at, subject.overrides).why)
      .join(', ');
  return lasting({
    holds: (subject) => schedules.some((schedule) => subject.isOpen(schedule)),
    failed: (subject) => `schedule: ${words(subject, false)}`,
    held: (subject) => `schedule: ${words(subject, true)}`,
  });
}

export function closedBecauseClause(
  { schedule: name, values }: Extract<Clause, { key: 'closed_because' }>,
  around: Surroundings,
): Check {
  const schedule = named(around, 'schedules', name);
  const reasons = ({ moment, overrides }: Subject) => closedBecause(schedule, moment.at, overrides);
  const find = (subject: Subject) => reasons(subject).find((reason) => values.includes(reason));
  const words = ({ moment, overrides }: Subject) => isOpen(schedule, moment.at, overrides).why;
  return lasting({
    holds: (subject) => find(subject) !== undefined,
    failed: (subject) => `closed_because: ${words(subject)}, not because of ${someOf(values)}`,
    held: (subject) => {
      const [why, reason] = [words(subject), find(subject)];
      // What closes it often says the reason itself.
      return `closed_because: ${why}${why.endsWith(`(${reason})`) ? '' : `, because of ${reason}`}`;
    },
  });
}

export function switchClause(names: readonly string[], around: Surroundings): Check {
  const switches = names.map((name) => named(around, 'switches', name));
  const words = ({ moment, overrides }: Subject, on: boolean) =>
    switches
      .filter((one) => isOn(one, moment.at, overrides) === on)
      .map((one) => switchWords(one, moment.at, overrides))
      .join(', ');
  return lasting({
    holds: ({ moment, overrides }) => switches.some((one) => isOn(one, moment.at, overrides)),
    failed: (subject) => `switch: ${words(subject, false)}`,
    held: (subject) => `switch: ${words(subject, true)}`,
  });
}

/** The loader has checked that it exists. */
function named<Kind extends 'schedules' | 'switches'>(
  around: Surroundings,
  kind: Kind,
  name: string,
): NonNullable<ReturnType<Surroundings[Kind]['get']>> {
  const found = around[kind].get(name);
  if (found === undefined) throw new Error(`rule ${around.rule}: none of its ${kind} is ${name}`);
  return found as NonNullable<ReturnType<Surroundings[Kind]['get']>>;
}

export function datesClause({ fromMs, untilMs, zone }: Extract<Clause, { key: 'dates' }>): Check {
  const isEarly = ({ moment }: Subject) => fromMs !== null && moment.at < fromMs;
  const isLate = ({ moment }: Subject) => untilMs !== null && moment.at >= untilMs;
  const text = (ms: number | null) => (ms === null ? '' : wallText(zone, ms));
  const check = lasting({
    holds: (subject) => !isEarly(subject) && !isLate(subject),
    failed: (subject) =>
      isEarly(subject)
        ? `the rule begins on ${text(fromMs)}`
        : `the rule expired on ${text(untilMs)}`,
    held: () =>
      untilMs === null ? `in force since ${text(fromMs)}` : `in force until ${text(untilMs)}`,
  });
  return { ...check, someCall: (subject) => (isLate(subject) ? -1 : 0) };
}
