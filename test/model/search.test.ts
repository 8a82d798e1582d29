/**
 * The short form of `npm run prove:machine`: every plan explored in every world, plans drawn by lot,
 * a small plan searched completely, and every story that ever broke an invariant. `MODEL_STATES=20000 npx vitest
 * run test/model` explores further.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { chanceOf } from './chance.ts';
import { drawnSetting } from './drawn.ts';
import { explorationsOf, MUST_OCCUR, PLANS, settingOf, WORLDS } from './plans.ts';
import { explore, type Report, replay, search } from './search.ts';

/** Of each exploration; unset: as many as the plan has in the short form. */
const STATES = process.env.MODEL_STATES === undefined ? null : Number(process.env.MODEL_STATES);
/** Plans drawn by lot. */
const DRAWN = 100;
const NEVER = Number.POSITIVE_INFINITY;
const FOUND = join(import.meta.dirname, 'found');

describe('whatever happens, a caller is moved at most once and every call ends', {
  tags: ['long'],
}, () => {
  const occurred = new Set<string>();

  test.each(Object.keys(PLANS))('%s', { timeout: 60_000 + (STATES ?? 0) * 20 }, (plan) => {
    for (const { world, faults, seed, states } of explorationsOf(plan)) {
      const setting = settingOf(plan, WORLDS[world] ?? expect.fail());
      const limits = { states: STATES ?? states, until: NEVER };
      const report = explore(setting, faults, limits, chanceOf(seed));
      expect(report.found, storyOf(report, plan, world, faults)).toBeNull();
      for (const name of report.happened.keys()) occurred.add(name);
    }
  });

  test('in plans that nobody thought of', { timeout: 60_000 + (STATES ?? 0) * 100 }, () => {
    for (let seed = 1; seed <= DRAWN; seed += 1) {
      const { setting, faults } = drawnSetting(seed);
      const limits = { states: STATES ?? 700, until: NEVER };
      const { found } = explore(setting, faults, limits, chanceOf(seed));
      expect(found, `--drawn 1 --seed ${seed}: ${JSON.stringify(setting)}`).toBeNull();
    }
  });

  test('and the situations that matter have occurred', () => {
    expect(MUST_OCCUR.filter((name) => !occurred.has(name))).toEqual([]);
  });

  test('in every order of what may happen to one target without a fault', {
    timeout: 60_000,
  }, () => {
    const setting = settingOf('one target', WORLDS.plain ?? expect.fail());
    const report = search(setting, 0, { states: NEVER, until: NEVER });
    expect(report.found, storyOf(report, 'one target', 'plain', 0)).toBeNull();
    expect(report.exhausted).toBe(true);
    expect(report.states).toBeGreaterThan(1_000);
  });
});

describe('stories that once broke an invariant', () => {
  const files = readdirSync(FOUND).filter((name) => name.endsWith('.json'));
  test.each(files)('%s', (file) => {
    const kept = JSON.parse(readFileSync(join(FOUND, file), 'utf8'));
    const setting = settingOf(kept.plan, WORLDS[kept.world] ?? expect.fail());
    const { violation, told } = replay(kept.story, setting, kept.faults);
    expect(violation, told.join('\n')).toBeNull();
  });
});

function storyOf({ found }: Report, plan: string, world: string, faults: number): string {
  if (found === null) return '';
  const setting = settingOf(plan, WORLDS[world] ?? expect.fail());
  const { told } = replay(found.story, setting, faults);
  return [`${plan}, ${world}, ${faults} faults`, ...told, found.violation].join('\n');
}
