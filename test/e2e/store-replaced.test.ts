/** A 200 is a promise, whatever happens to the database file of a running server. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { eventually, type Referee } from '../helpers/referee-process.ts';
import type { TelnyxStandIn } from '../helpers/telnyx-stand-in.ts';
import { openScene } from './scene.ts';

/** As in docs/operations.md, but without stopping the server first. */
const RESTORE = 'rm -f referee.db referee.db-wal referee.db-shm && cp backup.db referee.db';
const BACKUP = `"${process.execPath}" -e "new (require('node:sqlite').DatabaseSync)('referee.db').exec(\\"vacuum into 'backup.db'\\")"`;

function shell(referee: Referee, command: string): void {
  execFileSync('sh', ['-ec', command], { cwd: referee.folder });
}

/** Delivers the first webhook of new calls and returns the ids of those answered 200. */
async function callsTaken(telnyx: TelnyxStandIn, count: number): Promise<string[]> {
  const calls = Array.from({ length: count }, () => telnyx.call());
  const statuses = await Promise.all(calls.map((call) => call.send('call.initiated')));
  return calls.filter((_, n) => statuses[n] === 200).map(({ id }) => id);
}

/** Calls whose first webhook is delivered until it is taken, as a busy server may ask for. */
async function untilTaken(telnyx: TelnyxStandIn, count: number): Promise<string[]> {
  const calls = Array.from({ length: count }, () => telnyx.call());
  await Promise.all(calls.map((call) => telnyx.deliverUntilTaken(call.event('call.initiated'))));
  return calls.map(({ id }) => id);
}

async function areThere(referee: Referee, ids: string[]): Promise<void> {
  for (const id of ids) {
    const { status } = await referee.api(`/calls/${encodeURIComponent(id)}`);
    expect(status, id).toBe(200);
  }
}

/**
 * Waits until there has been no checkpoint for half a second; only checkpoints write to the
 * database file itself.
 */
async function untilNothingIsCopied(referee: Referee): Promise<void> {
  const path = join(referee.folder, 'referee.db');
  await eventually(async () => {
    const before = statSync(path).mtimeMs;
    await setTimeout(500);
    return statSync(path).mtimeMs === before;
  }, 'no checkpoint');
}

async function isRefused(referee: Referee, words: RegExp): Promise<void> {
  await eventually(async () => (await referee.ready()) === 503, 'not ready');
  const ready = await fetch(`${referee.url}/health/ready`);
  expect(await ready.json()).toMatchObject({
    reason: 'store',
    detail: expect.stringMatching(words),
  });
  await eventually(() => /"event":"sweep\.failed"/.test(referee.output), 'an error says so');
}

test.concurrent('restored without a stop: 503 and not ready; after a restart every 200 since the backup’s time holds', async () => {
  const { telnyx, referee } = await openScene();
  const before = await untilTaken(telnyx, 5);
  shell(referee, BACKUP);
  shell(referee, RESTORE);
  expect(await callsTaken(telnyx, 12)).toEqual([]);
  await isRefused(referee, /the path now has another file.*restart the server/);
  expect(await callsTaken(telnyx, 3)).toEqual([]);

  referee.signal('SIGTERM');
  expect(await referee.exited()).toBe(0);
  await referee.start();
  await areThere(referee, before);
  await areThere(referee, await untilTaken(telnyx, 3));
});

test.concurrent('a backup copied over the open file: 503, the backup stays whole, and the next start says what to remove', async () => {
  const { telnyx, referee } = await openScene();
  const before = await untilTaken(telnyx, 5);
  shell(referee, BACKUP);
  await callsTaken(telnyx, 5);
  // A copy made during the milliseconds of a checkpoint is a mix, which nobody could detect.
  await untilNothingIsCopied(referee);
  shell(referee, 'cp backup.db referee.db');
  expect(await callsTaken(telnyx, 12)).toEqual([]);
  await isRefused(referee, /overwritten or truncated.*stop the server/);

  referee.signal('SIGTERM');
  expect(await referee.exited()).toBe(0);
  const file = (name: string) => readFileSync(join(referee.folder, name));
  expect(file('referee.db').equals(file('backup.db'))).toBe(true);
  shell(referee, RESTORE);
  await referee.start();
  await areThere(referee, before);
});

test.concurrent('the file moved away and back: 503 meanwhile, then it goes on with everything', async () => {
  const { telnyx, referee } = await openScene();
  const before = await untilTaken(telnyx, 5);
  const aside = join(referee.folder, 'aside');
  const files = ['referee.db', 'referee.db-wal', 'referee.db-shm'];
  mkdirSync(aside);
  for (const name of files) renameSync(join(referee.folder, name), join(aside, name));
  expect(await callsTaken(telnyx, 5)).toEqual([]);
  await isRefused(referee, /database file is gone.*move it back/);
  for (const name of files) renameSync(join(aside, name), join(referee.folder, name));
  await eventually(async () => (await referee.ready()) === 200, 'ready again');
  const after = await untilTaken(telnyx, 5);
  await referee.kill();
  await referee.start();
  await areThere(referee, [...before, ...after]);
});
