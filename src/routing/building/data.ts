/** Builds the lists and schedules of all files, including the files they refer to. */
import { readMoment } from '../../core/iso-time.ts';
import type { NumberList, Schedule, Switch } from '../../core/rules/rule.ts';
import type { Positions } from '../decode/positions.ts';
import type { DecodedFile, DecodedSet } from '../decoded-set.ts';
import { type Folder, isInside } from '../files/folder.ts';
import { icalSpans, icalWindow, type WantedCalendar } from '../ical/calendar.ts';
import { fileList, inlineList } from '../numbers/lists.ts';
import { quoted } from '../numbers/number.ts';
import { didYouMean, type Place } from '../problem.ts';
import { buildSchedule } from '../schedules/schedules.ts';
import { isOnWord, type WrittenSchedule } from '../schema/schedule.ts';
import type { WrittenList } from '../schema/schema.ts';
import type { SetContext } from './context.ts';

/** Yields regularly, see slices.ts. */
export function* buildLists(
  context: SetContext,
  input: DecodedSet,
): Generator<void, Map<string, NumberList>> {
  const lists = new Map<string, NumberList>();
  for (const { routes, positions } of input.files) {
    for (const [name, written] of Object.entries(routes.lists ?? {})) {
      const before = context.problems.problems.length;
      const list = yield* buildList(context, name, written, positions, input.folder);
      if (list === null) continue;
      lists.set(name, list);
      if (context.problems.problems.length > before || !positions.isWhole(written)) continue;
      if (list.entries.length === 0) {
        const place = positions.atKey(routes.lists ?? {}, name);
        context.problems.warning(
          place,
          `the list ${name} is empty: no number is on it`,
          'rules that use it never match',
        );
      }
    }
  }
  return lists;
}

function* buildList(
  context: SetContext,
  name: string,
  written: WrittenList,
  positions: Positions,
  folder: Folder,
): Generator<void, NumberList | null> {
  if (Array.isArray(written)) {
    return yield* inlineList(
      name,
      written,
      (index) => positions.at(written, index),
      context.problems,
      context.country,
    );
  }
  const bytes = referenced(context, folder, written.file, positions.at(written, 'file'));
  return bytes === null
    ? null
    : yield* fileList(name, written.file, bytes, context.problems, context.country);
}

export function referenced(
  context: SetContext,
  folder: Folder,
  name: string,
  at: Place,
): Uint8Array | null {
  const bytes = folder.contents.get(name);
  if (bytes !== undefined) return bytes;
  const unread = folder.unread.get(name);
  if (unread !== undefined) {
    if (!unread.reported) {
      context.problems.problem(at, `${quoted(name)} cannot be read: ${unread.why}`);
    }
    return null;
  }
  const files = [...folder.contents.keys()].filter((known) => !known.endsWith('.yaml'));
  const hint = isInside(name)
    ? didYouMean(name, files) || 'put it there; the path begins in the routes folder'
    : 'a path inside the routes folder, such as lists/blocked.txt';
  context.problems.problem(at, `there is no file ${quoted(name)}`, hint);
  return null;
}

/** Yields regularly, see slices.ts. */
export function* buildSchedules(
  context: SetContext,
  input: DecodedSet,
  nowMs: number,
): Generator<void, Map<string, Schedule>> {
  const schedules = new Map<string, Schedule>();
  const window = icalWindow(nowMs, momentsOfExamples(input.files));
  for (const { routes, positions } of input.files) {
    for (const [name, written] of Object.entries(routes.schedules ?? {})) {
      yield;
      const before = context.problems.problems.length;
      const schedule = buildSchedule(name, written, positions, nowMs, context.problems);
      for (const { calendar, at } of calendars(written, positions)) {
        const bytes = referenced(context, input.folder, calendar.file, at);
        if (bytes === null) continue;
        const into = calendar.does === 'opens' ? schedule.openSpans : schedule.closedSpans;
        const { zone } = schedule;
        const spans = yield* icalSpans(calendar, bytes, zone, window, context.problems);
        // Not push(...all): tens of thousands of arguments overflow the stack.
        for (const span of spans) into.push(span);
      }
      schedules.set(name, schedule);
      context.reasons.set(name, reasonsOf(written));
      const { file, line } = positions.at(written);
      const inside = context.problems.within(file, line, positions.endLine(written));
      if (inside || context.problems.problems.length > before) context.broken.add(name);
    }
  }
  return schedules;
}

function momentsOfExamples(files: DecodedFile[]): number[] {
  const examples = files.flatMap(({ routes }) => routes.examples ?? []);
  return examples.flatMap(({ call }) => readMoment(call.at ?? '') ?? []);
}

function calendars(
  written: WrittenSchedule,
  positions: Positions,
): { calendar: WantedCalendar; at: Place }[] {
  return [
    ...calendarsUnder(written, 'closed_ical', 'closes', positions),
    ...calendarsUnder(written, 'open_ical', 'opens', positions),
  ];
}

function calendarsUnder(
  written: WrittenSchedule,
  key: 'closed_ical' | 'open_ical',
  does: WantedCalendar['does'],
  positions: Positions,
): { calendar: WantedCalendar; at: Place }[] {
  const calendars = written[key] ?? [];
  const placed = Array.isArray(calendars)
    ? calendars.map((calendar, index) => ({ calendar, at: positions.at(calendars, index) }))
    : [{ calendar: calendars, at: positions.at(written, key) }];
  return placed.map(({ calendar, at }) => {
    if (typeof calendar === 'string') return { calendar: { file: calendar, only: null, does }, at };
    const { file, only = null } = calendar;
    const words = typeof only === 'string' ? [only] : only;
    const because = 'because' in calendar ? (calendar.because as string | undefined) : undefined;
    const wanted = { file, only: words, does, ...(because === undefined ? {} : { because }) };
    return { calendar: wanted, at: positions.at(calendar, 'file') };
  });
}

/** All reasons for being closed that the schedule gives. */
function reasonsOf(written: WrittenSchedule): Set<string> {
  const entries = [written.closed ?? [], written.special ?? [], written.closed_ical ?? []].flat();
  const reasons = entries.flatMap((entry) =>
    typeof entry === 'object' && entry.because !== undefined ? entry.because : [],
  );
  return new Set(reasons);
}

export function buildSwitches(input: DecodedSet): Map<string, Switch> {
  const written = input.files.flatMap(({ routes }) => Object.entries(routes.switches ?? {}));
  return new Map(written.map(([name, on]) => [name, { name, on: isOnWord(on) }]));
}
