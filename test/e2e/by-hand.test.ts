import { beforeAll, expect, test } from 'vitest';
import { openScene, type Scene } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});

const refer = (id: string, body: unknown) =>
  scene.referee.api(`/calls/${encodeURIComponent(id)}/refer`, body);

async function problemOf(response: Response) {
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  return response.status;
}

test('a manual refer is refused in the order 404, 409, 422', async () => {
  const { telnyx, referee } = scene;
  const against = { sip_address: 'sip:x@evil.example.net' };
  expect(await problemOf(await refer('v3:nobody', against))).toBe(404);

  const moving = telnyx.call({ to: '+14155550101' });
  await moving.untilReferred();
  expect(await problemOf(await refer(moving.id, against))).toBe(409);
  await moving.hangsUp();
  await referee.ended(moving.id);
  expect(await problemOf(await refer(moving.id, against))).toBe(409);

  const idle = telnyx.call({ to: '+14155550106' });
  await idle.send('call.initiated');
  expect(await problemOf(await refer(idle.id, against))).toBe(422);
  expect(await problemOf(await refer(idle.id, { target: 'nobody' }))).toBe(422);
  expect(idle.commands()).toEqual([]);
});

test('a manual refer moves a call that nobody else moves; when it fails the call is as it was', async () => {
  const { telnyx, referee } = scene;
  const call = telnyx.call({ to: '+14155550106' });
  await call.send('call.initiated');
  await call.send('call.answered');
  const response = await refer(call.id, { target: 'second' });
  expect(response.status).toBe(202);
  const { attempt } = (await response.json()) as { attempt: { id: string; target: string } };
  expect(attempt.target).toBe('second');
  const sent = await call.next('refer');
  expect(sent.body.command_id).toBe(attempt.id);
  expect((await refer(call.id, { target: 'second' })).status).toBe(409);
  await call.fails(486);
  await referee.until(call.id, ({ phase }) => phase === 'unmanaged');

  expect((await refer(call.id, { sip_address: 'sip:desk@pbx.example.com' })).status).toBe(202);
  await call.next('refer', 2);
  await call.completes();
  await call.hangsUp();
  const told = await referee.ended(call.id);
  expect(told.ends).toBe('referred');
  expect(told.attempts.map(({ verdict }) => verdict)).toEqual(['busy', 'completed']);
});
