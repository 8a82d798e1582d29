/** What a terminal gets of a caller's text. */
import { expect, test } from 'vitest';
import { plain, plainCsv } from '../../../src/cli/terminal/terminal.ts';

test('nothing in a text is obeyed by a terminal', () => {
  expect(plain('a\u001b[2J\r\n\tb\u202ec\u009b')).toBe(
    'a\ufffd[2J\ufffd\ufffd\ufffdb\ufffdc\ufffd',
  );
});

test('CSV keeps its tabs and line ends, and nothing else that a terminal obeys', () => {
  const csv = 'a,b\r\n"two\nlines","x\ty"\r\n';
  expect(plainCsv(csv)).toBe(csv);
  expect(plainCsv('"\u001b[2Jx\ry\u202e\u009b1m"\r\n')).toBe(
    '"\ufffd[2Jx\ufffdy\ufffd\ufffd1m"\r\n',
  );
});
