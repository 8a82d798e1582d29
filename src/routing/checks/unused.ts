/** Warnings: what is defined but never used, and schedules that never open. */
import { everyStep, type RouteSet, type Schedule } from '../../core/rules/rule.ts';
import { changes, isOpenAt } from '../../core/rules/schedules/schedule.ts';
import { dateOf, dayOf } from '../../core/rules/schedules/wall.ts';
import { DAY_MS, offsetMs } from '../../core/rules/schedules/zone.ts';
import { type NameKind, SECTIONS, type SetContext } from '../building/context.ts';
import type { Folder } from '../files/folder.ts';
import { icalWindow } from '../ical/calendar.ts';
import { quoted } from '../numbers/number.ts';
import type { Place } from '../problem.ts';

export function checkUnused(context: SetContext, folder: Folder): void {
  const handlers = [...folder.contents].filter(([name]) => name.startsWith('handlers/'));
  const code = handlers.map(([, bytes]) => new TextDecoder().decode(bytes)).join('\n');
  for (const kind of Object.keys(SECTIONS) as NameKind[]) {
    for (const [name, place] of context.names[kind]) {
      if (context.used[kind].has(name)) continue;
      // Handlers may name these in their code, which is not searched.
      const inCode = ['target', 'flow', 'prompt'].includes(kind);
      if (inCode && (code.includes(`'${name}'`) || code.includes(`"${name}"`))) continue;
      if (kind === 'lookup' && code.includes(`{lookup:${name}.`)) continue;
      context.problems.warning(
        place,
        `the ${kind} ${quoted(name)} is not used by any rule`,
        'remove it, or use it',
      );
    }
  }
}

/** A step that may take longer than all moving steps together is cut short by `patience`. */
export function checkPatience({ problems, stepPlaces }: SetContext, set: RouteSet): void {
  const { patienceMs } = set.policy;
  const seen = new Set<Place>();
  const rules = set.rules.flatMap(({ action }) => ('steps' in action ? action.steps : []));
  for (const step of everyStep([...rules, ...set.otherwise])) {
    if (step.do !== 'refer' && step.do !== 'transfer') continue;
    const place = stepPlaces.get(step);
    if ((step.timeoutMs ?? 0) <= patienceMs || place === undefined || seen.has(place)) continue;
    // The steps of a flow stand wherever it is run.
    seen.add(place);
    problems.warning(
      place,
      `the timeout of this ${step.do} (${(step.timeoutMs ?? 0) / 1000} s) is never reached: patience ends all moving steps after ${patienceMs / 1000} s`,
      'a shorter timeout, or a longer patience in policy',
    );
  }
}

/** Yields regularly, see slices.ts. */
export function* checkSchedules(
  context: SetContext,
  set: RouteSet,
  nowMs: number,
): Generator<void, void> {
  // Calendars are only expanded this far; beyond that any schedule would seem to open.
  const { toMs } = icalWindow(nowMs);
  for (const schedule of set.schedules.values()) {
    const place = context.names.schedule.get(schedule.name);
    if (place === undefined || context.broken.has(schedule.name)) continue;
    if (yield* opensUntil(schedule, nowMs, toMs)) continue;
    context.problems.warning(
      place,
      `the schedule ${quoted(schedule.name)} never opens: ${whyNeverOpen(schedule, nowMs)}`,
      'rules that use it never match',
    );
  }
}

/** Days looked at between two yields; takes a few milliseconds. */
const DAYS_A_TURN = 30;

function* opensUntil(schedule: Schedule, nowMs: number, toMs: number): Generator<void, boolean> {
  if (isOpenAt(schedule, nowMs, {})) return true;
  for (let fromMs = nowMs; fromMs < toMs; fromMs += DAYS_A_TURN * DAY_MS) {
    yield;
    const [change] = changes(schedule, fromMs, 1, {}, DAYS_A_TURN);
    if (change !== undefined) return change.atMs < toMs;
  }
  return false;
}

function whyNeverOpen({ zone, open, openSpans, special }: Schedule, nowMs: number): string {
  const hours = special.filter(({ times }) => times !== null);
  if (open.length + openSpans.length + hours.length === 0) return 'it has no opening hours';
  const today = dateOf(dayOf(nowMs + offsetMs(zone, nowMs)));
  const isOver =
    open.length === 0 &&
    openSpans.every(({ toMs }) => toMs <= nowMs) &&
    hours.every(({ date }) => date.length > 5 && date < today);
  return isOver ? 'its opening hours are over' : 'its closed times cover its opening hours';
}
