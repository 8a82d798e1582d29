/**
 * Two processes on one PostgreSQL: one of them is killed at each interesting point, the other
 * carries on. All tests use one pair, and share starts and kills where possible.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { freshDatabase, type TestDatabase } from '../helpers/postgres.ts';
import { differencesIn } from '../helpers/recorded.ts';
import { eventually, Referee } from '../helpers/referee-process.ts';
import { type TcpProxy, tcpProxy } from '../helpers/tcp-proxy.ts';
import { type Asked, ok, TelnyxStandIn, type TestCall } from '../helpers/telnyx-stand-in.ts';
import { shared } from './scene.ts';

// The tests wait for each other: their processes start again and again on two cores.
vi.setConfig({ testTimeout: 240_000 });

const opened: Scene[] = [];

afterAll(async () => {
  // All of them are ended before any failure is thrown, because the rest would keep running.
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
  /** The one that is killed. It reaches the database through `wire`. */
  doomed: Referee;
  /** Gets every webhook that is not delivered to the doomed process. */
  other: Referee;
  wire: TcpProxy;
  database: TestDatabase;
  /** Delivers a webhook to the doomed process. */
  tell(body: string): Promise<number>;
  call(): TestCall;
}

/**
 * For commands that wait until the dead process's lease expires: ten seconds, and the same again if
 * the next doomed process claimed them and died.
 */
const TAKEN_OVER_MS = 60_000;

/** A target whose timeout outlasts a dead process's lease. */
const PATIENT = '+14155550101';

const openScene = shared(async (): Promise<Scene> => {
  const database = await freshDatabase();
  const url = new URL(database.url);
  const wire = await tcpProxy({ host: url.hostname, port: Number(url.port) });
  const through = new URL(url);
  through.host = `127.0.0.1:${wire.port}`;
  const telnyx = await new TelnyxStandIn().start();
  // The webhooks' destination is set here, not by the process that started last.
  const account = { apiUrl: telnyx.apiUrl, publicKey: telnyx.publicKey, webhookUrl: '' };
  const doomed = await Referee.create(account, { DATABASE_URL: through.href });
  const other = await Referee.create(account, { DATABASE_URL: database.url });
  const scene: Scene = {
    telnyx,
    doomed,
    other,
    wire,
    database,
    tell(body) {
      telnyx.webhookUrl = `${doomed.url}/webhooks/telnyx`;
      const status = telnyx.deliver(body);
      telnyx.webhookUrl = `${other.url}/webhooks/telnyx`;
      return status;
    },
    call: () => telnyx.call({ to: PATIENT }),
  };
  opened.push(scene);
  await Promise.all([doomed.start(), other.start()]);
  telnyx.webhookUrl = `${other.url}/webhooks/telnyx`;
  return scene;
});

let turns: Promise<unknown> = Promise.resolve();

/**
 * Turns run one after another, in the order of the tests' requests. Each begins with a running
 * doomed process and a wire that passes everything. The other process handles a kill while the next
 * turn runs.
 */
function turn<T>(act: (scene: Scene) => Promise<T>): Promise<T> {
  const mine = turns.then(async () => {
    const scene = await openScene();
    if ((await scene.doomed.ready()) === 0) {
      scene.wire.cut();
      scene.wire.pass();
      await scene.doomed.start();
    }
    return act(scene);
  });
  turns = mine.catch(() => {});
  return mine;
}

const idsOf = (asked: Asked[]) => [...new Set(asked.map(({ body }) => body.command_id))];

/** After the answer the other process carries on with the call, and no attempt is made twice. */
async function isCarriedOn({ other }: Scene, call: TestCall): Promise<void> {
  await call.next('answer', 1, TAKEN_OVER_MS);
  await call.send('call.answered');
  await call.next('refer', 1, TAKEN_OVER_MS);
  await call.completes();
  await call.hangsUp();
  const told = await other.ended(call.id);
  expect(told).toMatchObject({ ends: 'referred', attempts: [{ verdict: 'completed' }] });
  expect(told.attempts).toHaveLength(1);
  expect(idsOf(call.commands('answer'))).toHaveLength(1);
  expect(idsOf(call.commands('refer'))).toEqual([told.attempts[0]?.id]);
}

test.concurrent('a reload asked of one replica reaches the other', async () => {
  await turn(async (scene) => {
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
});

test.concurrent('killed before the commit: no 200, and the second delivery is the first one', async () => {
  const { scene, call, initiated } = await turn(async (scene) => {
    const call = scene.call();
    const initiated = call.event('call.initiated');
    scene.wire.hold();
    const status = scene.tell(initiated);
    await scene.doomed.kill();
    expect([0, 503]).toContain(await status);
    return { scene, call, initiated };
  });
  const { other, telnyx } = scene;
  expect((await other.api(`/calls/${encodeURIComponent(call.id)}`)).status).toBe(404);
  expect(await telnyx.deliver(initiated)).toBe(200);
  await isCarriedOn(scene, call);
});

test.concurrent('killed between commit and 200: the second delivery changes nothing, the command goes out once its lease is over', async () => {
  const { scene, call, initiated } = await turn(async (scene) => {
    const call = scene.call();
    const initiated = call.event('call.initiated');
    // Only the commit contains the call's id. PostgreSQL executes it, and its answer never arrives.
    scene.wire.deafAfter(call.id);
    const status = scene.tell(initiated);
    await scene.other.until(call.id, ({ phase }) => phase === 'answering');
    await scene.doomed.kill();
    expect([0, 503]).toContain(await status);
    return { scene, call, initiated };
  });
  expect(call.commands()).toEqual([]);
  expect(await scene.telnyx.deliver(initiated)).toBe(200);
  await isCarriedOn(scene, call);
});

/** One kill that hits three calls, each at a different point. */
const killedOnce = shared(() =>
  turn(async (scene) => {
    const { telnyx, doomed, other } = scene;
    const refer = async (call: TestCall): Promise<Asked> => {
      await scene.tell(call.event('call.initiated'));
      await call.next('answer');
      await scene.tell(call.event('call.answered'));
      return call.next('refer');
    };
    const unsettled = scene.call();
    telnyx.answer = (asked) =>
      asked.callId === unsettled.id && asked.action === 'refer' ? 'hang' : ok(asked);
    const hanging = await refer(unsettled);

    const pending = telnyx.call({ to: '+14155550100' });
    const timed = await refer(pending);
    await other.until(pending.id, ({ timeline }) =>
      timeline.some(({ id }) => id.includes(`${timed.body.command_id}`)),
    );

    const unsent = scene.call();
    telnyx.deaf = unsent.id;
    expect(await scene.tell(unsent.event('call.initiated'))).toBe(200);
    await doomed.kill();
    expect(unsent.commands()).toEqual([]);
    telnyx.deaf = false;
    telnyx.answer = ok;
    return { scene, unsent, unsettled, hanging, pending };
  }),
);

test.concurrent('killed between 200 and the request: the other one sends it', async () => {
  const { scene, unsent } = await killedOnce();
  await isCarriedOn(scene, unsent);
});

test.concurrent('killed between request and settlement: the identical command once more', async () => {
  const { scene, unsettled: call, hanging: first } = await killedOnce();
  const second = await call.next('refer', 2, TAKEN_OVER_MS);
  expect(second.body).toEqual(first.body);
  await call.completes();
  await call.hangsUp();
  expect(await scene.other.ended(call.id)).toMatchObject({
    ends: 'referred',
    attempts: [{ id: first.body.command_id, verdict: 'completed' }],
  });
});

test.concurrent('killed with a deadline pending: the other one sweeps it in time', async () => {
  const { scene, pending: call } = await killedOnce();
  await call.next('probe', 1, TAKEN_OVER_MS);
  const second = await call.next('refer', 2);
  expect(second.body.sip_address).toBe('sip:second@pbx.example.com');
  await call.completes();
  await call.hangsUp();
  const { attempts } = await scene.other.ended(call.id);
  expect(attempts.map(({ verdict }) => verdict)).toEqual(['no_verdict', 'completed']);
});
