/** Each fault that is planted in the machine must be found by the search; see mutants.ts. */
import { execFile } from 'node:child_process';
import { readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { COPIED_FOR_ENGINE, ENGINE_MUTANTS, MUTANTS, plant } from './mutants.ts';

const ROOT = join(import.meta.dirname, '../..');
const SECONDS = 60;

test.each(MUTANTS)('found: $name', { timeout: 3 * SECONDS * 1000 }, async (mutant) => {
  const folder = plant(mutant, ROOT);
  try {
    const { plan, world, faults } = mutant;
    const args = ['--plan', plan, '--world', world, '--faults', `${faults}`, '--seed', '1'];
    const { code, output } = await run(folder, 'main.ts', [
      ...args,
      '--seconds',
      `${SECONDS}`,
      '--processes',
      '1',
    ]);
    expect(output).toMatch(/ 1 broken$/m);
    expect(code).toBe(1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each(ENGINE_MUTANTS)(
  'found by the stories of the engine: $name',
  {
    timeout: 3 * SECONDS * 1000,
  },
  async (mutant) => {
    const folder = plant(mutant, ROOT, COPIED_FOR_ENGINE);
    try {
      symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
      const { code, output } = await run(folder, 'engine.ts', ['--seeds', '2000']);
      expect(output).toMatch(/^1 broken$/m);
      expect(code).toBe(1);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);

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
