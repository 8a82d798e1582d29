/**
 * The thread of mutants.test.ts: says what the search, or the stories of the engine, find in each
 * copy that has a fault in it. One for all of them, as Node takes long to get ready for TypeScript.
 */
import { join } from 'node:path';
import { parentPort } from 'node:worker_threads';

export interface Asked {
  /** The copy. */
  folder: string;
  /** A walk through a plan with this seed; null: stories of the engine. */
  walk: { plan: string; world: string; faults: number; seed: number } | null;
  /** States of the walk, or stories, after which it is given up. */
  most: number;
}

/** What is broken; null: nothing. */
export type Answer = { violation: string | null } | { error: unknown };

parentPort?.on('message', (asked: Asked) => {
  const looking = asked.walk === null ? told(asked) : walked(asked, asked.walk);
  looking.then(
    (violation) => parentPort?.postMessage({ violation } satisfies Answer),
    (error: unknown) => parentPort?.postMessage({ error } satisfies Answer),
  );
});

async function walked(
  { folder, most }: Asked,
  { plan, world, faults, seed }: NonNullable<Asked['walk']>,
): Promise<string | null> {
  const model = (file: string) => import(join(folder, 'test/model', file));
  const { chanceOf }: typeof import('./chance.ts') = await model('chance.ts');
  const { WORLDS, settingOf }: typeof import('./plans.ts') = await model('plans.ts');
  const { walk }: typeof import('./search.ts') = await model('search.ts');
  const unknowns = WORLDS[world];
  if (unknowns === undefined) throw new Error(`no world ${world}`);
  const limits = { states: most, until: Number.POSITIVE_INFINITY };
  const { found } = walk(settingOf(plan, unknowns), faults, limits, chanceOf(seed));
  return found?.violation ?? null;
}

async function told({ folder, most }: Asked): Promise<string | null> {
  const { tell }: typeof import('./engine.ts') = await import(join(folder, 'test/model/engine.ts'));
  for (let seed = 1; seed <= most; seed += 1) {
    const { violations } = await tell(seed);
    if (violations.length > 0) return violations.join('; ');
  }
  return null;
}
