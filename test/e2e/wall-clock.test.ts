/** The machine's wall clock is stepped while calls are live: by NTP, an operator, or a resume. */
import { expect, test } from 'vitest';
import { eventually } from '../helpers/referee-process.ts';
import { openScene } from './scene.ts';

const preload = new URL('../helpers/wall-clock.ts', import.meta.url).href;

function sceneThatSteps(ms: number) {
  return openScene({ NODE_OPTIONS: `--import ${preload}`, WALL_CLOCK_STEP_MS: String(ms) });
}

const said = (output: string, event: string) => output.includes(`"event":"${event}"`);

test('set back by 100 s, it keeps no caller waiting: the target that had a second has no more', async () => {
  const { telnyx, referee } = await sceneThatSteps(-100_000);
  const call = telnyx.call();
  const first = await call.untilReferred();
  await referee.until(call.id, ({ timeline }) =>
    timeline.some(({ id }) => id.includes(String(first.body.command_id))),
  );
  referee.signal('SIGWINCH');
  const second = await call.next('refer', 2, 30_000);
  expect(second.body.sip_address).toBe('sip:second@pbx.example.com');
  await call.completes();
  await call.hangsUp();
  expect(await referee.ended(call.id)).toMatchObject({ ends: 'referred' });
  expect(said(referee.output, 'clock.stepped')).toBe(true);
});

test('set forward by 100 s, it takes no target away before its time', async () => {
  const { telnyx, referee } = await sceneThatSteps(100_000);
  // One minute, and two for the whole call.
  const call = telnyx.call({ to: '+14155550107' });
  await call.untilReferred();
  referee.signal('SIGWINCH');
  await eventually(() => said(referee.output, 'clock.stepped'), 'the step was seen');
  // A whole call with the new clock, which lasts several sweeps.
  const other = telnyx.call({ to: '+14155550107' });
  await other.untilReferred();
  await other.completes();
  await other.hangsUp();
  expect(await referee.ended(other.id)).toMatchObject({ ends: 'referred' });
  const { timeline } = await referee.call(call.id);
  expect(timeline.filter(({ source }) => source === 'deadline')).toEqual([]);
  await call.completes();
  await call.hangsUp();
  expect(await referee.ended(call.id)).toMatchObject({ ends: 'referred' });
});
