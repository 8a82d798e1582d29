/**
 * While a large set is loaded, calls are decided in between. This counts yields instead of
 * measuring time, which depends on the machine. Work that no longer yields would lower the count.
 */
import { expect, test } from 'vitest';
import { compileInSlices } from '../../src/core/rules/compiled-routes.ts';
import { buildSet } from '../../src/routing/build.ts';
import { decode } from '../../src/routing/decode.ts';
import type { DecodedFile } from '../../src/routing/decoded-set.ts';
import { contentHash, keptFolder } from '../../src/routing/folder.ts';
import { Problems } from '../../src/routing/problem.ts';
import type { SchemaNode } from '../../src/routing/schema/node.ts';
import { ROUTE_FILE_SCHEMA, type RouteFile } from '../../src/routing/schema/schema.ts';
import { parseSource } from '../../src/routing/source.ts';

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
  const file: DecodedFile = { file: 'main.yaml', routes, positions, root: source.value.root };

  const input = { files: [file], folder, hash: '', unread: 0 };
  const built = counted(buildSet(input, { env: {}, handlers: null, nowMs: 0 }, problems));
  expect(problems.problems).toEqual([]);
  // Two lists, rows read and checked, one list read to find shadowed rules, and one to find loops.
  expect(built.yields).toBeGreaterThan(ENTRIES * 6);
  // Two lists; for a table only its name is indexed.
  expect(counted(compileInSlices(built.value.set)).yields).toBeGreaterThan(ENTRIES * 2);
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
