/**
 * Small versions of `npm run soak`, run in parallel, because they spend most of their time waiting
 * for deadlines.
 */
import { expect, test, vi } from 'vitest';
import { bundledProgram } from '../helpers/bundle.ts';
import { freshDatabase } from '../helpers/postgres.ts';
import { DEFAULTS, parseOptions, type SoakOptions } from '../soak/options.ts';
import { playSoak, type SoakResult } from '../soak/play.ts';
import { report } from '../soak/report.ts';

vi.setConfig({ testTimeout: 240_000 });

async function soak(given: Partial<SoakOptions>): Promise<SoakResult> {
  const options = { ...DEFAULTS, callsPerSecond: 15, program: await bundledProgram(), ...given };
  const result = await playSoak(options);
  const broken = result.calls.filter(({ violations }) => violations.length > 0);
  if (broken.length > 0 || result.problems.length > 0) throw new Error(report(options, result));
  return result;
}

test.concurrent('one process on SQLite, a bad network, kill -9: each caller is moved, released or hangs up', async () => {
  const { kills, foundDead } = await soak({ calls: 120, seed: 7, kill: true });
  expect(kills).toBeGreaterThan(0);
  expect(foundDead).toBeGreaterThan(0);
});

test.concurrent('three replicas, every event to all of them at once in any order, kill -9: one answer, one command an attempt, one end', async () => {
  const database = await freshDatabase();
  const { kills } = await soak({
    calls: 120,
    seed: 5,
    replicas: 3,
    spread: 'all',
    kill: true,
    database: database.url,
  });
  expect(kills).toBeGreaterThan(0);
  await database.drop();
});

test.concurrent('a rolling restart of two replicas under load: nothing is lost, and webhooks hear 200 or 503', async () => {
  const database = await freshDatabase();
  const { statuses } = await soak({
    calls: 100,
    seed: 2,
    replicas: 2,
    faults: 'none',
    roll: true,
    database: database.url,
  });
  expect([...statuses.keys()].every((status) => [0, 200, 503].includes(status))).toBe(true);
  await database.drop();
});

test('the options of the soak are checked before it begins', () => {
  expect(parseOptions(['--calls', '5000', '--faults', 'all', '--seed', '7'])).toMatchObject({
    calls: 5_000,
    faults: 'all',
    seed: 7,
    database: null,
  });
  expect(parseOptions(['--replicas', '2'])).toMatchObject({ database: 'embedded' });
  expect(parseOptions(['--faults', 'api_cut=0.5'])).toMatchObject({ faults: { api_cut: 0.5 } });
  for (const [wrong, words] of [
    [['--faults', 'rain=1'], /unknown kind "rain"/],
    [['--calls', 'many'], /--calls: expected a whole number from 1 on, got many/],
    [['--replicas', '2', '--database', 'sqlite'], /SQLite is for one process/],
    [['--sed', '7'], /sed/],
  ] as const) {
    expect(() => parseOptions([...wrong])).toThrow(words);
  }
});
