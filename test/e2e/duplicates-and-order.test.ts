import { randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import type { TestCall } from '../helpers/telnyx-stand-in.ts';
import { openScene, type Scene } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});

test('every event three times at once changes a call once, and is 200 three times', async () => {
  const { telnyx, referee } = scene;
  const call = telnyx.call();
  const thrice = async (type: string, payload: Record<string, unknown> = {}) => {
    const body = call.event(type, payload);
    expect(await Promise.all([1, 2, 3].map(() => telnyx.deliver(body)))).toEqual([200, 200, 200]);
  };
  await thrice('call.initiated');
  await call.next('answer');
  await thrice('call.answered');
  await call.next('refer');
  await thrice('call.refer.started', { sip_notify_response: 100 });
  await thrice('call.refer.failed', { sip_notify_response: 486 });
  await call.next('refer', 2);
  await thrice('call.refer.completed', { sip_notify_response: 200 });
  await thrice('call.hangup', { hangup_cause: 'normal_clearing' });
  const told = await referee.ended(call.id);
  expect(told.attempts.map(({ verdict }) => verdict)).toEqual(['busy', 'completed']);
  expect(call.commands().map(({ action }) => action)).toEqual(['answer', 'refer', 'refer']);
  expect(told.timeline.filter(({ source }) => source === 'webhook')).toHaveLength(6);
});

test('fifty first events of one call at once, all the same and all different, give one answer', async () => {
  const { telnyx, referee } = scene;
  const same = telnyx.call();
  const different = telnyx.call();
  const body = same.event('call.initiated');
  const answers = await Promise.all([
    ...Array.from({ length: 50 }, () => telnyx.deliver(body)),
    ...Array.from({ length: 50 }, () => different.send('call.initiated')),
  ]);
  expect(new Set(answers)).toEqual(new Set([200]));
  for (const call of [same, different]) {
    await call.next('answer');
    await call.hangsUp();
    await referee.ended(call.id);
    expect(call.commands()).toHaveLength(1);
  }
});

test('started and failed with one id, as in Telnyx’s own examples, are two events', async () => {
  const { telnyx } = scene;
  const call = telnyx.call();
  await call.untilReferred();
  const id = randomUUID();
  await telnyx.deliver(call.event('call.refer.started', { sip_notify_response: 100 }, id));
  await telnyx.deliver(call.event('call.refer.failed', { sip_notify_response: 603 }, id));
  await call.next('refer', 2);
  await call.hangsUp();
});

const MAIN_EVENTS: [string, Record<string, unknown>][] = [
  ['call.initiated', {}],
  ['call.answered', {}],
  ['call.refer.started', { sip_notify_response: 100 }],
  ['call.refer.completed', { sip_notify_response: 200 }],
  ['call.hangup', { hangup_cause: 'normal_clearing' }],
];

/** At most one REFER, and none after an event that says nobody is left to move. */
async function expectReferredOnce(call: TestCall): Promise<void> {
  const told = await scene.referee.ended(call.id);
  expect(told.ends).toBe('referred');
  expect(call.commands('refer').length).toBeLessThanOrEqual(1);
  expect(call.commands('answer').length).toBeLessThanOrEqual(1);
  expect(told.attempts.length).toBeLessThanOrEqual(1);
  for (const { verdict } of told.attempts) expect(['completed', 'abandoned']).toContain(verdict);
}

test('the main events of an unprepared call in each of their 120 orders move nobody twice', async () => {
  await inSomeOrder(permutations(MAIN_EVENTS), async (order) => {
    const call = scene.telnyx.call();
    for (const [type, payload] of order) {
      expect(await call.send(type, { ...payload, client_state: null })).toBe(200);
    }
    const at = (type: string) => order.findIndex(([each]) => each === type);
    const prepared = Math.max(at('call.initiated'), at('call.answered'));
    const [completed, hangup] = [at('call.refer.completed'), at('call.hangup')];
    // A REFER is ours only if we requested it; one that completed before that is not.
    if (completed > prepared && hangup > prepared) {
      await expectReferredOnce(call);
      return;
    }
    const told = await scene.referee.ended(call.id);
    expect(['abandoned', 'ignored', 'unconfirmed']).toContain(told.ends);
    expect(call.commands('refer').length).toBeLessThanOrEqual(1);
    if (hangup < prepared) expect(call.commands('refer')).toEqual([]);
  });
});

test('the same after the REFER went out, first events delivered again among them, move nobody twice', async () => {
  await inSomeOrder(permutations([0, 1, 2, 3, 4]), async (order) => {
    const { telnyx } = scene;
    const call = telnyx.call();
    const first = call.event('call.initiated');
    await telnyx.deliver(first);
    await call.next('answer');
    const answered = call.event('call.answered');
    await telnyx.deliver(answered);
    await call.next('refer');
    // Created in the order in which they happened, but delivered in another.
    const later = MAIN_EVENTS.slice(2).map(([type, payload]) => call.event(type, payload));
    const bodies = [first, answered, ...later];
    for (const index of order) expect(await telnyx.deliver(bodies[index] ?? '')).toBe(200);
    await expectReferredOnce(call);
    const told = await scene.referee.call(call.id);
    expect(told.attempts).toMatchObject([{ verdict: 'completed' }]);
    // If the machine is so slow that completed and hangup are 10 s apart, we probe the leg; that
    // moves nobody.
    const asked = call.commands().map(({ action }) => action);
    expect(asked.filter((action) => action !== 'probe')).toEqual(['answer', 'refer']);
  });
});

/** Twelve at a time, because only the order within a call matters. */
async function inSomeOrder<T>(items: T[], run: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const worker = async () => {
    for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) await run(item);
  };
  await Promise.all(Array.from({ length: 12 }, worker));
}

function permutations<T>(items: T[]): T[][] {
  if (items.length <= 1) return [items];
  return items.flatMap((item, index) =>
    permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]),
  );
}
