import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { pageBytesOf } from '../../../src/routing/handlers/handler-process.ts';

test.each([4_096, 16_384, 65_536])('a page of %i bytes is told by what is resident', (bytes) => {
  const pages = 20_000;
  // Memory may have grown or shrunk between the two readings.
  for (const change of [0.8, 1, 1.2]) {
    expect(pageBytesOf(bytes * pages * change, pages)).toBe(bytes);
  }
});

test.runIf(process.platform === 'linux')('the memory of this process is what Node says', () => {
  const pages = Number(readFileSync('/proc/self/statm', 'latin1').split(' ')[1]);
  const rss = process.memoryUsage.rss();
  const difference = Math.abs(pages * pageBytesOf(rss, pages) - rss);
  expect(difference).toBeLessThan(rss / 4);
});
