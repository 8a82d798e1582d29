import { expect, test } from 'vitest';
import { eventually } from '../helpers/referee-process.ts';
import { ok } from '../helpers/telnyx-stand-in.ts';
import { openScene } from './scene.ts';

test('SIGTERM: ready is 503 at once, webhooks are 200 for the drain delay, what is under way is finished, exit 0', async () => {
  const { telnyx, referee } = await openScene({ DRAIN_DELAY_SECS: '2', LOG_LEVEL: 'info' });
  const slow = telnyx.call();
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  // The answer to this caller's REFER takes until after the drain delay.
  telnyx.answer = async (asked) => {
    if (asked.callId === slow.id && asked.action === 'refer') await held;
    return ok(asked);
  };
  await slow.untilReferred();

  const exited = referee.exited();
  const asked = performance.now();
  referee.signal('SIGTERM');
  await eventually(async () => (await referee.ready()) === 503, 'ready 503', 1_000);
  expect(performance.now() - asked).toBeLessThan(1_000);
  const late = telnyx.call();
  expect(await late.send('call.initiated')).toBe(200);
  await late.next('answer');
  let taken = 0;
  await eventually(async () => {
    const status = await telnyx.call({ to: '+14155550106' }).send('call.initiated');
    if (status === 200) taken += 1;
    else expect([503, 0]).toContain(status);
    return status !== 200;
  }, 'webhooks refused after the delay');
  expect(performance.now() - asked).toBeGreaterThan(1_800);
  expect(taken).toBeGreaterThan(1);
  release();
  expect(await exited).toBe(0);
  expect(performance.now() - asked).toBeLessThan(10_000);
  expect(referee.output).toContain('"event":"server.stopped"');

  // Nothing that got its 200 is lost, and what was settled is not sent again.
  await referee.start();
  await late.send('call.answered');
  await late.next('refer');
  await slow.completes();
  await slow.hangsUp();
  expect(await referee.ended(slow.id)).toMatchObject({ ends: 'referred' });
  expect(slow.commands('refer')).toHaveLength(1);
  expect(late.commands('answer')).toHaveLength(1);
});

test('a stop does not wait for a Telnyx that never answers longer than SHUTDOWN_TIMEOUT_SECS', async () => {
  const { telnyx, referee } = await openScene({ SHUTDOWN_TIMEOUT_SECS: '2' });
  telnyx.answer = () => 'hang';
  const call = telnyx.call();
  await call.send('call.initiated');
  await call.next('answer');
  const asked = performance.now();
  const exited = referee.exited();
  referee.signal('SIGTERM');
  expect(await exited).toBe(0);
  expect(performance.now() - asked).toBeLessThan(3_500);

  telnyx.answer = ok;
  await referee.start();
  const again = await call.next('answer', 2);
  expect(again.body).toEqual(call.commands('answer')[0]?.body);
});
