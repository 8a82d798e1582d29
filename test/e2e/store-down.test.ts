/**
 * The whole service while its store is away, held, or not what it must be. The disk that is full
 * has a file of its own.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, expect, test } from 'vitest';
import { asAdmin, databaseOn, freshDatabase } from '../helpers/postgres.ts';
import { type PostgresServer, startOwnPostgres } from '../helpers/postgres-server.ts';
import { eventually, type Referee, START_MS } from '../helpers/referee-process.ts';
import type { TelnyxStandIn, TestCall } from '../helpers/telnyx-stand-in.ts';
import { openScene } from './scene.ts';

const servers: PostgresServer[] = [];
afterAll(async () => {
  for (const server of servers) await server.stop();
});

const lines = (referee: Referee, event: string) =>
  referee.output.split('\n').filter((line) => line.includes(`"event":"${event}"`));

/** From the first webhook to the end, after whatever happened before. */
async function takesCalls(telnyx: TelnyxStandIn, referee: Referee, call: TestCall): Promise<void> {
  await call.next('answer');
  await telnyx.deliverUntilTaken(call.event('call.answered'));
  await call.next('refer');
  await telnyx.deliverUntilTaken(call.event('call.refer.completed', { sip_notify_response: 200 }));
  await telnyx.deliverUntilTaken(call.event('call.hangup', {}));
  expect(await referee.ended(call.id, 20_000)).toMatchObject({ ends: 'referred' });
}

async function isNotReady(referee: Referee): Promise<string> {
  await eventually(async () => (await referee.ready()) === 503, 'ready 503');
  const ready = await fetch(`${referee.url}/health/ready`);
  expect(ready.headers.get('retry-after')).toBe('1');
  expect((await fetch(`${referee.url}/health/live`)).status).toBe(200);
  return ((await ready.json()) as { detail: string }).detail;
}

test.concurrent('SQLite held by another process: 503 until it is let go, and nothing half done', async () => {
  const { telnyx, referee } = await openScene();
  const call = telnyx.call({ to: '+14155550107' });
  const initiated = call.event('call.initiated');
  const other = new DatabaseSync(join(referee.folder, 'referee.db'));
  other.exec('begin immediate');
  for (let nth = 0; nth < 5; nth += 1) expect(await telnyx.deliver(initiated)).toBe(503);
  expect(await isNotReady(referee)).toMatch(/busy: another process writes to it/);
  expect(call.commands()).toEqual([]);
  other.exec('rollback');
  other.close();
  await eventually(async () => (await referee.ready()) === 200, 'ready again');
  await telnyx.deliverUntilTaken(initiated);
  await takesCalls(telnyx, referee, call);
  expect(lines(referee, 'webhook.unavailable').length).toBeLessThanOrEqual(2);
});

test.concurrent('a file that is corrupt: not ready, one line that says what to do; a backup in its place is enough', async () => {
  const { telnyx, referee } = await openScene();
  const before = telnyx.call();
  await before.untilReferred();
  const path = join(referee.folder, 'referee.db');
  const backup = join(referee.folder, 'backup.db');
  execFileSync(process.execPath, [
    '-e',
    `new (require('node:sqlite').DatabaseSync)(${JSON.stringify(path)}).exec("vacuum into '${backup}'")`,
  ]);
  await referee.kill();
  for (const name of ['-wal', '-shm']) rmSync(path + name, { force: true });
  writeFileSync(path, 'SQLite format 3\0'.padEnd(8_192, 'corrupt '));
  const starting = referee.start();
  await eventually(() => lines(referee, 'store.unavailable').length > 0, 'the line', START_MS);
  expect(lines(referee, 'store.unavailable')[0]).toMatch(
    /referee\.db: .*(corrupt|not an SQLite database).*restore a backup/,
  );
  await isNotReady(referee);
  expect(await telnyx.deliver(telnyx.call().event('call.initiated'))).toBe(503);
  copyFileSync(backup, path);
  await starting;
  expect(lines(referee, 'store.unavailable')).toHaveLength(1);
  expect(await before.completes()).toBe(200);
  await before.hangsUp();
  expect(await referee.ended(before.id)).toMatchObject({ ends: 'referred' });
});

test.concurrent('a file of newer code is left alone: not ready, and the line says so', async () => {
  const { telnyx, referee } = await openScene();
  const path = join(referee.folder, 'referee.db');
  await referee.kill();
  const newer = new DatabaseSync(path);
  const ours = newer.prepare('select version, oldest_code from schema').get();
  newer.exec('update schema set version = 99, oldest_code = 99');
  const starting = referee.start();
  await eventually(() => lines(referee, 'store.unavailable').length > 0, 'the line', START_MS);
  expect(lines(referee, 'store.unavailable')[0]).toMatch(/schema 99 .*code version 99 and newer/);
  await isNotReady(referee);
  expect(await telnyx.deliver(telnyx.call().event('call.initiated'))).toBe(503);
  newer
    .prepare('update schema set version = ?, oldest_code = ?')
    .run(Number(ours?.version), Number(ours?.oldest_code));
  newer.close();
  await starting;
  expect(lines(referee, 'store.unavailable')).toHaveLength(1);
  const call = telnyx.call({ to: '+14155550107' });
  expect(await call.send('call.initiated')).toBe(200);
  await takesCalls(telnyx, referee, call);
});

test.concurrent('PostgreSQL stopped and started: 503 meanwhile, then on by itself, with one line for each part', async () => {
  const server = await startOwnPostgres();
  servers.push(server);
  const { telnyx, referee } = await openScene({ DATABASE_URL: (await databaseOn(server.url)).url });
  const before = telnyx.call({ to: '+14155550107' });
  await before.untilReferred();
  await server.halt();
  const call = telnyx.call({ to: '+14155550107' });
  const initiated = call.event('call.initiated');
  for (let nth = 0; nth < 5; nth += 1) expect(await telnyx.deliver(initiated)).toBe(503);
  await isNotReady(referee);
  await server.start();
  await eventually(async () => (await referee.ready()) === 200, 'ready again', 20_000);
  await telnyx.deliverUntilTaken(initiated);
  await takesCalls(telnyx, referee, call);
  await before.completes();
  await before.hangsUp();
  expect(await referee.ended(before.id)).toMatchObject({ ends: 'referred' });
  // A cut connection, a refused one, and a server that is starting are news, each once for each
  // part.
  for (const event of ['webhook.unavailable', 'sweep.failed', 'outbox.unreadable']) {
    expect(lines(referee, event).length, event).toBeLessThanOrEqual(4);
  }
  const jobs = Map.groupBy(
    lines(referee, 'upkeep.failed').map((line) => (JSON.parse(line) as { job: string }).job),
    (job) => job,
  );
  for (const [job, own] of jobs) expect(own.length, job).toBeLessThanOrEqual(4);
});

test.concurrent('connections ended by the server again and again: every call comes to its end, moved once', async () => {
  const database = await freshDatabase();
  const { telnyx, referee } = await openScene({ DATABASE_URL: database.url });
  const calls = Array.from({ length: 20 }, () => telnyx.call({ to: '+14155550107' }));
  let cutting = true;
  const cutter = (async () => {
    while (cutting) {
      await asAdmin(
        database.url,
        'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()',
      );
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
  })();
  const playing = Promise.all(
    calls.map(async (call) => {
      await telnyx.deliverUntilTaken(call.event('call.initiated'));
      await call.next('answer', 1, 30_000);
      await telnyx.deliverUntilTaken(call.event('call.answered'));
      await call.next('refer', 1, 30_000);
      await telnyx.deliverUntilTaken(
        call.event('call.refer.completed', { sip_notify_response: 200 }),
      );
      await telnyx.deliverUntilTaken(call.event('call.hangup', {}));
    }),
  );
  await Promise.race([playing, new Promise((resolve) => setTimeout(resolve, 3_000))]);
  cutting = false;
  await cutter;
  await playing;
  for (const call of calls) {
    const { ends, attempts } = await referee.ended(call.id, 20_000);
    expect({ ends, attempts: attempts.length }).toEqual({ ends: 'referred', attempts: 1 });
    expect(new Set(call.commands('refer').map(({ body }) => body.command_id)).size).toBe(1);
  }
});
