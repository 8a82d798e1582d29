/** Workers go from one file to the next, so what a file's cases share is ended after the file. */
import { createRequire } from 'node:module';
import { afterAll } from 'vitest';
import { endScenes } from '../e2e/scene.ts';

const { reset } = createRequire(import.meta.url)('undici/lib/util/timers.js') as {
  reset(): void;
};

afterAll(async () => {
  await endScenes();
  // undici keeps one timer for all its time limits. If it was made while timers were faked, none of
  // them would ever pass again.
  reset();
});
