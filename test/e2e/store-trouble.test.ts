import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { eventually } from '../helpers/referee-process.ts';
import { openScene } from './scene.ts';

/**
 * Simulates a full disk without a separate disk, even for root: with a limit of 0 bytes, every
 * write that would make a file longer fails with EFBIG (Node ignores SIGXFSZ); existing bytes can
 * be read.
 */
function limitFiles(pid: number, bytes: number | 'unlimited'): void {
  execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`]);
}

const canLimit = (() => {
  try {
    execFileSync('prlimit', ['--version']);
    return true;
  } catch {
    return false;
  }
})();

test.skipIf(!canLimit)(
  'a full disk: 503 on webhooks and on ready, nothing lost, and it recovers by itself',
  async () => {
    const { telnyx, referee } = await openScene();
    const before = telnyx.call();
    await before.untilReferred();

    limitFiles(referee.pid, 0);
    const during = telnyx.call();
    const initiated = during.event('call.initiated');
    expect(await telnyx.deliver(initiated)).toBe(503);
    await eventually(async () => (await referee.ready()) === 503, 'ready 503');
    const ready = await fetch(`${referee.url}/health/ready`);
    expect(await ready.json()).toMatchObject({ reason: 'store' });
    expect(ready.headers.get('retry-after')).toBe('1');
    expect((await fetch(`${referee.url}/health/live`)).status).toBe(200);
    const completed = before.event('call.refer.completed', { sip_notify_response: 200 });
    expect(await telnyx.deliver(completed)).toBe(503);
    expect(during.commands()).toEqual([]);

    limitFiles(referee.pid, 'unlimited');
    await eventually(async () => (await referee.ready()) === 200, 'ready again');
    await telnyx.deliverUntilTaken(initiated);
    await during.next('answer');
    await telnyx.deliverUntilTaken(completed);
    await before.hangsUp();
    expect(await referee.ended(before.id)).toMatchObject({ ends: 'referred' });
    await during.hangsUp();
    await referee.ended(during.id);
    // Logged once, not per webhook.
    expect(referee.output.match(/"event":"webhook.unavailable"/g)?.length).toBeLessThanOrEqual(3);
  },
);
