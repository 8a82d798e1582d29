import { expect, test } from 'vitest';
import { watchSkew } from '../../../src/http/webhook/skew.ts';
import type { Log } from '../../../src/log/log.ts';
import type { Metrics } from '../../../src/metrics.ts';

function watch() {
  const seen: number[] = [];
  const metrics = { clockSkew: (secs: number) => seen.push(secs) } as unknown as Metrics;
  const log = { emit: () => {} } as unknown as Log;
  const clock = { wall: 0 };
  const now = () => clock.wall;
  return { skew: watchSkew({ log, metrics, now, monotonic: () => 0 }), seen, clock };
}

test('what our clock is ahead is the least of the offsets: each has up to a second more', () => {
  const { skew } = watch();
  expect(skew.aheadMs()).toBe(0);
  for (const offset of [8_900, 8_040, 8_700]) skew.saw(offset, 1);
  expect(skew.aheadMs()).toBe(8_040);
});

test('below a second an offset says nothing, behind Telnyx’s clock it does', () => {
  const { skew } = watch();
  skew.saw(950, 1);
  expect(skew.aheadMs()).toBe(0);
  skew.saw(-3_200, 1);
  expect(skew.aheadMs()).toBe(-3_200);
});

test('a repeated delivery says nothing, and a clock that was set right is believed in time', () => {
  const { skew, seen } = watch();
  skew.saw(60_000, 2);
  expect(skew.aheadMs()).toBe(0);
  for (let n = 0; n < 80; n += 1) skew.saw(20_000 + n, 1);
  for (let n = 0; n < 64; n += 1) skew.saw(300, 1);
  expect(skew.aheadMs()).toBe(0);
  expect(seen).not.toContain(60);
});

test('a clock that is set changes what is known of it at once, in both directions', () => {
  const { skew, clock } = watch();
  for (let n = 0; n < 50; n += 1) skew.saw(40 + n, 1);
  clock.wall += 100_000;
  expect(skew.aheadMs()).toBe(100_040);
  skew.saw(100_700, 1);
  expect(skew.aheadMs()).toBe(100_040);
  clock.wall -= 107_000;
  expect(skew.aheadMs()).toBe(-6_960);
});
