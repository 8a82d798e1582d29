import { expect, test, vi } from 'vitest';
import { eventually } from '../helpers/referee-process.ts';
import { ok } from '../helpers/telnyx-stand-in.ts';
import { openScene } from './scene.ts';

vi.setConfig({ testTimeout: 240_000 });

test('SIGTERM: ready is 503 at once, webhooks are 200 for the drain delay, what is under way is finished, exit 0', async () => {
  for (const delaySecs of [2, 3, 3, 3]) if (await isSeenToDrain(delaySecs)) return;
  throw new Error('in no delay was a webhook taken and acted on, and two more were taken');
});

/** The request for the REFER is given up after five seconds. */
const REQUEST_MS = 4_500;

/**
 * False where the delay, or the request that is under way, was over before enough was seen of it:
 * on a machine that has too much to do, another try tells.
 */
async function isSeenToDrain(delaySecs: number): Promise<boolean> {
  const { telnyx, referee } = await openScene({
    DRAIN_DELAY_SECS: String(delaySecs),
    // Whoever waited for this limit would wait for longer than a test may take.
    SHUTDOWN_TIMEOUT_SECS: '600',
    LOG_LEVEL: 'info',
  });
  const slow = telnyx.call();
  const held = Promise.withResolvers<void>();
  // The answer to this caller's REFER takes longer than the drain delay.
  telnyx.answer = async (asked) => {
    if (asked.callId === slow.id && asked.action === 'refer') await held.promise;
    return ok(asked);
  };
  const underWay = await slow.untilReferred();

  const exited = referee.exited();
  const asked = performance.now();
  referee.signal('SIGTERM');
  await eventually(() => referee.output.includes('"event":"server.stopping"'), 'it stops');
  // What is under way keeps it from closing.
  const ready = await referee.ready();
  expect([503, 0]).toContain(ready);
  const late = telnyx.call();
  const lateStatus = await late.send('call.initiated');
  let taken = 0;
  await eventually(async () => {
    const status = await telnyx.call({ to: '+14155550106' }).send('call.initiated');
    if (status === 200) taken += 1;
    else expect([503, 0]).toContain(status);
    return status !== 200;
  }, 'webhooks refused after the delay');
  expect(performance.now() - asked, 'refused no earlier').toBeGreaterThan(delaySecs * 1_000 - 200);
  held.resolve();
  const seen =
    ready === 503 &&
    lateStatus === 200 &&
    late.commands('answer').length > 0 &&
    taken > 1 &&
    performance.now() - underWay.at < REQUEST_MS;
  expect(await exited).toBe(0);
  expect(referee.output).toContain('"event":"server.stopped"');
  if (!seen) return false;

  // Nothing that was answered 200 is lost, and finished commands are not sent again.
  await referee.start();
  await late.send('call.answered');
  await late.next('refer');
  await slow.completes();
  await slow.hangsUp();
  expect(await referee.ended(slow.id)).toMatchObject({ ends: 'referred' });
  expect(slow.commands('refer')).toHaveLength(1);
  expect(late.commands('answer')).toHaveLength(1);
  return true;
}

test('a stop does not wait for a Telnyx that never answers longer than SHUTDOWN_TIMEOUT_SECS', async () => {
  const { telnyx, referee } = await openScene({ SHUTDOWN_TIMEOUT_SECS: '2' });
  telnyx.answer = () => 'hang';
  const call = telnyx.call();
  await call.send('call.initiated');
  await call.next('answer');
  const exited = referee.exited();
  referee.signal('SIGTERM');
  // The request would be given up after five seconds; two seconds after the limit close-with-grace
  // would end the process, with 1.
  expect(await exited).toBe(0);
  expect(referee.output).toContain('"event":"server.stopped"');

  telnyx.answer = ok;
  await referee.start();
  const again = await call.next('answer', 2);
  expect(again.body).toEqual(call.commands('answer')[0]?.body);
});
