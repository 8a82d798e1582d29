import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { runExamples } from '../../src/routing/expected/examples.ts';
import { loadCompiled } from '../../src/routing/load.ts';
import {
  type Files,
  PATIENT_HANDLERS,
  problemsOf,
  warningsOf,
  withFolder,
} from './routes-folder.ts';

const PAGES = ['routes.md', 'schedules.md', 'cookbook.md', 'refer.md', 'prove.md'];
/** Variables that the examples in the docs refer to. */
const env = { CRM_TOKEN: 'token' };
const NOW = Date.parse('2026-03-02T15:00:00Z');

/**
 * Each YAML block is a separate set; named blocks in its section (```text lists/x.txt) are its
 * files.
 */
async function setsOf(page: string): Promise<[string, Files][]> {
  const text = await readFile(new URL(`../../docs/${page}`, import.meta.url), 'utf8');
  return text.split(/^(?=##+ )/m).flatMap((section) => {
    const title = /^#+ (.*)/.exec(section)?.[1] ?? 'top';
    const blocks = [...section.matchAll(/^```(\w+)(?: (\S+))?\n([\s\S]*?)^```$/gm)];
    const files = Object.fromEntries(
      blocks.flatMap(([, , name, block]) => (name === undefined ? [] : [[name, block ?? '']])),
    );
    const yaml = blocks.filter(([, language, name]) => language === 'yaml' && name === undefined);
    return yaml.map(([, , , block], i): [string, Files] => [
      `${page}: ${title} (${i + 1})`,
      { ...files, 'main.yaml': block ?? '' },
    ]);
  });
}

const SETS = (await Promise.all(PAGES.map(setsOf))).flat();

describe(`every YAML block of ${PAGES.join(', ')} in docs/`, () => {
  test.each(SETS)('%s is a good set whose examples pass', async (_title, files) => {
    await withFolder(files, async (dir) => {
      const loaded = await loadCompiled(dir, {
        env,
        ...PATIENT_HANDLERS,
        nowMs: NOW,
      });
      expect(problemsOf(loaded)).toEqual([]);
      expect(warningsOf(loaded)).toEqual([]);
      if (!loaded.ok) return;
      const { results: examples } = runExamples(loaded.set, loaded.examples, NOW);
      expect(examples.length).toBeGreaterThan(0);
      expect(examples.filter((example) => !example.ok)).toEqual([]);
    });
  });
});
