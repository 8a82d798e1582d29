/** `from` and `until` of a rule that is only valid for a time. */
import { isDate, notAMoment, readMoment } from '../../core/iso-time.ts';
import type { Condition, Schedule } from '../../core/rules/rule.ts';
import { wallText } from '../../core/rules/schedules/wall.ts';
import { DAY_MS, reachedAt } from '../../core/rules/schedules/zone.ts';
import type { Positions } from '../decode/positions.ts';
import { quoted } from '../numbers/number.ts';
import type { Place } from '../problem.ts';
import type { WrittenRule } from '../schema/schema.ts';
import type { SetContext } from './context.ts';

/** The time zone of dates that do not name one. */
export interface DateZone {
  zone: string;
  /** False: the schedules have different zones, so another one may be meant. */
  sure: boolean;
}

/** The policy's zone, otherwise the one that all schedules share, otherwise UTC. */
export function dateZone(policyZone: string | undefined, schedules: Iterable<Schedule>): DateZone {
  if (policyZone !== undefined) return { zone: policyZone, sure: true };
  const zones = new Set([...schedules].map(({ zone }) => zone));
  const [only = 'UTC'] = zones;
  return zones.size > 1 ? { zone: 'UTC', sure: false } : { zone: only, sure: true };
}

/** Null: the rule is always in force. */
export function datesOf(
  context: SetContext,
  written: WrittenRule,
  positions: Positions,
  nowMs: number,
): Condition | null {
  if (written.from === undefined && written.until === undefined) return null;
  const { zone } = context.dateZone;
  const fromMs = readEnd(context, written, 'from', positions);
  const untilMs = readEnd(context, written, 'until', positions);
  const at = positions.at(written, 'until');
  if (fromMs !== null && untilMs !== null && fromMs >= untilMs) {
    context.problems.problem(
      at,
      `the rule ${quoted(written.name)} ends before it begins`,
      `from ${quoted(written.from ?? '')} to ${quoted(written.until ?? '')} the rule never applies`,
    );
  } else if (untilMs !== null && untilMs <= nowMs) {
    context.problems.warning(
      at,
      `the rule ${quoted(written.name)} expired on ${wallText(zone, untilMs)}`,
      'remove it, or give it another until',
    );
  }
  return { clause: { key: 'dates', fromMs, untilMs, zone } };
}

function readEnd(
  context: SetContext,
  written: WrittenRule,
  key: 'from' | 'until',
  positions: Positions,
): number | null {
  const text = written[key];
  if (text === undefined) return null;
  const at = positions.at(written, key);
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return readDay(context, text, key, at);
  const moment = readMoment(text);
  if (moment !== null) return moment;
  const { problem, hint } = notAMoment(text);
  context.problems.problem(at, problem, `${hint}; or a date such as 2026-12-31`);
  return null;
}

/** `until` with a date includes that whole day. */
function readDay(context: SetContext, date: string, key: 'from' | 'until', at: Place) {
  const { zone, sure } = context.dateZone;
  if (!isDate(date)) {
    context.problems.problem(at, `${quoted(date)} is not a date that exists`, 'yyyy-mm-dd');
    return null;
  }
  if (!sure) {
    context.problems.warning(
      at,
      `${quoted(date)} is read as a day in UTC, because the schedules have several zones`,
      'set zone in policy, or write date, time and zone',
    );
  }
  const wallMs = Date.parse(`${date}T00:00:00Z`);
  return reachedAt(zone, key === 'from' ? wallMs : wallMs + DAY_MS);
}
