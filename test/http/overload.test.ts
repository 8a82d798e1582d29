import { expect, test } from 'vitest';
import type { Received } from '../../src/engine/engine.ts';
import { serveApp } from '../helpers/served-app.ts';
import { incomingCall } from '../helpers/webhooks.ts';

const TOGETHER = 8;

test('beyond the webhooks that may be under way: 503 with Retry-After, health answers, and room again when they are through', async () => {
  const commits: (() => void)[] = [];
  let allHeld: () => void = () => {};
  const held = new Promise<void>((resolve) => {
    allHeld = resolve;
  });
  await using app = await serveApp({
    // A store that takes its time: each webhook waits until the test commits it.
    receive: () =>
      new Promise<Received>((resolve) => {
        commits.push(() => resolve({ result: 'duplicate' }));
        if (commits.length === TOGETHER) allHeld();
      }),
    deps: { webhooksUnderWayMax: TOGETHER },
  });
  const taken = Array.from({ length: TOGETHER }, (_, i) => app.deliver(incomingCall(`v3:in-${i}`)));
  await held;

  const turnedAway = await app.deliver(incomingCall('v3:one-too-many'));
  expect(turnedAway.status).toBe(503);
  expect(turnedAway.headers.get('retry-after')).toBe('1');
  expect(await turnedAway.json()).toMatchObject({ reason: 'too_many' });
  expect((await fetch(`${app.url}/health/live`)).status).toBe(200);

  for (const commit of commits) commit();
  expect((await Promise.all(taken)).map(({ status }) => status)).toEqual(Array(TOGETHER).fill(200));

  const after = app.deliver(incomingCall('v3:afterwards'));
  await expect.poll(() => commits.length).toBe(TOGETHER + 1);
  commits.at(-1)?.();
  expect((await after).status).toBe(200);
});
