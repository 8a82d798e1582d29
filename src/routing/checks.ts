/** Warnings: what is defined but never used, and schedules that never open. */
import type { RouteSet } from '../core/rules/rule.ts';
import { changes, isOpenAt } from '../core/rules/schedule.ts';
import { type NameKind, SECTIONS, type SetContext } from './context.ts';
import type { Folder } from './folder.ts';
import { icalWindow } from './ical/calendar.ts';
import { quoted } from './number.ts';

/** `uncertain`: because of other problems a use may have been missed, so nothing is reported. */
export function checkUnused(context: SetContext, folder: Folder, uncertain: boolean): void {
  if (uncertain) return;
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

export function checkSchedules(context: SetContext, set: RouteSet, nowMs: number): void {
  // Calendars are only expanded this far; beyond that any schedule would seem to open.
  const { toMs } = icalWindow(nowMs);
  for (const schedule of set.schedules.values()) {
    const place = context.names.schedule.get(schedule.name);
    if (place === undefined || context.broken.has(schedule.name)) continue;
    const opens =
      isOpenAt(schedule, nowMs, {}) ||
      changes(schedule, nowMs, 1, {}).some(({ open, atMs }) => open && atMs < toMs);
    if (opens) continue;
    const why =
      schedule.open.length + schedule.openSpans.length + schedule.special.length === 0
        ? 'it has no opening hours'
        : 'its closed times cover its opening hours';
    context.problems.warning(
      place,
      `the schedule ${quoted(schedule.name)} never opens: ${why}`,
      'rules that ask for it never match',
    );
  }
}
