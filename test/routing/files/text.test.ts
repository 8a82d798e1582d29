import { expect, test } from 'vitest';
import { atOnce } from '../../../src/core/rules/at-once.ts';
import { decodePieces, decodeText } from '../../../src/routing/files/text.ts';
import { Problems } from '../../../src/routing/problem.ts';

/** Longer than a piece between two yields, with a four-byte character across each border. */
const LONG = `${'a'.repeat(256 * 1024 - 2)}😀\r\n`.repeat(3);

test('a long text is read as a short one', () => {
  const problems = new Problems();
  expect(atOnce(decodeText('l', Buffer.from(LONG), problems))).toBe(LONG);
  const atBorder = `${'a'.repeat(256 * 1024 - 1)}\r\nb`;
  expect(atOnce(decodeText('l', Buffer.from(atBorder), problems))).toBe(atBorder);
  expect(problems.problems).toEqual([]);
});

test('its pieces are short, so that no turn of the event loop is long', () => {
  const pieces = atOnce(decodePieces('l', Buffer.from(LONG), new Problems())) ?? [];
  expect(pieces.join('')).toBe(LONG);
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(256 * 1024 + 1);
});

test.each([
  ['a byte that is none', Buffer.concat([Buffer.from(LONG), Buffer.from([0xff, 0x61])]), 4, 1],
  [
    'a character broken off at a border',
    Buffer.concat([Buffer.alloc(256 * 1024 - 1, 'a'), Buffer.from([0xf0, 0x61])]),
    1,
    256 * 1024,
  ],
  ['a control character', Buffer.from(`${LONG}ab\u0007`), 4, 3],
  ['a carriage return alone at the end', Buffer.from(`${LONG}\r`), 4, 1],
])('%s far down is named where it stands', (_what, bytes, line, column) => {
  const problems = new Problems();
  expect(atOnce(decodeText('l', bytes, problems))).toBe(null);
  expect(problems.problems).toMatchObject([{ file: 'l', line, column }]);
});

test('a file with the line ends of old Macs is told how to save it', () => {
  const problems = new Problems();
  atOnce(decodeText('l', Buffer.from('+14155550100\r+14155550101\r'), problems));
  expect(problems.problems).toEqual([
    {
      file: 'l',
      line: 1,
      column: 13,
      message: 'a line ends with a carriage return alone',
      hint: 'save the file with the line ends of Unix or Windows (LF or CRLF)',
    },
  ]);
});
