import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Finding } from '../../src/core/account/finding.ts';
import { createAccountWatch } from '../../src/engine/account-watch.ts';

afterEach(() => vi.useRealTimers());

const finding = (given: Partial<Finding>): Finding => ({
  check: 'balance',
  about: null,
  status: 'problem',
  message: '0.00 USD are available.',
  fix: 'Add funds.',
  ...given,
});

/** Each check gives the next list; a round is over when the next check could begin. */
function watching(...looks: (Finding[] | Error)[]) {
  const lines: string[] = [];
  vi.useFakeTimers();
  const watch = createAccountWatch({
    everyMs: 1_000,
    now: () => Date.now(),
    log: { emit: (event, fields) => void lines.push(`${event} ${fields?.check ?? ''}`.trim()) },
    async look() {
      const next = looks.shift() ?? [];
      if (next instanceof Error) throw next;
      return next;
    },
  });
  return { watch, lines, round: () => vi.advanceTimersByTimeAsync(1_000) };
}

describe('the watch of the account', () => {
  test('says each finding when it comes and when it goes, and lists it meanwhile', async () => {
    const { watch, lines, round } = watching(
      [
        finding({}),
        finding({ check: 'cost', status: 'warning' }),
        finding({ check: 'clock', status: 'ok' }),
      ],
      [finding({ message: '-1.00 USD are available.' })],
      [finding({ status: 'ok' })],
    );
    watch.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(lines).toEqual(['account.problem balance', 'account.problem cost']);
    expect(watch.troubles()).toMatchObject([
      {
        kind: 'account.problem',
        severity: 'error',
        title: '0.00 USD are available.',
        fix: 'Add funds.',
      },
      { severity: 'warning', detail: 'Check cost.' },
    ]);
    await round();
    expect(lines.slice(2)).toEqual(['account.resolved cost']);
    expect(watch.troubles()).toMatchObject([{ title: '-1.00 USD are available.' }]);
    await round();
    expect(lines.slice(3)).toEqual(['account.resolved balance']);
    expect(watch.troubles()).toEqual([]);
    watch.stop();
  });

  test('keeps what it knew of a check that could not be made', async () => {
    const { watch, lines, round } = watching(
      [finding({})],
      [finding({ status: 'unknown' })],
      new Error('a fault of ours'),
    );
    watch.start();
    await round();
    expect(lines).toEqual(['account.problem balance']);
    await round();
    expect(lines).toEqual(['account.problem balance', 'account.check_failed']);
    expect(watch.troubles()).toHaveLength(1);
    watch.stop();
  });

  test('is silent once stopped, and never looks where the settings say not to', async () => {
    const { watch, lines, round } = watching([finding({})], [finding({ check: 'cost' })]);
    watch.start();
    await vi.advanceTimersByTimeAsync(0);
    watch.stop();
    await round();
    expect(lines).toEqual(['account.problem balance']);
    const look = vi.fn(async () => []);
    createAccountWatch({ everyMs: 0, look, log: { emit() {} }, now: () => 0 }).start();
    expect(look).not.toHaveBeenCalled();
  });
});
