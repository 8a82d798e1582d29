/**
 * What happens if something never arrives, or arrives too late. Short timeouts of the targets
 * reduce this to seconds. Before a deadline concludes, Telnyx is asked, and it is counted how often
 * that changed the answer.
 */
import { beforeAll, expect, test } from 'vitest';
import { freePort } from '../helpers/free-port.ts';
import { ADMIN_TOKEN, type ApiCall } from '../helpers/referee-process.ts';
import { tcpProxy } from '../helpers/tcp-proxy.ts';
import { type Asked, ok, type TelnyxStandIn } from '../helpers/telnyx-stand-in.ts';
import { openScene, type Scene } from './scene.ts';

let scene: Scene;
/** Legs that Telnyx says are dead: each is counted once, whatever else it tells. */
const dead = new Set<string>();

beforeAll(async () => {
  scene = await openScene();
  scene.telnyx.answer = (asked: Asked) =>
    asked.action === 'probe' && dead.has(asked.callId)
      ? { status: 200, body: { data: { is_alive: false } } }
      : ok(asked);
});

const isAccepted = ({ type }: ApiCall['timeline'][number]) => type === 'command.accepted';

function addressOf({ apiUrl }: TelnyxStandIn): { host: string; port: number } {
  const { hostname, port } = new URL(apiUrl);
  return { host: hostname, port: Number(port) };
}

test.concurrent('a target that accepts and says nothing is asked after, then given up for the next', async ({
  expect,
}) => {
  const call = scene.telnyx.call();
  await call.untilReferred();
  await call.next('probe');
  await call.next('refer', 2);
  await call.completes();
  await call.hangsUp();
  const { attempts, ends } = await scene.referee.ended(call.id);
  expect(attempts.map(({ verdict }) => verdict)).toEqual(['no_verdict', 'completed']);
  expect(ends).toBe('referred');
});

test.concurrent('Telnyx is out of reach for the time of every step: the first target is still the first', async ({
  expect,
}) => {
  const port = await freePort();
  const reach = () => tcpProxy(addressOf(telnyx), port);
  const { telnyx, referee } = await openScene({ TELNYX_API_URL: `http://127.0.0.1:${port}/v2` });
  let proxy = await reach();
  const call = telnyx.call();
  await call.send('call.initiated');
  await call.next('answer');
  await referee.until(call.id, ({ timeline }) => timeline.some(isAccepted));
  await proxy.close();
  await call.send('call.answered');
  await referee.until(call.id, ({ attempts }) => attempts.length > 3);

  proxy = await reach();
  expect((await call.next('refer')).body.sip_address).toBe('sip:first@pbx.example.com');
  await call.completes();
  await call.hangsUp();
  const { attempts, ends } = await referee.ended(call.id);
  expect(ends).toBe('referred');
  expect(attempts.map(({ target }) => target)).toEqual(attempts.map(() => 'first'));
  expect(call.commands('refer')).toHaveLength(1);
  // What Telnyx was never asked for says nothing about the target.
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const metrics = await (await fetch(`${referee.url}/metrics`, { headers })).text();
  expect(metrics).toMatch(/^referee_attempts_total\{[^}]*target="first"[^}]*\} 1$/m);
  expect(metrics).not.toMatch(/^referee_verdicts_total\{[^}]*verdict="no_verdict"[^}]*\} [1-9]/m);
  const stats = await (await fetch(`${referee.url}/v1/stats`, { headers })).json();
  expect(stats).toMatchObject({
    calls: { attempts_per_call: 1 },
    targets: [{ target: 'first', attempts: 1, success_rate: 1 }],
  });
  await proxy.close();
});

test.concurrent('a target that began to ring and never ended is not called over: the caller hears why', async ({
  expect,
}) => {
  const call = scene.telnyx.call();
  await call.untilReferred();
  await call.send('call.refer.started', { sip_notify_response: 180 });
  const speak = await call.next('speak');
  expect(speak.body.payload).toBe('Sorry, nobody can take your call.');
  await call.send('call.speak.ended', { status: 'completed' });
  await call.next('hangup');
  await call.hangsUp();
  const { attempts } = await scene.referee.ended(call.id);
  expect(attempts.map(({ verdict }) => verdict)).toEqual(['no_verdict']);
  expect(call.commands('refer')).toHaveLength(1);
});

test.concurrent('a completed after we gave up still counts, and stops what was under way', async ({
  expect,
}) => {
  const call = scene.telnyx.call();
  const first = await call.untilReferred();
  await call.next('refer', 2);
  await call.send('call.refer.completed', {
    sip_notify_response: 200,
    client_state: first.body.client_state,
  });
  await call.hangsUp();
  const { attempts, ends } = await scene.referee.ended(call.id);
  expect(ends).toBe('referred');
  expect(attempts[0]).toMatchObject({ verdict: 'completed' });
  expect(call.commands('refer')).toHaveLength(2);
});

test.concurrent('a leg that the probe finds dead is a hangup seen late', async ({ expect }) => {
  const call = scene.telnyx.call();
  dead.add(call.id);
  await call.untilReferred();
  expect(await scene.referee.ended(call.id)).toMatchObject({ ends: 'unconfirmed' });
  expect(call.commands('refer')).toHaveLength(1);
});

test.concurrent('hangup while an accepted REFER is open: unconfirmed, until the final event says abandoned', async ({
  expect,
}) => {
  const call = scene.telnyx.call({ to: '+14155550101' });
  await call.untilReferred();
  await scene.referee.until(call.id, ({ timeline }) =>
    timeline.some(({ type }) => type === 'command.accepted'),
  );
  await call.hangsUp();
  const told = await scene.referee.ended(call.id);
  expect(told).toMatchObject({ ends: 'unconfirmed', attempts: [{ verdict: 'no_verdict' }] });
  await call.fails(487);
  await scene.referee.until(call.id, ({ ends }) => ends === 'abandoned');
  expect(call.commands('refer')).toHaveLength(1);
});

test.concurrent('a target may say that a goodbye without a verdict counts as arrived', async ({
  expect,
}) => {
  const call = scene.telnyx.call({ to: '+14155550103' });
  await call.untilReferred();
  await call.send('call.refer.started', { sip_notify_response: 100 });
  await call.hangsUp();
  const told = await scene.referee.ended(call.id);
  expect(told).toMatchObject({ ends: 'referred', attempts: [{ verdict: 'completed' }] });
});

test.concurrent('the hangup before the answer: nothing more is sent', async ({ expect }) => {
  const call = scene.telnyx.call();
  await call.send('call.initiated');
  await call.next('answer');
  await call.hangsUp({ hangup_cause: 'originator_cancel', sip_hangup_cause: '487' });
  await call.send('call.answered');
  expect(await scene.referee.ended(call.id)).toMatchObject({ ends: 'abandoned', attempts: [] });
  expect(call.commands().map(({ action }) => action)).toEqual(['answer']);
});

test.concurrent('an answered that never comes: asked after 10 s, then moved anyway', async ({
  expect,
}) => {
  const call = scene.telnyx.call();
  await call.send('call.initiated');
  await call.next('answer');
  await call.next('probe', 1, 13_000);
  await call.next('refer');
  await call.completes();
  await call.hangsUp();
  expect(await scene.referee.ended(call.id)).toMatchObject({ ends: 'referred' });
});

test.concurrent('a leg that does not hang up after completed is hung up by us, and still referred', async ({
  expect,
}) => {
  const call = scene.telnyx.call();
  await call.untilReferred();
  await call.completes();
  await call.next('hangup', 1, 14_000);
  await call.hangsUp();
  expect(await scene.referee.ended(call.id)).toMatchObject({ ends: 'referred' });
});

test.concurrent('a hangup that never came is found out by the probe: nobody else is called', async ({
  expect,
}) => {
  const call = scene.telnyx.call();
  dead.add(call.id);
  await call.untilReferred();
  const told = await scene.referee.ended(call.id);
  expect(told).toMatchObject({ ends: 'unconfirmed', attempts: [{ verdict: 'no_verdict' }] });
  expect(call.commands('refer')).toHaveLength(1);
  expect(call.commands('probe')).toHaveLength(1);
});

test.concurrent('a leg that the probe finds alive goes on to the next target', async ({
  expect,
}) => {
  const call = scene.telnyx.call();
  await call.untilReferred();
  await call.next('probe');
  const second = await call.next('refer', 2);
  expect(second.body.sip_address).toBe('sip:second@pbx.example.com');
  await call.hangsUp();
  await scene.referee.ended(call.id);
});

test.concurrent('a moved caller whose hangup is lost is probed, and their call is closed as referred', async ({
  expect,
}) => {
  const call = scene.telnyx.call();
  dead.add(call.id);
  await call.untilReferred();
  await call.completes();
  const told = await scene.referee.ended(call.id);
  expect(told).toMatchObject({ ends: 'referred', attempts: [{ verdict: 'completed' }] });
  expect(call.commands('hangup')).toEqual([]);
});

test('each leg of the above that the probe found dead is counted once, and none that it found alive', async () => {
  const probes = scene.telnyx.asked.filter(({ action }) => action === 'probe');
  expect(probes.length).toBeGreaterThanOrEqual(dead.size);
  await expect.poll(counted).toBe(dead.size);
});

/**
 * In total. If Telnyx reports a leg as ended that we have just heard of, it counts as a
 * contradiction instead.
 */
async function counted(): Promise<number> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const text = await (await fetch(`${scene.referee.url}/metrics`, { headers })).text();
  const counts = text.matchAll(/^referee_reconciliations_total\{what="\w+"\} (\d+)/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}
