/**
 * The whole service while its store is unreachable, blocked, or not as expected. The full disk has
 * its own test file. A start of the server is what costs, so one server goes through all that
 * happens to its store, step by step.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, expect, test } from 'vitest';
import { PATIENCE_MS } from '../helpers/patience.ts';
import { asAdmin, databaseOn } from '../helpers/postgres.ts';
import { type PostgresServer, startOwnPostgres } from '../helpers/postgres-server.ts';
import { ADMIN_TOKEN, eventually, type Referee, START_MS } from '../helpers/referee-process.ts';
import { step } from '../helpers/step.ts';
import type { TelnyxStandIn, TestCall } from '../helpers/telnyx-stand-in.ts';
import { openScene, type Scene } from './scene.ts';

/** Three starts in turn, or two of PostgreSQL; a busy machine may take long for each. */
const STEPS = { timeout: 16 * PATIENCE_MS };

const servers: PostgresServer[] = [];
afterAll(async () => {
  for (const server of servers) await server.stop();
});

const linesIn = (output: string, event: string) =>
  output.split('\n').filter((line) => line.includes(`"event":"${event}"`));

/** Lines about an event that it writes from now on. */
function linesFromNow(referee: Referee): (event: string) => string[] {
  const from = referee.output.length;
  return (event) => linesIn(referee.output.slice(from), event);
}

/**
 * For a reason, one line is written at once, and one for each ten seconds counts the others. So the
 * time that has passed bounds the lines for each reason, however slow the machine. A slow machine
 * has more reasons: a store that does not answer in time, and one that says why.
 */
function expectFewRefusals(referee: Referee, startedAt: number): void {
  const most = 2 * Math.ceil((performance.now() - startedAt) / 10_000);
  const lines = linesIn(referee.output, 'webhook.unavailable').map(
    (line) => (JSON.parse(line) as { reason: string }).reason,
  );
  for (const [reason, own] of Map.groupBy(lines, (each) => each)) {
    expect(own.length, reason).toBeLessThanOrEqual(most);
  }
}

/** The service handles a call from the first webhook to the end. */
async function takesCalls(telnyx: TelnyxStandIn, referee: Referee, call: TestCall): Promise<void> {
  await call.next('answer');
  await telnyx.deliverUntilTaken(call.event('call.answered'));
  await call.next('refer');
  await telnyx.deliverUntilTaken(call.event('call.refer.completed', { sip_notify_response: 200 }));
  await telnyx.deliverUntilTaken(call.event('call.hangup', {}));
  expect(await referee.ended(call.id)).toMatchObject({ ends: 'referred' });
}

/** A machine that is slow hears first that the store has not answered, and then why. */
async function isNotReady(referee: Referee, why = /./): Promise<void> {
  let detail = '';
  await eventually(
    async () => {
      const ready = await fetch(`${referee.url}/health/ready`).catch(() => null);
      if (ready?.status !== 503) return false;
      expect(ready.headers.get('retry-after')).toBe('1');
      ({ detail } = (await ready.json()) as { detail: string });
      return why.test(detail);
    },
    () => `ready 503 with ${why}; it said: ${detail}`,
  );
  expect((await fetch(`${referee.url}/health/live`)).status).toBe(200);
}

async function scrape({ url }: Referee): Promise<string> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  return (await fetch(`${url}/metrics`, { headers })).text();
}

test.concurrent('an SQLite file that is held, corrupt, or of newer code', STEPS, async () => {
  const scene = await openScene();
  await step('held by another process: 503 until it is let go, and nothing half done', () =>
    held(scene),
  );
  await step(
    'corrupt: not ready, one line that says what to do; a backup in its place is enough',
    () => corrupt(scene),
  );
  await step('of newer code: left alone, not ready, and the line says so', () => newer(scene));
});

async function held({ telnyx, referee }: Scene): Promise<void> {
  const call = telnyx.call({ to: '+14155550107' });
  const initiated = call.event('call.initiated');
  // The server writes too, now and then: without a time to wait, that would be an error here.
  const other = new DatabaseSync(join(referee.folder, 'referee.db'), { timeout: PATIENCE_MS });
  other.exec('begin immediate');
  const startedAt = performance.now();
  for (let nth = 0; nth < 5; nth += 1) expect(await telnyx.deliver(initiated)).toBe(503);
  await isNotReady(referee, /busy: another process writes to it/);
  expect(call.commands()).toEqual([]);
  other.exec('rollback');
  other.close();
  await eventually(async () => (await referee.ready()) === 200, 'ready again');
  await telnyx.deliverUntilTaken(initiated);
  await takesCalls(telnyx, referee, call);
  expectFewRefusals(referee, startedAt);
}

async function corrupt({ telnyx, referee }: Scene): Promise<void> {
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
  const lines = linesFromNow(referee);
  const starting = referee.start();
  await eventually(() => lines('store.unavailable').length > 0, 'the line', START_MS);
  expect(lines('store.unavailable')[0]).toMatch(
    /referee\.db: .*(corrupt|not an SQLite database).*restore a backup/,
  );
  await isNotReady(referee);
  expect(await scrape(referee)).toMatch(/^referee_ready 0$/m);
  expect(await scrape(referee)).toMatch(
    /^referee_problems\{kind="store.unavailable",severity="error"\} 1$/m,
  );
  expect(await telnyx.deliver(telnyx.call().event('call.initiated'))).toBe(503);
  copyFileSync(backup, path);
  await starting;
  expect(await scrape(referee)).toMatch(/^referee_ready 1$/m);
  expect(lines('store.unavailable')).toHaveLength(1);
  expect(await before.completes()).toBe(200);
  await before.hangsUp();
  expect(await referee.ended(before.id)).toMatchObject({ ends: 'referred' });
}

async function newer({ telnyx, referee }: Scene): Promise<void> {
  const path = join(referee.folder, 'referee.db');
  await referee.kill();
  const newer = new DatabaseSync(path);
  const ours = newer.prepare('select version, oldest_code from schema').get();
  newer.exec('update schema set version = 99, oldest_code = 99');
  const lines = linesFromNow(referee);
  const starting = referee.start();
  await eventually(() => lines('store.unavailable').length > 0, 'the line', START_MS);
  expect(lines('store.unavailable')[0]).toMatch(/schema 99 .*code version 99 and newer/);
  await isNotReady(referee);
  expect(await telnyx.deliver(telnyx.call().event('call.initiated'))).toBe(503);
  newer
    .prepare('update schema set version = ?, oldest_code = ?')
    .run(Number(ours?.version), Number(ours?.oldest_code));
  newer.close();
  await starting;
  expect(lines('store.unavailable')).toHaveLength(1);
  const call = telnyx.call({ to: '+14155550107' });
  expect(await call.send('call.initiated')).toBe(200);
  await takesCalls(telnyx, referee, call);
}

test.concurrent('a PostgreSQL that stops, or ends connections', STEPS, async () => {
  const server = await startOwnPostgres();
  servers.push(server);
  const { url } = await databaseOn(server.url);
  const scene = await openScene({ DATABASE_URL: url });
  await step(
    'stopped and started: 503 meanwhile, then on by itself, with one line for each part',
    () => stopped(scene, server),
  );
  await step(
    'no room for new rows, though its pulse can be written: not ready until there is',
    () => withoutRoom(scene, url),
  );
  await step(
    'connections ended by the server again and again: every call comes to its end, moved once',
    () => cut(scene, url),
  );
});

async function stopped({ telnyx, referee }: Scene, server: PostgresServer): Promise<void> {
  const before = telnyx.call({ to: '+14155550107' });
  await before.untilReferred();
  const startedAt = performance.now();
  await server.halt();
  const call = telnyx.call({ to: '+14155550107' });
  const initiated = call.event('call.initiated');
  for (let nth = 0; nth < 5; nth += 1) expect(await telnyx.deliver(initiated)).toBe(503);
  await isNotReady(referee);
  await server.start();
  await eventually(async () => (await referee.ready()) === 200, 'ready again');
  await telnyx.deliverUntilTaken(initiated);
  await takesCalls(telnyx, referee, call);
  await before.completes();
  await before.hangsUp();
  expect(await referee.ended(before.id)).toMatchObject({ ends: 'referred' });
  // A cut connection, a refused one, a starting server: how many of them it meets depends on how
  // slow the machine is, but it says each once for a part, and not each time that it tries.
  for (const [what, own] of Map.groupBy(failuresIn(referee.output), (each) => each)) {
    expect(own.length, what).toBeLessThanOrEqual(2);
  }
  const tenSecs = Math.ceil((performance.now() - startedAt) / 10_000);
  expect(linesIn(referee.output, 'outbox.unreadable').length).toBeLessThanOrEqual(1 + tenSecs);
  expectFewRefusals(referee, startedAt);
}

/** As on a full disk, on which what is written over existing rows still succeeds. */
async function withoutRoom({ telnyx, referee }: Scene, url: string): Promise<void> {
  await asAdmin(
    url,
    `create function no_room() returns trigger language plpgsql as $$ begin
       raise exception 'could not extend file' using errcode = 'disk_full'; end $$;
     create trigger no_room before insert on calls for each row execute function no_room()`,
  );
  const call = telnyx.call({ to: '+14155550107' });
  const initiated = call.event('call.initiated');
  await eventually(async () => {
    expect(await telnyx.deliver(initiated)).toBe(503);
    const ready = await fetch(`${referee.url}/health/ready`);
    return ready.status === 503 && (await ready.text()).includes('its disk is full');
  }, 'ready 503 with the cause');
  await asAdmin(url, 'drop trigger no_room on calls; drop function no_room');
  await telnyx.deliverUntilTaken(initiated);
  expect(await referee.ready()).toBe(200);
  await takesCalls(telnyx, referee, call);
}

/** The part of each failure, and what it says. */
function failuresIn(output: string): string[] {
  const lines = [...linesIn(output, 'sweep.failed'), ...linesIn(output, 'upkeep.failed')];
  return lines.map((line) => {
    const {
      event,
      job = '',
      err,
    } = JSON.parse(line) as {
      event: string;
      job?: string;
      err: { message: string };
    };
    return `${event} ${job} ${err.message}`;
  });
}

async function cut({ telnyx, referee }: Scene, url: string): Promise<void> {
  const calls = Array.from({ length: 20 }, () => telnyx.call({ to: '+14155550107' }));
  let cutting = true;
  const cutter = (async () => {
    while (cutting) {
      await asAdmin(
        url,
        'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()',
      );
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
  })();
  const playing = Promise.all(
    calls.map(async (call) => {
      await telnyx.deliverUntilTaken(call.event('call.initiated'));
      await call.next('answer');
      await telnyx.deliverUntilTaken(call.event('call.answered'));
      await call.next('refer');
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
    const { ends, attempts } = await referee.ended(call.id);
    expect({ ends, attempts: attempts.length }).toEqual({ ends: 'referred', attempts: 1 });
    expect(new Set(call.commands('refer').map(({ body }) => body.command_id)).size).toBe(1);
  }
}
