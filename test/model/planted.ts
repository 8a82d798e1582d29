/**
 * The thread of mutants.test.ts: says what the search, or the stories of the engine, find in each
 * copy that has a fault in it. One for all of them, as Node takes long to get ready for TypeScript.
 */
import { join } from 'node:path';
import { parentPort } from 'node:worker_threads';
import type { Exploration } from './plans.ts';

export interface Asked {
  /** The copy. */
  folder: string;
  /** Explorations, one after the other until one finds something; null: stories of the engine. */
  explorations: Exploration[] | null;
  /** Stories after which it is given up. */
  stories: number;
}

/** What is broken; null: nothing. */
export type Answer = { violation: string | null } | { error: unknown };

parentPort?.on('message', (asked: Asked) => {
  const { folder, explorations } = asked;
  const looking = explorations === null ? told(asked) : explored(folder, explorations);
  looking.then(
    (violation) => parentPort?.postMessage({ violation } satisfies Answer),
    (error: unknown) => parentPort?.postMessage({ error } satisfies Answer),
  );
});

async function explored(folder: string, explorations: Exploration[]): Promise<string | null> {
  const model = (file: string) => import(join(folder, 'test/model', file));
  const { chanceOf }: typeof import('./chance.ts') = await model('chance.ts');
  const { WORLDS, settingOf }: typeof import('./plans.ts') = await model('plans.ts');
  const { explore }: typeof import('./search.ts') = await model('search.ts');
  for (const { plan, world, faults, seed, states } of explorations) {
    const unknowns = WORLDS[world];
    if (unknowns === undefined) throw new Error(`no world ${world}`);
    const limits = { states, until: Number.POSITIVE_INFINITY };
    const { found } = explore(settingOf(plan, unknowns), faults, limits, chanceOf(seed));
    if (found !== null) return found.violation;
  }
  return null;
}

async function told({ folder, stories }: Asked): Promise<string | null> {
  const { tell }: typeof import('./engine.ts') = await import(join(folder, 'test/model/engine.ts'));
  for (let seed = 1; seed <= stories; seed += 1) {
    const { violations } = await tell(seed);
    if (violations.length > 0) return violations.join('; ');
  }
  return null;
}
