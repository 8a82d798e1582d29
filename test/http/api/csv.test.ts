/** How cells are written: by RFC 4180, and without formulas that a spreadsheet would run. */
import { expect, test } from 'vitest';
import { csvText } from '../../../src/http/api/csv.ts';

const text = (cell: string | number | boolean | null) =>
  csvText([{ name: 'a', value: () => cell }], [null]);

test.each([
  ['plain', 'plain'],
  [null, ''],
  [0.5, '0.5'],
  [-3, '-3'],
  [true, 'true'],
  ['a,b', '"a,b"'],
  ['a "quoted" one', '"a ""quoted"" one"'],
  ['two\r\nlines', '"two\r\nlines"'],
  [' kept ', '" kept "'],
  ['Zürich ☎', 'Zürich ☎'],
  // Phone numbers and amounts are not changed.
  ['+4930901820', '+4930901820'],
  ['-0.0042', '-0.0042'],
  // Everything else that a spreadsheet would run.
  ['=1+1', "'=1+1"],
  ['=HYPERLINK("http://x","y")', `"'=HYPERLINK(""http://x"",""y"")"`],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['+1+cmd|x', "'+1+cmd|x"],
  ['-2+3', "'-2+3"],
  ['\t=1+1', `"'\t=1+1"`],
  ['\r=1', `"'\r=1"`],
  ['＝1+1', "'＝1+1"],
  // For spreadsheets that split at semicolons, or ignore quotes in the middle of a line.
  ['sip:a@b;transport=tcp', '"sip:a@b;transport=tcp"'],
  ['x;=1+1', `"x;'=1+1"`],
  ['x;" =1+1', `"x;"" '=1+1"`],
  ['Error\n=cmd|x', `"Error\n'=cmd|x"`],
  ['x\t@SUM(A1)', `"x\t'@SUM(A1)"`],
])('%j', (cell, expected) => {
  expect(text(cell)).toBe(`a\r\n${expected}\r\n`);
});
