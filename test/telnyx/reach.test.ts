import { beforeEach, expect, test } from 'vitest';
import { createReach, type Reach } from '../../src/telnyx/reach.ts';

let now: number;
let back: number[];
let reach: Reach;

beforeEach(() => {
  now = 1_000;
  back = [];
  reach = createReach({ clock: () => now, onBack: (awayMs) => back.push(awayMs) });
});

/** Begins now, and ends after this time. */
function request(end: 'answered' | 'unanswered', ms: number): void {
  const begun = reach.begin();
  now += ms;
  begun[end]();
}

test('the first answer after an outage says how long it was, and the next one nothing', () => {
  request('answered', 100);
  now += 10_000;
  request('unanswered', 5_000);
  now += 500;
  request('unanswered', 3_000);
  now += 60_000;
  request('answered', 100);
  request('answered', 100);
  expect(back).toEqual([68_600]);
});

test('a connection that was reset is no outage', () => {
  request('unanswered', 10);
  now += 500;
  request('answered', 100);
  expect(back).toEqual([]);
});

test('a request that is slow while others are answered is no outage', () => {
  const slow = reach.begin();
  now += 2_000;
  request('answered', 100);
  now += 2_900;
  slow.unanswered();
  request('answered', 100);
  expect(back).toEqual([]);
});

test('where the last answer came before the outage, it counts from the first request without one', () => {
  const last = reach.begin();
  now += 100;
  last.answered();
  const first = reach.begin();
  now += 1_000;
  const second = reach.begin();
  now += 2_000;
  second.unanswered();
  first.unanswered();
  request('answered', 0);
  expect(back).toEqual([3_000]);
});
