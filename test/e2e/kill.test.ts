/**
 * `kill -9` at the interesting points. After a restart the same command_id is sent again where
 * necessary, but never another attempt, and every call gets its next step. A kill hits every call
 * that a server has: two servers are enough, one that is killed once and one that is killed again
 * and again.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, expect, test, vi } from 'vitest';
import { eventually } from '../helpers/referee-process.ts';
import { type Answer, type Asked, ok, type TestCall } from '../helpers/telnyx-stand-in.ts';
import { openScene, recordedDifferences, type Scene, shared } from './scene.ts';

// Two servers start again and again on two cores, and one test waits out a deadline postponed by 15
// s.
vi.setConfig({ testTimeout: 240_000 });

afterAll(async () => {
  expect(await recordedDifferences(), 'recorded events give the stored calls').toEqual([]);
});

/**
 * The timeouts of its targets outlast a restart, so commands are still worth sending afterwards.
 */
const STEADY = '+14155550107';

const idsOf = (asked: Asked[]) => [...new Set(asked.map(({ body }) => body.command_id))];

/** Every lease that the killed server left is made so long that no restart outlasts it. */
function lengthenLeases({ referee }: Scene): void {
  const database = new DatabaseSync(join(referee.folder, 'referee.db'));
  database.exec('update commands set ready_at = ready_at + 3600000 where owner is not null');
  database.close();
}

/** One kill that hits several calls, each at a different point. */
const killedOnce = shared(async () => {
  const scene = await openScene();
  const { telnyx, referee } = scene;
  const failing = Array.from({ length: 5 }, () => telnyx.call({ to: STEADY }));
  for (const call of failing) await call.untilReferred();
  const unsent = telnyx.call({ to: '+14155550101' });
  await unsent.send('call.initiated');
  await unsent.next('answer');
  const pending = telnyx.call();
  const first = await pending.untilReferred();
  await referee.until(pending.id, ({ timeline }) =>
    timeline.some(({ id }) => id.includes(`${first.body.command_id}`)),
  );

  // From now on no request about this call reaches Telnyx: connections are closed before it is
  // read.
  telnyx.deaf = unsent.id;
  expect(await unsent.send('call.answered')).toBe(200);
  // Like Telnyx, repeats the same event until it is accepted.
  const failed = failing.map((call) =>
    call.event('call.refer.failed', { sip_notify_response: 486 }),
  );
  const taking = failed.map((body) => telnyx.deliverUntilTaken(body));
  await Promise.race(taking);
  await referee.kill();
  expect(unsent.commands('refer')).toEqual([]);
  telnyx.deaf = false;
  await referee.start();
  return { referee, failing, taking, unsent, pending };
});

test.concurrent('killed between 200 and the request: a REFER that never reached Telnyx goes out after the restart', async () => {
  const { referee, unsent: call } = await killedOnce();
  await call.next('refer');
  await call.completes();
  await call.hangsUp();
  const told = await referee.ended(call.id);
  expect(told).toMatchObject({ ends: 'referred', attempts: [{ verdict: 'completed' }] });
  expect(told.attempts).toHaveLength(1);
  expect(idsOf(call.commands('refer'))).toEqual([told.attempts[0]?.id]);
});

test.concurrent('killed with a deadline pending: the restart puts it off once, asks, and goes on', async () => {
  const { referee, pending: call } = await killedOnce();
  await call.next('probe', 1, 25_000);
  const second = await call.next('refer', 2);
  expect(second.body.sip_address).toBe('sip:second@pbx.example.com');
  await call.completes();
  await call.hangsUp();
  const { attempts } = await referee.ended(call.id);
  expect(attempts.map(({ verdict }) => verdict)).toEqual(['no_verdict', 'completed']);
});

test.concurrent('killed with the outcome of a failed REFER just in: the second target is called once', async () => {
  const { referee, failing, taking } = await killedOnce();
  await Promise.all(taking);
  for (const call of failing) {
    await call.next('refer', 2);
    await eventually(() => idsOf(call.commands('refer')).length === 2, 'the second target');
    await call.completes();
    await call.hangsUp();
    const { attempts } = await referee.ended(call.id);
    expect(attempts.map(({ verdict }) => verdict)).toEqual(['busy', 'completed']);
    expect(idsOf(call.commands('refer'))).toEqual(attempts.map(({ id }) => id));
  }
});

/** Plays Telnyx and the far ends for one call: every command_id has its consequence once. */
function autopilot(scene: Scene, calls: Map<string, TestCall>) {
  const { telnyx } = scene;
  const executed = new Set<unknown>();
  const moved: string[] = [];
  telnyx.answer = (asked: Asked): Answer => {
    const call = calls.get(asked.callId);
    const id = asked.body.command_id;
    if (call === undefined || asked.action === 'probe' || executed.has(id)) return ok(asked);
    executed.add(id);
    // After the answer to the command has been sent, like real events.
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

/**
 * Five kills under sixty calls of the autopilot. Each kill comes when the 200 for another call is
 * read. At the first one, Telnyx has received a REFER but not answered it.
 */
const killedAgain = shared(async () => {
  const scene = await openScene();
  const { telnyx, referee } = scene;
  const calls = new Map<string, TestCall>();
  const moved = autopilot(scene, calls);
  const answer = telnyx.answer;
  const unsettled = telnyx.call({ to: STEADY });
  telnyx.answer = (asked) =>
    asked.callId === unsettled.id && asked.action === 'refer' ? 'hang' : answer(asked);
  const hanging = await unsettled.untilReferred();
  telnyx.answer = answer;

  const placing = (async () => {
    for (let count = 0; count < 60; count += 1) {
      const call = telnyx.call({ to: STEADY });
      calls.set(call.id, call);
      // Each ends when the service has accepted it: callers arrive during all of the kills.
      await telnyx.deliverUntilTaken(call.event('call.initiated'));
    }
  })();
  const justTaken: TestCall[] = [];
  for (let kill = 1; kill <= 5; kill += 1) {
    // A later time for each kill, in the middle of whatever happens then.
    await eventually(() => telnyx.asked.length >= kill * 12 + kill, 'enough under way');
    const call = telnyx.call({ to: STEADY });
    expect(await call.send('call.initiated')).toBe(200);
    await referee.kill();
    lengthenLeases(scene);
    await referee.start();
    await call.next('answer');
    // The previous call has now been through two kills.
    const before = justTaken.at(-1);
    if (before !== undefined) await isMoved(before);
    justTaken.push(call);
    if (kill === 1) {
      // Without waiting for the dead process's lease to expire.
      await unsettled.next('refer', 2);
      await referee.until(unsettled.id, ({ timeline }) =>
        timeline.some(
          ({ type, id }) =>
            type === 'command.accepted' && id.includes(`${hanging.body.command_id}`),
        ),
      );
    }
    if (kill === 2) {
      await unsettled.completes();
      await unsettled.hangsUp();
    }
  }
  await placing;
  return { referee, calls, moved, justTaken, unsettled };
});

async function isMoved(call: TestCall): Promise<void> {
  await call.send('call.answered');
  await call.next('refer');
  await call.completes();
  await call.hangsUp();
}

test.concurrent('killed the moment the 200 is read: the command goes out, with one id', async () => {
  const { referee, justTaken } = await killedAgain();
  const last = justTaken.at(-1);
  if (last !== undefined) await isMoved(last);
  expect(justTaken).toHaveLength(5);
  for (const call of justTaken) {
    expect(await referee.ended(call.id)).toMatchObject({ ends: 'referred' });
    expect(idsOf(call.commands('answer'))).toHaveLength(1);
    expect(idsOf(call.commands('refer'))).toHaveLength(1);
  }
});

test.concurrent('killed between send and settle: the identical command once more, never another attempt', async () => {
  const { referee, unsettled: call } = await killedAgain();
  const told = await referee.ended(call.id);
  expect(told).toMatchObject({ ends: 'referred', attempts: [{ verdict: 'completed' }] });
  const [first, second, ...more] = call.commands('refer');
  expect(second?.body).toEqual(first?.body);
  expect(more).toEqual([]);
});

test.concurrent('killed again and again under sixty calls: each is moved once, by its second target', async () => {
  const { referee, calls, moved } = await killedAgain();
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
