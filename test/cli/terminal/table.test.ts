/** Tables for a terminal: cells, not characters, decide what fits. */
import { expect, test } from 'vitest';
import { tableLines, terminalWidth } from '../../../src/cli/terminal/table.ts';
import { cut, padded, widthOf } from '../../../src/cli/terminal/text-width.ts';

const FAMILY = '👨‍👩‍👧';

test.each([
  ['support', 7],
  ['Zürich', 6],
  ['Zu\u0308rich', 6],
  ['東京営業所', 10],
  ['서울', 4],
  ['ﾄｳｷｮｳ', 5],
  ['☎️ desk', 7],
  [FAMILY, 2],
  ['🇯🇵', 2],
  ['\u200b', 0],
  ['שלום', 4],
  ['', 0],
])('%s takes %i cells', (text, cells) => {
  expect(widthOf(text)).toBe(cells);
});

test('a text is cut between characters, and never wider than what it is cut to', () => {
  expect(cut('東京営業所', 6)).toBe('東京…');
  expect(cut('東京営業所', 10)).toBe('東京営業所');
  expect(cut(`a${FAMILY}bc`, 3)).toBe('a…');
  for (let width = 1; width < 12; width += 1) {
    expect(widthOf(padded('東京 sales 大阪', width))).toBe(width);
  }
});

test('columns stand below each other, and a narrow terminal is not overrun', () => {
  const rows = [
    ['RULE', 'CALLS', 'COST'],
    ['東京営業所', '12', '0.50 USD'],
    ['sales', '3', '-'],
  ];
  const look = { width: null, givenUp: ['COST'], align: 'right' as const };
  expect(tableLines(rows, look)).toEqual([
    'RULE        CALLS      COST',
    '東京営業所     12  0.50 USD',
    'sales           3         -',
  ]);
  const narrow = tableLines(rows, { ...look, width: 14 });
  expect(narrow).toEqual(['RULE     CALLS', '東京営…     12', 'sales        3']);
});

test('of a list with times, another column is shortened', () => {
  const rows = [
    ['WHEN', 'WHAT'],
    ['2026-03-02T15:00:00Z', 'dead_letter_discard'],
  ];
  const look = { width: 30, givenUp: [], align: 'left' as const };
  expect(tableLines(rows, { ...look, shortened: 'WHAT' })[1]).toBe(
    '2026-03-02T15:00:00Z  dead_le…',
  );
  expect(tableLines(rows, look)[1]).toBe('2026-03-…  dead_letter_discard');
});

test.each([
  ['120', 120],
  ['-5', 80],
  ['0', 80],
  ['wide', 80],
])('COLUMNS=%s is a width of %i', (COLUMNS, width) => {
  const io = { stdout: process.stdout, stderr: process.stderr, env: { COLUMNS }, isTTY: true };
  expect(terminalWidth(io)).toBe(width);
  expect(terminalWidth({ ...io, isTTY: false })).toBeNull();
});
