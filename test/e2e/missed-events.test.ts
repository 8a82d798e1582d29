/**
 * Webhooks that never came: before a deadline concludes, Telnyx is asked, and it is counted how
 * often that changed the answer.
 */
import { expect, test } from 'vitest';
import { ADMIN_TOKEN, type Referee } from '../helpers/referee-process.ts';
import { type Asked, ok } from '../helpers/telnyx-stand-in.ts';
import { openScene } from './scene.ts';

/**
 * In all: Telnyx calling a leg ended that we heard of a moment ago is counted apart, as a
 * contradiction.
 */
async function counted(referee: Referee): Promise<number> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const text = await (await fetch(`${referee.url}/metrics`, { headers })).text();
  const counts = text.matchAll(/^referee_reconciliations_total\{what="\w+"\} (\d+)/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

const gone = (asked: Asked) =>
  asked.action === 'probe' ? { status: 200, body: { data: { is_alive: false } } } : ok(asked);

test('a hangup that never came is found out by the probe: nobody else is called, and it is counted', async () => {
  const { telnyx, referee } = await openScene();
  telnyx.answer = gone;
  const call = telnyx.call();
  await call.untilReferred();
  const told = await referee.ended(call.id, 15_000);
  expect(told).toMatchObject({ ends: 'unconfirmed', attempts: [{ verdict: 'no_verdict' }] });
  expect(call.commands('refer')).toHaveLength(1);
  expect(call.commands('probe')).toHaveLength(1);
  expect(await counted(referee)).toBe(1);

  telnyx.answer = ok;
  const alive = telnyx.call();
  await alive.untilReferred();
  await alive.next('probe');
  const second = await alive.next('refer', 2);
  expect(second.body.sip_address).toBe('sip:second@pbx.example.com');
  await alive.hangsUp();
  await referee.ended(alive.id);
  // The probe said what we thought anyway.
  expect(await counted(referee)).toBe(1);
});

test('a moved caller whose hangup is lost is probed, and their call is closed as referred', async () => {
  const { telnyx, referee } = await openScene();
  telnyx.answer = gone;
  const call = telnyx.call();
  await call.untilReferred();
  await call.completes();
  const told = await referee.ended(call.id, 20_000);
  expect(told).toMatchObject({ ends: 'referred', attempts: [{ verdict: 'completed' }] });
  expect(call.commands('hangup')).toEqual([]);
  expect(await counted(referee)).toBe(1);
});
