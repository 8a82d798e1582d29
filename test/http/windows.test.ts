/** Counting in windows of time while the wall clock is set. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createWindows } from '../../src/http/people/windows.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test.each([-3_600_000, 3_600_000])(
  'a window lasts a minute, also if the wall clock is set by %i ms meanwhile',
  (ms) => {
    const windows = createWindows({ windowMs: 60_000, keysMax: 10 });
    windows.add('192.0.2.1');
    vi.setSystemTime(Date.now() + ms);
    vi.advanceTimersByTime(20_000);
    expect(windows.add('192.0.2.1')).toEqual({ count: 2, endsInMs: 40_000 });
    vi.advanceTimersByTime(40_000);
    expect(windows.add('192.0.2.1')).toEqual({ count: 1, endsInMs: 60_000 });
  },
);
