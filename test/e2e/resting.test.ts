import { expect, test } from 'vitest';
import { eventually } from '../helpers/referee-process.ts';
import { openScene } from './scene.ts';

interface Targets {
  targets: { name: string; resting: boolean; failures_in_row: number }[];
}

test('a server learns from its calls which target is down', async () => {
  const { telnyx, referee } = await openScene();
  const first = async () => {
    const { targets } = (await (await referee.api('/targets')).json()) as Targets;
    return targets.find(({ name }) => name === 'first');
  };
  expect(await first()).toMatchObject({ resting: false, failures_in_row: 0 });
  const call = telnyx.call();
  await call.untilReferred();
  await call.fails(503);
  await call.next('refer', 2);
  await eventually(async () => (await first())?.failures_in_row === 1, 'the failure');
  await call.completes();
  await call.hangsUp();
  await referee.ended(call.id);
}, 60_000);
