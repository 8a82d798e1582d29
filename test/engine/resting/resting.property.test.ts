/**
 * Weeks in virtual time: two replicas on one store, targets that fail, flicker and recover, callers
 * one after another and at once. The store is a simple one in memory; the machine, the targets'
 * health and what replicas write about it are real.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { RestUse } from '../../../src/engine/resting/rest-use.ts';
import { createResting, type Resting } from '../../../src/engine/resting/resting.ts';
import { decision, drive, refer, stamp, webhook } from '../../helpers/machine.ts';
import { runs, size } from '../../helpers/search-length.ts';

const T0 = Date.parse('2026-03-02T00:00:00Z');
const SEC = 1_000;
const HOUR = 3_600 * SEC;
const WEEK = 7 * 24 * HOUR;
const SPAN = size(1, 2) * WEEK;
const PROPERTY_TIMEOUT_MS = 120_000 + runs(0) * 300;

beforeEach(() => vi.useFakeTimers({ now: T0 }));
afterEach(() => vi.useRealTimers());

interface Opening {
  target: string;
  at: number;
}

function aWorld() {
  let setting: { version: number; value: unknown } = { version: 0, value: null };
  const opened: Opening[] = [];
  const woken: Opening[] = [];
  const store = {
    setting: async () => structuredClone(setting),
    changeSetting: async (_name: string, change: (value: unknown, now: number) => unknown) => {
      const value = change(structuredClone(setting.value), Date.now());
      setting = { version: setting.version + 1, value: structuredClone(value) };
      return setting.version;
    },
  };
  const replica = () =>
    createResting({
      store,
      rests: () => true,
      log: {
        emit(event, fields = {}) {
          const list = event === 'target.resting' ? opened : woken;
          list.push({ target: String(fields.target), at: Date.now() });
        },
      },
      failures: {
        failed(error) {
          throw error;
        },
        worked() {},
      },
    });
  return {
    replicas: [replica(), replica()] as [Resting, Resting],
    opened,
    woken,
    version: () => setting.version,
    use: (resting: Resting) =>
      resting.use(setting.version, { now: Date.now(), overrides: {}, mayTry: true }),
  };
}

type Codes = (target: string, now: number) => number | null;

/** One caller through the hunt a, b, c, decided again if another replica was first. */
async function call(world: ReturnType<typeof aWorld>, resting: Resting, n: number, codes: Codes) {
  const id = `call-${n}`;
  let rest: RestUse = await world.use(resting);
  const d = drive(decision([refer('a'), refer('b'), refer('c')]));
  d.now = Date.now();
  d.resting = (target) => rest.resting(target, id);
  d.hook('call.initiated', { occurredAt: d.now });
  d.accept(d.last('answer'));
  let before = d.call;
  d.hook('call.answered');
  while (!(await resting.take(rest.trials))) {
    rest = await world.use(resting);
    d.call = before;
    d.hook('call.answered', { id: `again-${rest.trials.length}-${Math.random()}` });
  }
  const sent: string[] = [];
  for (;;) {
    const open = d.call.attempts.find(({ verdict }) => verdict === null);
    if (open === undefined) break;
    const target = open.target ?? '';
    sent.push(target);
    d.accept(d.last('refer'));
    const code = codes(target, d.now);
    before = d.call;
    rest = await world.use(resting);
    d.now = Date.now() + SEC;
    const type = code === null ? 'call.refer.completed' : 'call.refer.failed';
    const { call, notices } = d.hook(type, {
      id: `${type}-${sent.length}`,
      sipNotifyResponse: code ?? 200,
      ...stamp(d),
    });
    await resting.take(rest.trials);
    resting.observer.committed(webhook(type), before, call, notices);
    if (code === null) break;
  }
  return sent;
}

/** Whether each target is down, flickers or works, as a pure function of the hour. */
function weather(seed: number): (target: string, now: number) => 'up' | 'down' | 'flickers' {
  return (target, now) => {
    const hour = Math.floor((now - T0) / HOUR);
    const dice = hash(`${seed} ${target} ${hour}`) % 10;
    return dice < 6 ? 'up' : dice < 8 ? 'down' : 'flickers';
  };
}

function hash(text: string): number {
  let value = 2_166_136_261;
  for (const letter of text) value = Math.imul(value ^ letter.charCodeAt(0), 16_777_619) >>> 0;
  return (value ^ (value >>> 13)) >>> 0;
}

it(
  'nobody is left without a try, nothing flaps, and one caller at a time tries what is down',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(1_000_000), async (seed) => {
        vi.setSystemTime(T0);
        const world = aWorld();
        const sky = weather(seed);
        const codes: Codes = (target, now) => {
          const state = sky(target, now);
          const bad = state === 'down' || (state === 'flickers' && hash(`${seed}${now}`) % 2 === 0);
          if (bad) return 503;
          return hash(`${target}${now}`) % 4 === 0 ? 486 : null;
        };
        const tries: Opening[] = [];
        for (let n = 0; Date.now() < T0 + SPAN; n += 1) {
          const gap = ((hash(`${seed} gap ${n}`) % 480) + 1) * SEC;
          await vi.advanceTimersByTimeAsync(gap);
          const many = n % 7 === 0 ? 3 : 1;
          const at = Date.now();
          const sent = await Promise.all(
            Array.from({ length: many }, (_, i) =>
              call(world, world.replicas[(n + i) % 2 === 0 ? 0 : 1], n * 10 + i, codes),
            ),
          );
          for (const each of sent) {
            // Whatever rests, every caller had a target to try.
            expect(each.length).toBeGreaterThan(0);
            for (const target of each) tries.push({ target, at });
          }
        }
        expect(world.opened.length).toBeGreaterThan(3);
        for (const target of ['a', 'b', 'c']) checkOpenings(world, tries, target);
      }),
      { numRuns: Math.ceil(runs(400) / 400) },
    );
  },
  PROPERTY_TIMEOUT_MS,
);

function checkOpenings(
  { opened, woken }: ReturnType<typeof aWorld>,
  tries: Opening[],
  target: string,
): void {
  const own = (list: Opening[]) => list.filter((each) => each.target === target);
  const openings = own(opened);
  const wakings = own(woken);
  // Each change is reported once in total: rest and waking alternate.
  expect([openings.length, openings.length - 1]).toContain(wakings.length);
  // The waits are 30 s, 1, 2 and then 5 minutes; however the target flickers, it does not open more
  // often.
  for (const { at } of openings) {
    const within = openings.filter((each) => each.at >= at && each.at < at + HOUR);
    expect(within.length).toBeLessThanOrEqual(16);
  }
  // c is the last target of the hunt: if a and b rest too, every caller tries it.
  if (target === 'c') return;
  openings.forEach(({ at }, n) => {
    const until = wakings[n]?.at ?? T0 + SPAN;
    const during = own(tries).filter((each) => each.at > at && each.at < until);
    const othersRest = (moment: number) =>
      ['a', 'b', 'c'].every((name) => name === target || restsAt(opened, woken, name, moment));
    const probes = during.filter((each) => !othersRest(each.at));
    // Probes are at 30 s, 90 s, 210 s, then every five minutes.
    expect(probes.length).toBeLessThanOrEqual(4 + Math.ceil((until - at) / (300 * SEC)));
  });
}

function restsAt(opened: Opening[], woken: Opening[], name: string, at: number): boolean {
  const times = (list: Opening[]) =>
    list.filter((each) => each.target === name && each.at <= at).length;
  return times(opened) > times(woken);
}

it('what callees do never puts a target to rest, and healthy targets are never written', async () => {
  const world = aWorld();
  const answers = [486, 600, 603, 404, 480, 408, 487, 484, null];
  for (let n = 0; n < 1_000; n += 1) {
    await vi.advanceTimersByTimeAsync(5 * SEC);
    const codes: Codes = (target) => answers[hash(`${target}${n}`) % answers.length] ?? null;
    await call(world, world.replicas[n % 2 === 0 ? 0 : 1], n, codes);
  }
  expect(world.opened).toEqual([]);
  expect(world.version()).toBe(0);
});

it('of callers on two replicas at the same moment one is let through', async () => {
  const world = aWorld();
  const codes: Codes = (target) => (target === 'a' ? 503 : null);
  for (let n = 0; n < 5; n += 1) await call(world, world.replicas[0], n, codes);
  await vi.advanceTimersByTimeAsync(SEC);
  expect(world.opened).toHaveLength(1);
  const skipped = await call(world, world.replicas[1], 6, codes);
  expect(skipped).toEqual(['b']);
  await vi.advanceTimersByTimeAsync(31 * SEC);
  const sent = await Promise.all(
    [10, 11, 12, 13].map((n) => call(world, world.replicas[n % 2 === 0 ? 0 : 1], n, codes)),
  );
  expect(sent.filter((each) => each[0] === 'a')).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(61 * SEC);
  // It works again: the first call that is let through wakes it for all.
  await call(world, world.replicas[0], 20, () => null);
  await vi.advanceTimersByTimeAsync(SEC);
  expect(world.woken).toHaveLength(1);
  expect(await call(world, world.replicas[1], 21, () => null)).toEqual(['a']);
});
