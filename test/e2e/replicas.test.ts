/**
 * Two processes on one PostgreSQL: one of them is killed at each interesting point, the other
 * carries on.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { freshDatabase, type TestDatabase } from '../helpers/postgres.ts';
import { differencesIn } from '../helpers/recorded.ts';
import { eventually, Referee } from '../helpers/referee-process.ts';
import { type TcpProxy, tcpProxy } from '../helpers/tcp-proxy.ts';
import { type Asked, ok, TelnyxStandIn, type TestCall } from '../helpers/telnyx-stand-in.ts';

const opened: Scene[] = [];

afterAll(async () => {
  // All of them end before one may fail: what is left would run on.
  const leaks: string[] = [];
  for (const { doomed, other } of opened) {
    leaks.push(...(await doomed.finish()), ...(await other.finish()));
  }
  for (const { telnyx, wire, database } of opened) {
    await telnyx.stop();
    await wire.close();
    const differences = await differencesIn(database.url);
    expect(differences, 'recorded events give the stored calls').toEqual([]);
    expect(telnyx.problems, 'every command is as Telnyx documents it').toEqual([]);
    expect(leaks, 'no secret and no full number was written').toEqual([]);
    await database.drop();
  }
});

interface Scene {
  telnyx: TelnyxStandIn;
  /** Reaches the database through `wire`, and is killed. */
  doomed: Referee;
  other: Referee;
  wire: TcpProxy;
  database: TestDatabase;
  /** Delivers to this one. */
  tell(to: Referee, body: string): Promise<number>;
  call(): TestCall;
}

/** A target patient enough to outlast a dead process's lease. */
const PATIENT = '+14155550101';

let opening: Promise<unknown> = Promise.resolve();

/** One pair of processes starts at a time: six pairs at once are more than two cores carry. */
function openScene(): Promise<Scene> {
  const scene = opening.then(openOne);
  opening = scene.catch(() => {});
  return scene;
}

async function openOne(): Promise<Scene> {
  const database = await freshDatabase();
  const url = new URL(database.url);
  const wire = await tcpProxy({ host: url.hostname, port: Number(url.port) });
  const through = new URL(url);
  through.host = `127.0.0.1:${wire.port}`;
  const telnyx = await new TelnyxStandIn().start();
  const doomed = await Referee.create(telnyx, { DATABASE_URL: through.href });
  const other = await Referee.create(telnyx, { DATABASE_URL: database.url });
  const scene: Scene = {
    telnyx,
    doomed,
    other,
    wire,
    database,
    tell(to, body) {
      telnyx.webhookUrl = `${to.url}/webhooks/telnyx`;
      return telnyx.deliver(body);
    },
    call: () => telnyx.call({ to: PATIENT }),
  };
  opened.push(scene);
  await Promise.all([doomed.start(), other.start()]);
  return scene;
}

const idsOf = (asked: Asked[]) => [...new Set(asked.map(({ body }) => body.command_id))];

/** From the answer on it is the other one's call, and nobody's attempt is made twice. */
async function isCarriedOn({ telnyx, other }: Scene, call: TestCall): Promise<void> {
  telnyx.webhookUrl = `${other.url}/webhooks/telnyx`;
  await call.next('answer', 1, 15_000);
  await call.send('call.answered');
  await call.next('refer', 1, 15_000);
  await call.completes();
  await call.hangsUp();
  const told = await other.ended(call.id);
  expect(told).toMatchObject({ ends: 'referred', attempts: [{ verdict: 'completed' }] });
  expect(told.attempts).toHaveLength(1);
  expect(idsOf(call.commands('answer'))).toHaveLength(1);
  expect(idsOf(call.commands('refer'))).toEqual([told.attempts[0]?.id]);
}

test.concurrent('killed before the commit: no 200, and the second delivery is the first one', async () => {
  const scene = await openScene();
  const call = scene.call();
  const initiated = call.event('call.initiated');
  scene.wire.hold();
  const status = scene.tell(scene.doomed, initiated);
  await scene.doomed.kill();
  expect([0, 503]).toContain(await status);
  expect((await scene.other.api(`/calls/${encodeURIComponent(call.id)}`)).status).toBe(404);
  expect(await scene.tell(scene.other, initiated)).toBe(200);
  await isCarriedOn(scene, call);
});

test.concurrent('killed between commit and 200: the second delivery changes nothing, the command goes out once its lease is over', async () => {
  const scene = await openScene();
  const call = scene.call();
  const initiated = call.event('call.initiated');
  // Only the commit speaks of a call by its name: PostgreSQL does it, and its answer never arrives.
  scene.wire.deafAfter(call.id);
  const status = scene.tell(scene.doomed, initiated);
  await scene.other.until(call.id, ({ phase }) => phase === 'answering');
  await scene.doomed.kill();
  expect([0, 503]).toContain(await status);
  expect(call.commands()).toEqual([]);
  expect(await scene.tell(scene.other, initiated)).toBe(200);
  await isCarriedOn(scene, call);
});

test.concurrent('killed between 200 and the request: the other one sends it', async () => {
  const scene = await openScene();
  const call = scene.call();
  scene.telnyx.deaf = true;
  expect(await scene.tell(scene.doomed, call.event('call.initiated'))).toBe(200);
  await scene.doomed.kill();
  expect(call.commands()).toEqual([]);
  scene.telnyx.deaf = false;
  await isCarriedOn(scene, call);
});

test.concurrent('killed between request and settlement: the identical command once more', async () => {
  const scene = await openScene();
  const { telnyx, doomed, other } = scene;
  telnyx.webhookUrl = `${doomed.url}/webhooks/telnyx`;
  let holding = true;
  telnyx.answer = (asked) => (holding && asked.action === 'refer' ? 'hang' : ok(asked));
  const call = scene.call();
  const first = await call.untilReferred();
  await doomed.kill();
  holding = false;
  telnyx.webhookUrl = `${other.url}/webhooks/telnyx`;
  const second = await call.next('refer', 2, 15_000);
  expect(second.body).toEqual(first.body);
  await call.completes();
  await call.hangsUp();
  expect(await other.ended(call.id)).toMatchObject({
    ends: 'referred',
    attempts: [{ id: first.body.command_id, verdict: 'completed' }],
  });
});

test.concurrent('killed with a deadline pending: the other one sweeps it in time', async () => {
  const scene = await openScene();
  const { telnyx, doomed, other } = scene;
  telnyx.webhookUrl = `${doomed.url}/webhooks/telnyx`;
  const call = telnyx.call({ to: '+14155550100' });
  const first = await call.untilReferred();
  await other.until(call.id, ({ timeline }) =>
    timeline.some(({ id }) => id.includes(`${first.body.command_id}`)),
  );
  await doomed.kill();
  telnyx.webhookUrl = `${other.url}/webhooks/telnyx`;
  await call.next('probe', 1, 20_000);
  const second = await call.next('refer', 2);
  expect(second.body.sip_address).toBe('sip:second@pbx.example.com');
  await call.completes();
  await call.hangsUp();
  const { attempts } = await other.ended(call.id);
  expect(attempts.map(({ verdict }) => verdict)).toEqual(['no_verdict', 'completed']);
});

test.concurrent('a reload asked of one replica reaches the other', async () => {
  const scene = await openScene();
  const replicas = [scene.doomed, scene.other];
  const hashes = () =>
    Promise.all(
      replicas.map(
        async (it) => ((await (await it.api('/routes')).json()) as { hash: string }).hash,
      ),
    );
  const [before] = await hashes();
  for (const { folder } of replicas) {
    await writeFile(join(folder, 'routes', 'more.yaml'), 'lists:\n  vip: [ "+14155550101" ]\n');
  }
  expect((await scene.doomed.api('/routes/reload', {})).status).toBe(200);
  await eventually(async () => {
    const [one, two] = await hashes();
    return one === two && one !== before;
  }, 'both have the new set');
});
