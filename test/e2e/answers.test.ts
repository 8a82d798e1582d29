/** What Telnyx's API may answer, and what then happens to the caller. */
import { beforeAll, expect, test } from 'vitest';
import { eventually } from '../helpers/referee-process.ts';
import {
  type Answer,
  type Asked,
  ok,
  type TestCall,
  telnyxError,
} from '../helpers/telnyx-stand-in.ts';
import { openScene, type Scene } from './scene.ts';

/** One target with a timeout of 25 s, so that retries have time. */
const PATIENT = '+14155550101';
const STEADY = '+14155550107';
const UNAVAILABLE: Answer = { status: 503 };

let scene: Scene;
/** The answers for each call and action, in order; after that ok. */
const scripted = new Map<string, Answer[]>();

beforeAll(async () => {
  scene = await openScene();
  scene.telnyx.answer = (asked: Asked) =>
    scripted.get(`${asked.callId} ${asked.action}`)?.shift() ?? ok(asked);
});

function newCall(answers: Record<string, Answer[]>, to?: string): TestCall {
  const call = scene.telnyx.call(to === undefined ? {} : { to });
  for (const [action, list] of Object.entries(answers)) scripted.set(`${call.id} ${action}`, list);
  return call;
}

/** Plays the rest of a working call: the REFER for that number completes. */
async function finish(call: TestCall): Promise<void> {
  await call.completes();
  await call.hangsUp();
  expect(await scene.referee.ended(call.id)).toMatchObject({ ends: 'referred' });
}

test.concurrent('a transfer to the number that was called is not sent, and one error line says so', async ({
  expect,
}) => {
  const call = scene.telnyx.call({
    from: '+14155550177;npdi;rn=+14155550199',
    to: '+14155550108;npdi',
  });
  await call.untilReferred();
  await finish(call);
  expect(call.commands('transfer')).toEqual([]);
  const [loop, moved] = (await scene.referee.call(call.id)).attempts;
  expect(loop).toMatchObject({ verdict: 'rejected', reason: expect.stringMatching(/^loop: /) });
  expect(moved).toMatchObject({ target: 'first', verdict: 'completed' });
  const errors = scene.referee.output
    .split('\n')
    .filter((line) => line.includes('"event":"attempt.loop"') && line.includes(call.id));
  expect(errors).toHaveLength(1);
  expect(errors[0]).toContain('"level":"error"');

  for (const from of ['+14155550177', '+14155550177;npdi']) {
    const page = await scene.referee.api(`/calls?from=${encodeURIComponent(from)}`);
    const { calls } = (await page.json()) as { calls: { call_control_id: string; from: string }[] };
    expect(calls).toContainEqual(
      expect.objectContaining({ call_control_id: call.id, from: '+14155550177' }),
    );
  }
});

test.concurrent('90018 to the answer: the call has ended, and that is no error', async ({
  expect,
}) => {
  const call = newCall({ answer: [telnyxError(422, '90018')] });
  await call.send('call.initiated');
  expect(await scene.referee.ended(call.id)).toMatchObject({ ends: 'abandoned', attempts: [] });
  expect(call.commands()).toHaveLength(1);
});

test.concurrent('a conflict, once, to the answer: sent again, and nobody is let go', async () => {
  const call = newCall({ answer: [telnyxError(409, '10015')] });
  await call.send('call.initiated');
  const again = await call.next('answer', 2);
  expect(again.body).toEqual(call.commands('answer')[0]?.body);
  await call.send('call.answered');
  await call.next('refer');
  await finish(call);
  expect(call.commands('hangup')).toEqual([]);
});

test.concurrent('a conflict to the REFER: the identical command again, then the next target', async ({
  expect,
}) => {
  const conflict = () => telnyxError(409, '10015');
  const once = newCall({ refer: [conflict()] }, PATIENT);
  const always = newCall({ refer: [conflict(), conflict(), conflict()] }, PATIENT);
  const first = await once.untilReferred();
  expect((await once.next('refer', 2)).body).toEqual(first.body);
  await finish(once);
  expect((await scene.referee.call(once.id)).attempts).toHaveLength(1);
  await always.untilReferred();
  expect((await always.next('refer', 4)).body.sip_address).toBe('sip:second@pbx.example.com');
  await finish(always);
  const { attempts } = await scene.referee.call(always.id);
  expect(attempts.map(({ verdict }) => verdict)).toEqual(['rejected', 'completed']);
});

test.concurrent('90018 to the REFER: the caller left, nobody else is called', async ({
  expect,
}) => {
  const call = newCall({ refer: [telnyxError(422, '90018')] });
  await call.untilReferred();
  const told = await scene.referee.ended(call.id);
  expect(told.ends).toBe('abandoned');
  expect(told.attempts).toHaveLength(1);
  expect(call.commands('refer')).toHaveLength(1);
});

test.concurrent('90034 to the REFER: answered once more, then referred again with a new id', async ({
  expect,
}) => {
  const call = newCall({ refer: [telnyxError(422, '90034')] });
  await call.untilReferred();
  await call.next('answer', 2);
  await call.send('call.answered');
  const again = await call.next('refer', 2);
  expect(again.body.sip_address).toBe('sip:first@pbx.example.com');
  expect(again.body.command_id).not.toBe(call.commands('refer')[0]?.body.command_id);
  await finish(call);
});

test.concurrent('another refusal of the REFER: rejected, the next target at once', async ({
  expect,
}) => {
  const call = newCall({ refer: [telnyxError(422, '10015')] });
  await call.untilReferred();
  const second = await call.next('refer', 2);
  expect(second.body.sip_address).toBe('sip:second@pbx.example.com');
  await finish(call);
  const { attempts } = await scene.referee.call(call.id);
  expect(attempts.map(({ verdict }) => verdict)).toEqual(['rejected', 'completed']);
});

test.concurrent('429 and 500: the identical command again until it is taken', async ({
  expect,
}) => {
  const limited: Answer = {
    status: 429,
    body: { errors: [{ code: '10011', title: 'Too many requests' }] },
    headers: { 'x-ratelimit-reset': '1' },
  };
  const call = newCall({ refer: [limited, { status: 500 }, 'cut'] }, PATIENT);
  const first = await call.untilReferred();
  const fourth = await call.next('refer', 4);
  const second = call.commands('refer')[1];
  expect((second?.at ?? 0) - first.at).toBeGreaterThanOrEqual(1_000);
  for (const { body } of call.commands('refer')) expect(body).toEqual(first.body);
  expect(fourth.body.command_id).toBe(first.body.command_id);
  await finish(call);
  expect((await scene.referee.call(call.id)).attempts).toHaveLength(1);
});

test.concurrent('a REFER that ran although the API said 500 is not sent again once its end is known', async ({
  expect,
}) => {
  const unclear = (times: number) => Array.from({ length: times }, () => UNAVAILABLE);
  const call = newCall({ answer: unclear(40), refer: unclear(1) }, STEADY);
  const witness = newCall({ refer: unclear(3) }, PATIENT);
  const first = await call.untilReferred();
  const answers = call.commands('answer').length;
  await call.fails(486);
  await call.next('refer', 2);
  await witness.untilReferred();
  await witness.next('refer', 4);
  const sent = call.commands('refer').map(({ body }) => body.command_id);
  expect(sent.filter((id) => id === first.body.command_id)).toHaveLength(1);
  expect(call.commands('answer').length).toBeLessThanOrEqual(answers + 1);
  await finish(witness);
  await finish(call);
});

test.concurrent.each([
  ['a completed', (call: TestCall) => call.completes()],
  ['a hangup', (call: TestCall) => call.hangsUp()],
])('%s that comes while the REFER is being retried ends the retries', async (_what, ends) => {
  const failing = (times: number) => ({ refer: Array.from({ length: times }, () => UNAVAILABLE) });
  const call = newCall(failing(40), PATIENT);
  // A witness that is retried equally long: when its fourth request arrives, another one of ours
  // would have arrived too.
  const witness = newCall(failing(3), PATIENT);
  await call.untilReferred();
  await ends(call);
  const sent = call.commands('refer').length;
  await witness.untilReferred();
  await witness.next('refer', 4);
  expect(call.commands('refer').length).toBeLessThanOrEqual(sent + 1);
  await finish(witness);
  await call.hangsUp();
  await scene.referee.ended(call.id);
});

test.concurrent('5 s without an answer: the same command again', async ({ expect }) => {
  const call = newCall({ refer: ['hang'] }, PATIENT);
  const first = await call.untilReferred();
  const second = await call.next('refer', 2, 12_000);
  expect(second.body).toEqual(first.body);
  expect(second.at - first.at).toBeGreaterThan(4_500);
  await finish(call);
});

test.concurrent('an answer that is refused: no silence, the plan goes on with what needs no answer', async ({
  expect,
}) => {
  const call = newCall({ answer: [telnyxError(422, '10015')] });
  await call.send('call.initiated');
  await call.next('hangup');
  await call.hangsUp();
  expect(await scene.referee.ended(call.id)).toMatchObject({ ends: 'hung_up', attempts: [] });
  expect(call.commands('refer')).toEqual([]);
});

test('401: the operator learns which setting is wrong, in the log and in ready', async () => {
  const { referee } = scene;
  const refused = () => Array.from({ length: 3 }, () => telnyxError(401, '10009'));
  const call = newCall({ refer: refused(), speak: refused(), hangup: refused() });
  await call.untilReferred();
  // Nothing works with this key: each step is tried, and none blocks the call.
  await call.next('hangup');
  await eventually(async () => {
    const body = await (await fetch(`${referee.url}/health/ready`)).text();
    return body.includes('TELNYX_API_KEY');
  }, 'a warning in ready');
  expect(await referee.ready()).toBe(200);
  expect(referee.output).toMatch(
    /"level":"error".*"event":"command.misconfigured".*TELNYX_API_KEY/,
  );
  await call.hangsUp();
  const { attempts, ends } = await referee.ended(call.id);
  expect(attempts.map(({ verdict }) => verdict)).toEqual(['rejected', 'rejected']);
  expect(ends).toBe('hung_up');
});
