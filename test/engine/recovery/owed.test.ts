import { describe, expect, test } from 'vitest';
import {
  afterAsking,
  isDue,
  NOTHING_OWED,
  owedOf,
  RECOVER_EVERY_MS,
  withMissed,
} from '../../../src/engine/recovery/owed.ts';

const MINUTE = 60_000;
const T = 1_000 * MINUTE;

test('nothing is asked for where nothing was missed', () => {
  expect(owedOf(null)).toEqual(NOTHING_OWED);
  expect(isDue(NOTHING_OWED, T)).toBe(false);
});

test('what was missed is asked for at once, and once more when Telnyx repeats nothing any more', () => {
  const missed = withMissed(owedOf(null), T - 20 * MINUTE, T);
  expect(isDue(missed, T)).toBe(true);
  const asked = afterAsking(missed, T, false);
  expect(asked.since).toBe(T - 5 * MINUTE);
  expect(isDue(asked, T + 9 * MINUTE)).toBe(false);
  expect(isDue(asked, T + RECOVER_EVERY_MS)).toBe(true);
  expect(afterAsking(asked, T + RECOVER_EVERY_MS, false).since).toBeNull();
});

test('a recovery that failed leaves all of it owed, and is tried again later', () => {
  const missed = withMissed(owedOf(null), T - 60 * MINUTE, T);
  const failed = afterAsking(missed, T + 20 * MINUTE, true);
  expect(failed.since).toBe(T - 60 * MINUTE);
  expect(isDue(failed, T + 29 * MINUTE)).toBe(false);
  expect(isDue(failed, T + 30 * MINUTE)).toBe(true);
});

test('what is missed while Telnyx is asked stays owed', () => {
  const missed = withMissed(owedOf(null), T - 60 * MINUTE, T - 50 * MINUTE);
  const meanwhile = withMissed(missed, T + 1, T + 1);
  const asked = afterAsking(meanwhile, T, false);
  expect(asked.since).toBe(T - 5 * MINUTE);
  expect(isDue(asked, T + 2 * MINUTE)).toBe(true);
});

test('a trickle of misses neither asks all the time nor for an ever longer past', () => {
  let owed = owedOf(null);
  let asked = 0;
  for (let at = T; at < T + 60 * MINUTE; at += 1_000) {
    owed = withMissed(owed, at, at);
    if (!isDue(owed, at)) continue;
    owed = afterAsking(owed, at, false);
    asked += 1;
  }
  expect(asked).toBeLessThanOrEqual(60);
  expect(owed.since).toBeGreaterThan(T + 50 * MINUTE);
});

test('a clock that was set back puts nothing off', () => {
  const asked = afterAsking(withMissed(owedOf(null), T, T), T, false);
  const now = T - 900 * MINUTE;
  expect(isDue(owedOf(asked, now), now)).toBe(true);
});

test('after a clock was set back, what is owed is asked for from before, and as rarely as ever', () => {
  const ahead = T + 60 * MINUTE;
  let owed = afterAsking(withMissed(owedOf(null), ahead, ahead), ahead, false);
  const askedFor: number[] = [];
  for (let at = T; at < ahead; at += 2_000) {
    const { since, ...rest } = owedOf(owed, at);
    owed = { since, ...rest };
    if (since === null || !isDue(owed, at)) continue;
    askedFor.push(since);
    owed = afterAsking(owed, at, false);
  }
  expect(askedFor).toEqual([T - 5 * MINUTE, T - 5 * MINUTE]);
});

describe('what was refused and may be a stranger’s', () => {
  /** How often Telnyx is asked in an hour in which one comes every second. */
  function hourOf(found: boolean): number {
    let owed = owedOf(null);
    let asked = 0;
    for (let at = T; at < T + 60 * MINUTE; at += 1_000) {
      owed = withMissed(owed, at, 0, at);
      if (!isDue(owed, at)) continue;
      owed = afterAsking(owed, at, false, found);
      asked += 1;
    }
    return asked;
  }

  test('is asked about at once', () => {
    expect(isDue(withMissed(owedOf(null), T, 0, T), T)).toBe(true);
  });

  test('is asked about ever more rarely while Telnyx has nothing for us', () => {
    expect(hourOf(false)).toBeLessThanOrEqual(8);
  });

  test('is asked about every minute while Telnyx has something: our key may be wrong', () => {
    expect(hourOf(true)).toBe(60);
  });

  test('does not delay what was certainly missed', () => {
    let owed = owedOf(null);
    for (let n = 0; n < 10; n += 1) owed = afterAsking(withMissed(owed, T, 0, T), T, false);
    owed = withMissed(owed, T + 1, T + 1);
    expect(isDue(owed, T + MINUTE)).toBe(true);
  });
});
