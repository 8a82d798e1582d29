import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { constants, getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStore } from '../../../src/store/open.ts';
import type { Store } from '../../../src/store/store.ts';
import { aCall, aUnit } from '../../helpers/documents.ts';
import { ours, runScript } from '../../helpers/script.ts';
import { PATIENT } from '../../helpers/waiting.ts';

/** Enough to exceed the 4,096 pages of 4 KB that the log may hold before it is copied. */
const CALLS = 200;
const CALL_BYTES = 100_000;
const ROUNDS = 5;

let folder: string;
let store: Store;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'referee-checkpoint-'));
  store = await openStore({ kind: 'sqlite', path: join(folder, 'referee.db') });
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

test('a log that has grown is copied into the file, while writes go on, and starts again', async () => {
  let more = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let i = 0; i < CALLS; i += 1) await write(`grown-${round}-${i}`, CALL_BYTES);
    expect(log().pages).toBeGreaterThan(4_096);
    await expect
      .poll(async () => {
        more += 1;
        await write(`after-${more}`, 10);
        return log().pages;
      }, PATIENT)
      .toBeLessThan(1_000);
  }
  // The file keeps the size of the longest log that it has held.
  expect(statSync(join(folder, 'referee.db-wal')).size).toBeLessThan(2 * CALLS * CALL_BYTES);
  expect((await store.find('grown-0-0'))?.call.foreignState).toHaveLength(CALL_BYTES);
});

test.runIf(process.platform === 'linux')(
  'the thread that copies leaves the core to whoever answers calls',
  async () => {
    await write('quiet', 10);
    await expect.poll(niceness, PATIENT).toContain(constants.priority.PRIORITY_LOW);
    expect(niceness()).toContain(getPriority());
  },
);

test('a process that forgets to close its store ends all the same, with the thread at rest', async () => {
  const path = join(folder, 'forgotten.db');
  const printed = await runScript(
    `import { DatabaseSync } from 'node:sqlite';
     import { setTimeout } from 'node:timers/promises';
     import { openStore } from ${ours('src/store/open.ts')};
     import { aCall, aUnit } from ${ours('test/helpers/documents.ts')};
     const store = await openStore({ kind: 'sqlite', path: ${JSON.stringify(path)} });
     await store.commit([aUnit(aCall('forgotten', {}), 0)], null);
     const log = new DatabaseSync(${JSON.stringify(path)}).prepare('pragma wal_checkpoint(noop)');
     for (let row = log.get(); row.log !== row.checkpointed; row = log.get()) await setTimeout(20);
     console.log('copied');`,
  );
  expect(printed).toBe('copied\n');
});

// Closing any descriptor of the file would release its locks, whoever opened it. Another program
// could then believe that nobody uses the file.
test.runIf(process.platform === 'linux')(
  'the locks on the file outlive the thread and what it opened',
  async () => {
    const path = join(folder, 'locked.db');
    const locked = await openStore({ kind: 'sqlite', path });
    const { ino } = statSync(path);
    const locks = () =>
      readFileSync('/proc/locks', 'utf8')
        .split('\n')
        .filter((line) => line.includes(`:${ino} `));
    const opened = () =>
      readdirSync('/proc/self/fd').filter((fd) => target(`/proc/self/fd/${fd}`) === path).length;
    try {
      // When the second copy has begun, the first is completely over.
      for (const id of ['first', 'second']) {
        await locked.commit([aUnit(aCall(id, {}), 0)], null);
        expect(locks()).not.toEqual([]);
        await expect.poll(() => log(path).left, PATIENT).toBe(0);
      }
      expect(locks()).not.toEqual([]);
    } finally {
      await locked.close();
    }
    // The two that are always open: the store's and the thread's.
    expect(opened()).toBe(2);
  },
);

function target(link: string): string | null {
  try {
    return readlinkSync(link);
  } catch {
    return null;
  }
}

function write(id: string, bytes: number) {
  return store.commit([aUnit(aCall(id, { foreignState: 'x'.repeat(bytes) }), 0)], null);
}

function log(path = join(folder, 'referee.db')): { pages: number; left: number } {
  const database = new DatabaseSync(path);
  const row = database.prepare('pragma wal_checkpoint(noop)').get();
  database.close();
  return { pages: Number(row?.log), left: Number(row?.log) - Number(row?.checkpointed) };
}

/**
 * The nice values of this process's threads: in proc(5), the 17th field after the name in
 * parentheses.
 */
function niceness(): number[] {
  return readdirSync('/proc/self/task').map((id) => {
    const stat = readFileSync(`/proc/self/task/${id}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
  });
}
