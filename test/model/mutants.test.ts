/**
 * The search must find each fault planted in the machine; see mutants.ts. The first of each kind is
 * looked for with the command itself, the others in a thread: the command takes longer to start
 * than most searches take.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { COPIED_FOR_ENGINE, ENGINE_MUTANTS, type EngineMutant, MUTANTS, plant } from './mutants.ts';
import { explorationsOf } from './plans.ts';
import type { Answer, Asked } from './planted.ts';

const ROOT = join(import.meta.dirname, '../..');
const timeout = 180_000;
/**
 * Many short explorations: one that begins badly may need a million states for what another finds
 * in five thousand.
 */
const [EXPLORATIONS, STATES] = [50, 40_000];
/** Seeds of stories of the engine. */
const STORIES = 2_000;

const thread = new Worker(join(import.meta.dirname, 'planted.ts'), { execArgv: [] });
afterAll(() => thread.terminate());

test.each(MUTANTS)('found: $name', { timeout }, async (mutant) => {
  const { plan, world, faults, seed = 1, inSuite = false } = mutant;
  const folder = planted(mutant);
  if (mutant !== MUTANTS[0]) {
    const explorations = inSuite
      ? explorationsOf(plan)
      : Array.from({ length: EXPLORATIONS }, (_, n) => {
          return { plan, world, faults, seed: seed + n, states: STATES };
        });
    expect(await violation({ folder, explorations, stories: 0 })).toMatch(/\w/);
    return;
  }
  const { code, output } = await run(folder, 'main.ts', [
    ...['--plan', plan, '--world', world, '--faults', `${faults}`, '--seed', `${seed}`],
    ...['--states', '20000', '--processes', '1'],
  ]);
  expect(output).toMatch(/ 1 broken$/m);
  expect(code).toBe(1);
});

test.each(ENGINE_MUTANTS)(
  'found by the stories of the engine: $name',
  { timeout },
  async (mutant) => {
    const folder = planted(mutant, COPIED_FOR_ENGINE);
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    if (mutant !== ENGINE_MUTANTS[0]) {
      const asked = { folder, explorations: null, stories: STORIES };
      expect(await violation(asked)).toMatch(/\w/);
      return;
    }
    const { code, output } = await run(folder, 'engine.ts', ['--seeds', `${STORIES}`]);
    expect(output).toMatch(/^1 broken$/m);
    expect(code).toBe(1);
  },
);

function planted(mutant: EngineMutant, copied?: string[]): string {
  const folder = plant(mutant, ROOT, copied);
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** What is found in the copy; null: nothing. */
async function violation(asked: Asked): Promise<string | null> {
  thread.postMessage(asked);
  const [answer] = (await once(thread, 'message')) as [Answer];
  if ('error' in answer) throw answer.error;
  return answer.violation;
}

function run(
  folder: string,
  script: string,
  args: string[],
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(folder, 'test/model', script), ...args],
      (error, stdout, stderr) => {
        resolve({ code: Number(error?.code ?? 0), output: stdout + stderr });
      },
    );
  });
}

test('docs/proof.md lists every one of them', () => {
  const page = readFileSync(join(ROOT, 'docs/proof.md'), 'utf8');
  for (const { name, plan, world, faults } of MUTANTS) {
    expect(page).toContain(`| ${name} | ${plan} | ${world} | ${faults} |`);
  }
  for (const { name } of ENGINE_MUTANTS) expect(page).toContain(`| ${name} | the engine | – | – |`);
});
