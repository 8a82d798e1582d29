import { beforeAll, expect, test } from 'vitest';
import { openScene, type Scene } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});

const attemptsOf = async (id: string) =>
  (await scene.referee.call(id)).attempts.map(({ target, verdict }) => `${target} ${verdict}`);

test('a caller is answered, referred and accounted for', async () => {
  const call = scene.telnyx.call();
  const refer = await call.untilReferred();
  expect(refer.body.sip_address).toBe('sip:first@pbx.example.com');
  expect(await call.send('call.refer.started', { sip_notify_response: 100 })).toBe(200);
  expect(await call.completes()).toBe(200);
  expect(await call.hangsUp()).toBe(200);
  const told = await scene.referee.ended(call.id);
  expect(told).toMatchObject({ ends: 'referred', rule: 'support', phase: 'ended' });
  expect(told.attempts).toMatchObject([{ target: 'first', verdict: 'completed' }]);
  expect(call.commands().map(({ action }) => action)).toEqual(['answer', 'refer']);
});

test('who is busy is followed by the next target, and who nobody takes hears why before goodbye', async () => {
  const call = scene.telnyx.call();
  await call.untilReferred();
  await call.fails(486);
  const second = await call.next('refer', 2);
  expect(second.body.sip_address).toBe('sip:second@pbx.example.com');
  await call.send('call.refer.started', { sip_notify_response: 180 });
  await call.fails(603);
  const speak = await call.next('speak');
  expect(speak.body.payload).toBe('Sorry, nobody can take your call.');
  await call.send('call.speak.started');
  await call.send('call.speak.ended', { status: 'completed' });
  await call.next('hangup');
  await call.hangsUp({ hangup_source: 'callee' });
  expect(await scene.referee.ended(call.id)).toMatchObject({ ends: 'hung_up' });
  expect(await attemptsOf(call.id)).toEqual(['first busy', 'second declined']);
  const ids = call.commands().map(({ body }) => body.command_id);
  expect(new Set(ids).size).toBe(5);
});

test('a call that no rule knows is rejected as otherwise says, without an answer', async () => {
  const call = scene.telnyx.call({ to: '+14155559999' });
  await call.send('call.initiated');
  expect((await call.next('reject')).body.cause).toBe('USER_BUSY');
  await call.hangsUp({ hangup_cause: 'user_busy' });
  expect(await scene.referee.ended(call.id)).toMatchObject({ ends: 'rejected', rule: null });
  expect(call.commands()).toHaveLength(1);
});

test('a guarded target gets its credentials, headers and user-to-user', async () => {
  const call = scene.telnyx.call({ to: '+14155550102' });
  const { body } = await call.untilReferred();
  expect(body).toMatchObject({
    sip_auth_username: 'referee',
    sip_auth_password: 'correct-horse-battery-staple',
    sip_headers: [{ name: 'User-to-User', value: call.sessionId }],
    custom_headers: [{ name: 'X-Queue', value: expect.stringContaining('1415556') }],
  });
  await call.completes();
  await call.hangsUp();
  expect(await scene.referee.ended(call.id)).toMatchObject({ ends: 'referred' });
});

test('a menu’s digit chooses the branch', async () => {
  const call = scene.telnyx.call({ to: '+14155550105' });
  await call.send('call.initiated');
  await call.next('answer');
  await call.send('call.answered');
  const { body } = await call.next('gather_using_speak');
  expect(body).toMatchObject({ payload: 'Press 1.', valid_digits: '1', maximum_tries: 1 });
  await call.send('call.gather.ended', { digits: '1', status: 'valid' });
  await call.next('refer');
  await call.completes();
  await call.hangsUp();
  expect(await attemptsOf(call.id)).toEqual(['first completed']);
});

test('a transfer that nobody takes leads to the next step with the caller still there', async () => {
  const { telnyx, referee } = scene;
  const call = telnyx.call({ to: '+14155550104' });
  await call.send('call.initiated');
  await call.next('answer');
  await call.send('call.answered');
  const { body } = await call.next('transfer');
  expect(body).toMatchObject({ to: '+14155550199', timeout_secs: 30 });
  const far = telnyx.call({ from: call.from, to: '+14155550199' });
  const onBLeg = {
    call_session_id: call.sessionId,
    client_state: body.target_leg_client_state,
    direction: 'outgoing',
    state: 'bridging',
  };
  expect(await far.send('call.initiated', onBLeg)).toBe(200);
  expect(await far.hangsUp({ ...onBLeg, hangup_cause: 'user_busy', sip_hangup_cause: '486' })).toBe(
    200,
  );
  await call.next('refer');
  await call.completes();
  await call.hangsUp();
  expect(await referee.ended(call.id)).toMatchObject({ ends: 'referred' });
  expect(await attemptsOf(call.id)).toEqual(['null busy', 'second completed']);
  expect(far.commands()).toEqual([]);
});

test('a call left to another application gets no command', async () => {
  const call = scene.telnyx.call({ to: '+14155550106' });
  await call.send('call.initiated', { client_state: 'Zm9yZWlnbg==' });
  await call.send('call.answered');
  expect(await scene.referee.call(call.id)).toMatchObject({ phase: 'unmanaged' });
  await call.hangsUp();
  expect(await scene.referee.ended(call.id)).toMatchObject({ ends: 'ignored' });
  expect(call.commands()).toEqual([]);
});

test('another application’s client_state travels on beside ours, and events that lost theirs are understood', async () => {
  const call = scene.telnyx.call();
  const foreign = Buffer.from('g3QAAAA').toString('base64');
  await call.send('call.initiated', { client_state: foreign });
  const answer = await call.next('answer');
  const envelope = JSON.parse(Buffer.from(String(answer.body.client_state), 'base64').toString());
  expect(envelope).toEqual({ v: 1, a: expect.any(String), u: foreign });
  await call.send('call.answered', { client_state: null });
  await call.next('refer');
  await call.send('call.refer.failed', { sip_notify_response: '404', client_state: foreign });
  await call.next('refer', 2);
  await call.send('call.refer.completed', { sip_notify_response: 200, client_state: null });
  await call.hangsUp({ client_state: undefined });
  expect(await scene.referee.ended(call.id)).toMatchObject({ ends: 'referred' });
  expect(await attemptsOf(call.id)).toEqual(['first not_found', 'second completed']);
});

test('a webhook that Telnyx did not sign is refused, and nothing is stored or sent', async () => {
  const { telnyx, referee } = scene;
  const call = telnyx.call();
  const stranger = { 'telnyx-signature-ed25519': Buffer.alloc(64, 7).toString('base64') };
  expect(await telnyx.deliver(call.event('call.initiated'), stranger)).toBe(401);
  expect((await referee.api(`/calls/${encodeURIComponent(call.id)}`)).status).toBe(404);
  expect(call.commands()).toEqual([]);
});
