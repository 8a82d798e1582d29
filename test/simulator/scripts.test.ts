import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadRoutes } from '../../src/routing/load.ts';
import { type PlayedCall, SCRIPT_ROUTES, SCRIPTS } from '../../src/simulator/scripts.ts';
import { setStage } from './stage.ts';

const ADDRESSES: Record<string, string> = {
  'support-us': 'sip:support@pbx-us.example.com',
  'support-eu': 'sip:support-eu@pbx-eu.example.com',
  'night-desk': 'sip:desk@pbx-old.example.com',
};

test('the routes that the scripts belong to load without a problem or a warning', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'simulator-scripts-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  await writeFile(join(dir, 'main.yaml'), SCRIPT_ROUTES);
  const loaded = await loadRoutes(dir, { env: {}, handlers: false });
  expect(loaded).toMatchObject({ ok: true, warnings: [] });
  const rules = loaded.ok ? loaded.set.rules.map(({ name }) => name) : [];
  for (const { expect: end } of SCRIPTS) if (end.rule !== null) expect(rules).toContain(end.rule);
});

test('the scripts have names of their own, and callers of their own', () => {
  expect(new Set(SCRIPTS.map(({ name }) => name)).size).toBe(SCRIPTS.length);
  expect(new Set(SCRIPTS.map(({ script }) => script.from)).size).toBe(SCRIPTS.length);
});

/** Acts like a service that follows the routes and gets the expected verdicts. */
async function play({ script, expect: end }: PlayedCall) {
  const { simulator, receiver, command } = await setStage({ timeScale: 0.02 });
  const call = simulator.placeCall(script);
  const id = call.callControlId;
  await receiver.next('call.initiated');
  if (end.rule === null) {
    await command(id, 'reject', { cause: 'CALL_REJECTED' });
    return call.ended;
  }
  await command(id, 'answer');
  await receiver.next('call.answered');
  if (end.rule === 'menu') {
    await command(id, 'gather_using_speak', {
      payload: 'Press 1 or 2.',
      voice: 'female',
      valid_digits: '12',
      maximum_tries: 2,
    });
    expect((await receiver.next('call.gather.ended')).payload.digits).toBe('2');
  }
  for (const { target, verdict } of end.attempts) {
    if (target === null) await command(id, 'transfer', { to: '+14155550199' });
    else await command(id, 'refer', { sip_address: ADDRESSES[target] });
    const failsWith = { busy: 486, declined: 603 }[verdict];
    if (failsWith === undefined) continue;
    await expect.poll(() => call.book.attempts.at(-1)?.result).toBe(failsWith);
  }
  if (end.ends === 'hung_up') await command(id, 'hangup');
  const book = await call.ended;
  await receiver.next('call.hangup');
  await expect.poll(() => simulator.unfinishedDeliveries()).toBe(0);
  return book;
}

test.each(SCRIPTS.map((played) => [played.name, played] as const))(
  '%s comes to the end it promises',
  async (_name, played) => {
    const book = await play(played);
    expect(book.fate).toBe(played.expect.fate);
    expect(book.moved).toHaveLength(played.expect.fate === 'moved' ? 1 : 0);
  },
);

test('doubled-and-shuffled tells its REFER backwards, and everything twice', async () => {
  const played = SCRIPTS.find(({ name }) => name === 'doubled-and-shuffled');
  if (played === undefined) throw new Error('no such script');
  const { simulator, receiver, command } = await setStage();
  const call = simulator.placeCall(played.script);
  await command(call.callControlId, 'answer');
  await receiver.next('call.answered');
  await command(call.callControlId, 'refer', { sip_address: ADDRESSES['support-us'] });
  await receiver.next('call.refer.started', 4);
  const order = receiver.types().slice(4);
  expect(order.indexOf('call.hangup')).toBeLessThan(order.indexOf('call.refer.completed'));
  expect(order.indexOf('call.refer.completed')).toBeLessThan(order.indexOf('call.refer.started'));
  expect(order.filter((type) => type === 'call.refer.completed')).toHaveLength(2);
});
