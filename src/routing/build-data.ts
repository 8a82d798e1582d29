/** Lists and schedules of all files, with what they take from other files of the folder. */
import type { NumberList, Schedule } from '../core/rules/rule.ts';
import type { SetContext } from './context.ts';
import type { Positions } from './decode.ts';
import type { DecodedSet } from './decoded-set.ts';
import { type Folder, isInside } from './folder.ts';
import { icalSpans, icalWindow } from './ical.ts';
import { fileList, inlineList } from './lists.ts';
import { quoted } from './number.ts';
import { didYouMean, type Place } from './problem.ts';
import { buildSchedule } from './schedules.ts';
import type { WrittenList, WrittenSchedule } from './schema/schema.ts';

export function buildLists(context: SetContext, input: DecodedSet): Map<string, NumberList> {
  const lists = new Map<string, NumberList>();
  for (const { routes, positions } of input.files) {
    for (const [name, written] of Object.entries(routes.lists ?? {})) {
      const before = context.problems.problems.length;
      const list = buildList(context, name, written, positions, input.folder);
      if (list === null) continue;
      lists.set(name, list);
      if (context.problems.problems.length > before) continue;
      if (list.exact.length + list.prefixes.length + list.globs.length === 0) {
        const place = positions.atKey(routes.lists ?? {}, name);
        context.problems.warning(
          place,
          `the list ${name} is empty: no number is on it`,
          'rules that ask for it never match',
        );
      }
    }
  }
  return lists;
}

function buildList(
  context: SetContext,
  name: string,
  written: WrittenList,
  positions: Positions,
  folder: Folder,
): NumberList | null {
  if (Array.isArray(written)) {
    return inlineList(name, written, (index) => positions.at(written, index), context.problems);
  }
  const bytes = referenced(context, folder, written.file, positions.at(written, 'file'));
  return bytes === null ? null : fileList(name, written.file, bytes, context.problems);
}

export function referenced(
  context: SetContext,
  folder: Folder,
  name: string,
  at: Place,
): Uint8Array | null {
  const bytes = folder.contents.get(name);
  if (bytes !== undefined) return bytes;
  const files = [...folder.contents.keys()].filter((known) => !known.endsWith('.yaml'));
  const hint = isInside(name)
    ? didYouMean(name, files)
    : 'a path inside the routes folder, such as lists/blocked.txt';
  context.problems.problem(at, `there is no file ${quoted(name)}`, hint);
  return null;
}

export function buildSchedules(
  context: SetContext,
  input: DecodedSet,
  nowMs: number,
): Map<string, Schedule> {
  const schedules = new Map<string, Schedule>();
  for (const { routes, positions } of input.files) {
    for (const [name, written] of Object.entries(routes.schedules ?? {})) {
      const before = context.problems.problems.length;
      const schedule = buildSchedule(name, written, positions, context.problems);
      for (const [calendar, at] of calendars(written, positions)) {
        const bytes = referenced(context, input.folder, calendar, at);
        if (bytes === null) continue;
        // Not push(...): tens of thousands of arguments overflow the stack.
        for (const span of icalSpans(
          calendar,
          bytes,
          schedule.zone,
          icalWindow(nowMs),
          context.problems,
        )) {
          schedule.closedSpans.push(span);
        }
      }
      schedules.set(name, schedule);
      const { file, line } = positions.at(written);
      const inside = context.problems.within(file, line, positions.endLine(written));
      if (inside || context.problems.problems.length > before) context.broken.add(name);
    }
  }
  return schedules;
}

function calendars(written: WrittenSchedule, positions: Positions): [string, Place][] {
  const files = written.closed_ical;
  if (files === undefined) return [];
  if (typeof files === 'string') return [[files, positions.at(written, 'closed_ical')]];
  return files.map((file, index) => [file, positions.at(files, index)]);
}
