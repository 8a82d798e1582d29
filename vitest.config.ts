import { existsSync, statfsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { testFiles } from './test/helpers/kinds.ts';
import { PATIENCE_MS } from './test/helpers/patience.ts';

const { fast, starting } = testFiles();

/** Many short files at the end keep all workers busy until it, whichever long one ends last. */
class StartingFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ project }: TestSpecification) => (project.name === 'starting' ? 0 : 1);
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

/** Where there is room for files in memory: a store that syncs to a disk mostly waits for it. */
function inMemory(): { TMPDIR?: string } {
  const dir = '/dev/shm';
  if (!existsSync(dir)) return {};
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize > 2 ** 30 ? { TMPDIR: dir } : {};
}

export default defineConfig({
  test: {
    // Files leave nothing behind, so they may share what was imported: half of the fast ones' time.
    isolate: false,
    projects: [
      {
        extends: true,
        test: {
          name: 'fast',
          include: fast,
          // What a crash of the machine leaves of a file is the subject of none of them.
          env: inMemory(),
        },
      },
      {
        extends: true,
        test: {
          name: 'starting',
          include: starting,
          setupFiles: ['test/helpers/after-each-file.ts'],
          // A real PostgreSQL, the packed package and the bundled server, made when the first suite
          // asks for them.
          globalSetup: ['postgres', 'package', 'bundle'].map((it) => `test/helpers/${it}-setup.ts`),
        },
      },
    ],
    tags: [
      {
        name: 'long',
        description: 'Searches by chance or has a very large input: not in test:fast',
      },
    ],
    // Files wait for real servers and processes for a third of their time, so one more than there
    // are cores runs. More would starve the timers that some of the subjects live by.
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: StartingFirst },
    // A second, Vitest's own, is not enough for a condition on a machine that others use.
    expect: { poll: { timeout: PATIENCE_MS, interval: 20 } },
    // Time is asserted where it matters. That a test took long says that the machine had much to do.
    testTimeout: 4 * PATIENCE_MS,
    // Hundreds of real processes on a shared CI machine: one that was starved does not decide about a
    // change. The report names what was tried again, and each such test is a defect to be found.
    retry: process.env.CI ? 2 : 0,
    hookTimeout: 4 * PATIENCE_MS,
  },
});
