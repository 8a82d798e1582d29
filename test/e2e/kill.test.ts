/**
 * `kill -9` at the interesting points. After a restart the same command_id goes out once more where
 * it must, never another attempt, and every call gets its next step.
 */
import { afterAll, expect, test, vi } from 'vitest';
import { eventually } from '../helpers/referee-process.ts';
import { type Answer, type Asked, ok, type TestCall } from '../helpers/telnyx-stand-in.ts';
import { openScene, recordedDifferences, type Scene } from './scene.ts';

// Six servers start again and again on two cores, and one test waits out a deadline postponed by 15
// s.
vi.setConfig({ testTimeout: 180_000 });

afterAll(async () => {
  expect(await recordedDifferences(), 'recorded events give the stored calls').toEqual([]);
});

/**
 * Its targets are patient enough for a restart: what is worth sending still is worth it afterwards.
 */
const STEADY = '+14155550107';

const idsOf = (asked: Asked[]) => [...new Set(asked.map(({ body }) => body.command_id))];

async function restart({ referee }: Scene): Promise<void> {
  await referee.kill();
  await referee.start();
}

test.concurrent('killed the moment the 200 is read: the command goes out, with one id', async ({
  expect,
}) => {
  const scene = await openScene();
  const { telnyx, referee } = scene;
  const calls: TestCall[] = [];
  for (let round = 0; round < 3; round += 1) {
    const call = telnyx.call({ to: STEADY });
    calls.push(call);
    expect(await call.send('call.initiated')).toBe(200);
    await restart(scene);
    await call.next('answer');
  }
  for (const call of calls) {
    await call.send('call.answered');
    await call.next('refer');
    await call.completes();
    await call.hangsUp();
    expect(await referee.ended(call.id)).toMatchObject({ ends: 'referred' });
    expect(idsOf(call.commands('answer'))).toHaveLength(1);
    expect(idsOf(call.commands('refer'))).toHaveLength(1);
  }
});

test.concurrent('killed between 200 and the request: a REFER that never reached Telnyx goes out after the restart', async ({
  expect,
}) => {
  const scene = await openScene();
  const { telnyx, referee } = scene;
  const call = telnyx.call({ to: '+14155550101' });
  await call.send('call.initiated');
  await call.next('answer');
  // Nothing gets through to Telnyx: what is sent from now on is cut off unread.
  telnyx.deaf = true;
  expect(await call.send('call.answered')).toBe(200);
  await referee.kill();
  expect(call.commands('refer')).toEqual([]);
  telnyx.deaf = false;
  await referee.start();
  await call.next('refer');
  await call.completes();
  await call.hangsUp();
  const told = await referee.ended(call.id);
  expect(told).toMatchObject({ ends: 'referred', attempts: [{ verdict: 'completed' }] });
  expect(told.attempts).toHaveLength(1);
  expect(idsOf(call.commands('refer'))).toEqual([told.attempts[0]?.id]);
});

test.concurrent('killed between send and settle: the identical command once more, never another attempt', async ({
  expect,
}) => {
  const scene = await openScene();
  const { telnyx, referee } = scene;
  let holding = true;
  telnyx.answer = (asked) => (holding && asked.action === 'refer' ? 'hang' : ok(asked));
  const call = telnyx.call({ to: '+14155550101' });
  const first = await call.untilReferred();
  holding = false;
  await restart(scene);
  // At once, not when the dead process's lease has run out.
  const second = await call.next('refer', 2, 4_000);
  expect(second.body).toEqual(first.body);
  await referee.until(call.id, ({ timeline }) =>
    timeline.some(
      ({ type, id }) => type === 'command.accepted' && id.includes(`${first.body.command_id}`),
    ),
  );
  await restart(scene);
  await call.completes();
  await call.hangsUp();
  const told = await referee.ended(call.id);
  expect(told).toMatchObject({ ends: 'referred', attempts: [{ verdict: 'completed' }] });
  expect(call.commands('refer')).toHaveLength(2);
});

test.concurrent('killed with a deadline pending: the restart puts it off once, asks, and goes on', async ({
  expect,
}) => {
  const scene = await openScene();
  const { telnyx, referee } = scene;
  const call = telnyx.call();
  const first = await call.untilReferred();
  await referee.until(call.id, ({ timeline }) =>
    timeline.some(({ id }) => id.includes(`${first.body.command_id}`)),
  );
  await restart(scene);
  await call.next('probe', 1, 25_000);
  const second = await call.next('refer', 2);
  expect(second.body.sip_address).toBe('sip:second@pbx.example.com');
  await call.completes();
  await call.hangsUp();
  const { attempts } = await referee.ended(call.id);
  expect(attempts.map(({ verdict }) => verdict)).toEqual(['no_verdict', 'completed']);
});

test.concurrent('killed with the outcome of a failed REFER just in: the second target is called once', async ({
  expect,
}) => {
  const scene = await openScene();
  const { telnyx, referee } = scene;
  const calls = Array.from({ length: 5 }, () => telnyx.call({ to: STEADY }));
  for (const call of calls) await call.untilReferred();
  // As Telnyx does: the same event again until it is taken.
  const failed = calls.map((call) => call.event('call.refer.failed', { sip_notify_response: 486 }));
  const taking = failed.map((body) => telnyx.deliverUntilTaken(body));
  await Promise.race(taking);
  await restart(scene);
  await Promise.all(taking);
  for (const call of calls) {
    await call.next('refer', 2);
    await eventually(() => idsOf(call.commands('refer')).length === 2, 'the second target');
    await call.completes();
    await call.hangsUp();
    const { attempts } = await referee.ended(call.id);
    expect(attempts.map(({ verdict }) => verdict)).toEqual(['busy', 'completed']);
    expect(idsOf(call.commands('refer'))).toEqual(attempts.map(({ id }) => id));
  }
});

/**
 * Plays Telnyx and the far ends for one call: every command has its consequence, once per
 * command_id.
 */
function autopilot(scene: Scene, calls: Map<string, TestCall>) {
  const { telnyx } = scene;
  const executed = new Set<unknown>();
  const moved: string[] = [];
  telnyx.answer = (asked: Asked): Answer => {
    const call = calls.get(asked.callId);
    const id = asked.body.command_id;
    if (call === undefined || asked.action === 'probe' || executed.has(id)) return ok(asked);
    executed.add(id);
    // After the answer to the command has left, as events do.
    setImmediate(() => void follow(call, asked));
    return ok(asked);
  };
  async function follow(call: TestCall, { action, body }: Asked): Promise<void> {
    const tell = (type: string, payload: Record<string, unknown> = {}) =>
      telnyx.deliverUntilTaken(call.event(type, payload));
    if (action === 'answer') await tell('call.answered');
    if (action !== 'refer') return;
    await tell('call.refer.started', { sip_notify_response: 100 });
    if (body.sip_address === 'sip:first@pbx.example.com') {
      await tell('call.refer.failed', { sip_notify_response: 486 });
      return;
    }
    moved.push(call.id);
    await tell('call.refer.completed', { sip_notify_response: 200 });
    await tell('call.hangup', { hangup_cause: 'normal_clearing' });
  }
  return moved;
}

test.concurrent('killed again and again under sixty calls: each is moved once, by its second target', async ({
  expect,
}) => {
  const scene = await openScene();
  const { telnyx, referee } = scene;
  const calls = new Map<string, TestCall>();
  const moved = autopilot(scene, calls);
  const placing = (async () => {
    for (let count = 0; count < 60; count += 1) {
      const call = telnyx.call({ to: STEADY });
      calls.set(call.id, call);
      // Each ends when the service has taken it: callers arrive all through the kills.
      await telnyx.deliverUntilTaken(call.event('call.initiated'));
    }
  })();
  for (let kill = 1; kill <= 5; kill += 1) {
    // Later each time, in the middle of whatever is going on then.
    await eventually(() => telnyx.asked.length >= kill * 12 + kill, 'enough under way');
    await restart(scene);
  }
  await placing;
  for (const call of calls.values()) {
    const { attempts, ends } = await referee.ended(call.id, 20_000);
    expect(ends).toBe('referred');
    expect(attempts.map(({ verdict }) => verdict)).toEqual(['busy', 'completed']);
    expect(idsOf(call.commands('answer'))).toHaveLength(1);
    expect(idsOf(call.commands('refer'))).toEqual(attempts.map(({ id }) => id));
  }
  expect(moved).toHaveLength(calls.size);
  expect(new Set(moved).size).toBe(calls.size);
});
