/**
 * While a large set is loaded, calls are decided in between. This counts yields instead of
 * measuring time, which depends on the machine. Work that no longer yields would lower the count.
 */
import { expect, test } from 'vitest';
import { compileInSlices } from '../../src/core/rules/compiled-routes.ts';
import type { RouteSet } from '../../src/core/rules/rule.ts';
import { buildSet } from '../../src/routing/build.ts';
import { newContext } from '../../src/routing/building/context.ts';
import { buildSchedules } from '../../src/routing/building/data.ts';
import { checkSchedules } from '../../src/routing/checks/unused.ts';
import { decode } from '../../src/routing/decode/decode.ts';
import type { DecodedFile } from '../../src/routing/decoded-set.ts';
import { contentHash } from '../../src/routing/files/content-hash.ts';
import { keptFolder } from '../../src/routing/files/folder.ts';
import { parseSource } from '../../src/routing/files/source.ts';
import { icalSpans, icalWindow } from '../../src/routing/ical/calendar.ts';
import { Problems } from '../../src/routing/problem.ts';
import type { SchemaNode } from '../../src/routing/schema/node.ts';
import { ROUTE_FILE_SCHEMA, type RouteFile } from '../../src/routing/schema/schema.ts';

const ENTRIES = 20_000;
const NUMBERS = Array.from({ length: ENTRIES }, (_, i) => `+1415${1_000_000 + i}`);
const MEGABYTE = 1024 * 1024;

test('each list entry, row and rule is a place to interrupt a load', { tags: ['long'] }, () => {
  const main = `
    lists: { a: { file: lists/a.txt }, b: [${NUMBERS.map((number) => `"${number}"`).join(', ')}] }
    tables: { t: { file: tables/t.csv, key: to } }
    targets: { pbx: { sip: "sip:{row:extension}@pbx.example.com", via: refer } }
    rules:
      - { name: a, when: { from: "list:a" }, do: [ hangup ] }
      - { name: b, when: { from: "+442071234567", to: "list:b" }, do: [ { transfer: "+14150000001" } ] }
      - { name: t, when: { table: t }, do: [ { refer: pbx } ] }
    otherwise: [ hangup ]
  `;
  const rows = NUMBERS.map((number, i) => `${number},${i}`);
  const folder = keptFolder(
    new Map(
      Object.entries({
        'main.yaml': main,
        'lists/a.txt': NUMBERS.join('\n'),
        'tables/t.csv': `to,extension\n${rows.join('\n')}`,
      }).map(([name, text]) => [name, Buffer.from(text)]),
    ),
  );
  const problems = new Problems();
  const source = counted(parseSource('main.yaml', Buffer.from(main), problems));
  // Tokens, and their inspection.
  expect(source.yields).toBeGreaterThan(ENTRIES * 2);
  if (source.value === null) throw new Error(problems.problems[0]?.message);
  const schema = ROUTE_FILE_SCHEMA as unknown as SchemaNode;
  const decoded = counted(decode(source.value, schema, problems));
  expect(decoded.yields).toBeGreaterThan(ENTRIES);
  const { positions } = decoded.value;
  const routes = decoded.value.value as RouteFile;
  const file: DecodedFile = { file: 'main.yaml', routes, positions };

  const input = { files: [file], folder, hash: '', unread: 0 };
  const built = counted(buildSet(input, { env: {}, handlers: null, nowMs: 0 }, problems));
  expect(problems.problems).toEqual([]);
  // Two lists, rows read and checked, one list read to find shadowed rules, and one to find loops.
  expect(built.yields).toBeGreaterThan(ENTRIES * 6);
  // Two lists; for a table only its name is indexed.
  expect(counted(compileInSlices(built.value.set)).yields).toBeGreaterThan(ENTRIES * 2);
});

test('each line, event and instance of a calendar is a place to interrupt a load', () => {
  const nowMs = Date.parse('2026-03-02T15:00:00Z');
  const event = (n: number, start: string, rule: string) =>
    `BEGIN:VEVENT\nUID:${n}\nDTSTART:${start}\nDURATION:PT1M\n${rule}\nEND:VEVENT`;
  const hourly = event(0, '20260101T000000Z', 'RRULE:FREQ=HOURLY;UNTIL=20260630T230000Z');
  const single = Array.from({ length: 1_000 }, (_, n) =>
    event(n + 1, '20260302T120000Z', 'SUMMARY:busy'),
  );
  const lines = ['BEGIN:VCALENDAR', hourly, ...single, 'END:VCALENDAR'].join('\n').split('\n');
  const problems = new Problems();
  const calendar = { file: 'c.ics', only: null, does: 'closes' as const };
  const bytes = Buffer.from(lines.join('\n'));
  const read = counted(icalSpans(calendar, bytes, 'UTC', icalWindow(nowMs), problems));
  expect(problems.problems).toEqual([]);
  const hours = 181 * 24;
  expect(read.value).toHaveLength(1_000 + hours);
  // Lines are unfolded, decoded and parsed; each instance is made and kept.
  expect(read.yields).toBeGreaterThan(lines.length * 3 + 1_000 * 2 + hours * 2 + hours / 200);
});

test('looking for a day on which a schedule opens is interrupted', () => {
  const nowMs = Date.parse('2026-03-02T15:00:00Z');
  const main = `schedules: { o: { zone: UTC, open: [ "mon 09:00-10:00" ], closed: [ "01-01..12-31" ] } }
otherwise: [ hangup ]`;
  const problems = new Problems();
  const source = counted(parseSource('main.yaml', Buffer.from(main), problems)).value;
  if (source === null) throw new Error(problems.problems[0]?.message);
  const schema = ROUTE_FILE_SCHEMA as unknown as SchemaNode;
  const { value, positions } = counted(decode(source, schema, problems)).value;
  const context = newContext(problems);
  context.names.schedule.set('o', { file: 'main.yaml', line: 1, column: 1 });
  const file = { file: 'main.yaml', routes: value as RouteFile, positions, root: source.root };
  const folder = keptFolder(new Map());
  const input = { files: [file], folder, hash: '', unread: 0 };
  const schedules = counted(buildSchedules(context, input, nowMs)).value;
  const set = { schedules } as unknown as RouteSet;
  expect(counted(checkSchedules(context, set, nowMs)).yields).toBeGreaterThan(30);
  expect(problems.warnings).toHaveLength(1);
});

test('the hash of large files is taken in pieces', () => {
  const folder = keptFolder(new Map([['lists/a.txt', new Uint8Array(16 * MEGABYTE)]]));
  expect(counted(contentHash(folder)).yields).toBeGreaterThanOrEqual(16);
});

function counted<T>(work: Generator<void, T>): { value: T; yields: number } {
  for (let yields = 0; ; yields += 1) {
    const step = work.next();
    if (step.done === true) return { value: step.value, yields };
  }
}
