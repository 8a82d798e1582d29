/**
 * Nobody is moved twice and no conversation is cut off, whatever Telnyx's API answers to a
 * repetition.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type Answer,
  type Asked,
  ok,
  type TestCall,
  telnyxError,
} from '../helpers/telnyx-stand-in.ts';
import { openScene, type Scene } from './scene.ts';

/** One target with a timeout of 25 s. */
const PATIENT = '+14155550101';
/** A transfer that may ring for a second (Telnyx takes five at least), then a target. */
const BRIDGED = '+14155550109';
const CONNECTION = '1684641123236054244';

let scene: Scene;
/** The answers for each call and action, in order; after that ok. */
const scripted = new Map<string, Answer[]>();
/** The legs that Telnyx lists for the connection, two pages of them. */
let activeCalls: [first: Answer, second: Answer] | null = null;

beforeAll(async () => {
  scene = await openScene();
  scene.telnyx.answer = (asked: Asked) => {
    if (asked.action === 'active_calls' && activeCalls !== null) {
      return activeCalls[asked.url.includes('page[after]=2') ? 1 : 0];
    }
    return scripted.get(`${asked.callId} ${asked.action}`)?.shift() ?? ok(asked);
  };
});

function newCall(to: string, answers: Record<string, Answer[]>): TestCall {
  const call = scene.telnyx.call({ to });
  for (const [action, list] of Object.entries(answers)) scripted.set(`${call.id} ${action}`, list);
  return call;
}

const page = '<html><body>Sign in to the network</body></html>';

describe.concurrent('the first try was executed and its answer was lost; the repetition is answered', () => {
  test.each<[string, Answer, Answer]>([
    ['422 after a 500', { status: 500 }, telnyxError(422, '90000')],
    ['409 after a cut connection', 'cut', { status: 409 }],
    ['401 after a 500, while the key is rotated', { status: 500 }, telnyxError(401, '10009')],
    ['403 of a proxy', { status: 502 }, { status: 403, body: page }],
    ['404 of a proxy', 'cut', { status: 404, body: page }],
    ['302 of a proxy', { status: 503 }, { status: 302, headers: { location: '/sign-in' } }],
  ])('%s: nobody else is called, and the target that answers counts', async (_, first, second) => {
    const call = newCall(PATIENT, { refer: [first, second] });
    await call.untilReferred();
    await call.next('refer', 2);
    await call.send('call.refer.started', { sip_notify_response: 180 });
    await call.completes();
    await call.hangsUp();
    const told = await scene.referee.ended(call.id);
    expect(told).toMatchObject({ ends: 'referred', attempts: [{ verdict: 'completed' }] });
    expect(call.commands('refer')).toHaveLength(2);
    expect(call.commands('speak')).toEqual([]);
  });

  test('to the answer: a caller who was answered is not hung up', async () => {
    const call = newCall(PATIENT, { answer: [{ status: 500 }, telnyxError(422, '90000')] });
    await call.send('call.initiated');
    await call.next('answer', 2);
    await call.send('call.answered');
    await call.next('refer');
    await call.completes();
    await call.hangsUp();
    expect(await scene.referee.ended(call.id)).toMatchObject({ ends: 'referred' });
    expect(call.commands('hangup')).toEqual([]);
  });

  test('and the leg ends with the attempt’s envelope: unconfirmed, not abandoned', async () => {
    const call = newCall(PATIENT, { refer: ['hang'] });
    await call.untilReferred();
    await call.hangsUp();
    expect(await scene.referee.ended(call.id)).toMatchObject({
      ends: 'unconfirmed',
      attempts: [{ verdict: 'no_verdict' }],
    });
  });
});

test.concurrent('a REFER that is not ours completes on a leg that we do not know: nothing is sent', async () => {
  const call = scene.telnyx.call();
  await call.completes();
  await call.hangsUp();
  expect(await scene.referee.ended(call.id)).toMatchObject({ ends: 'ignored', attempts: [] });
  expect(call.commands()).toEqual([]);
});

describe.concurrent('a transfer', () => {
  const until = async (call: TestCall) => {
    await call.send('call.initiated');
    await call.next('answer');
    await call.send('call.answered');
    return call.next('transfer');
  };

  test('that is bridged while no webhook reaches us is not cut off', async ({ expect }) => {
    const call = newCall(BRIDGED, {});
    const transfer = await until(call);
    const bLeg = { call_control_id: `${call.id}-b`, call_session_id: call.sessionId };
    activeCalls = [
      {
        status: 200,
        body: {
          data: [
            // The caller's own leg, whose client_state the transfer has set as well.
            { ...bLeg, client_state: transfer.body.client_state, call_control_id: call.id },
            { ...bLeg, client_state: 'c29tZWJvZHk=', call_control_id: 'v3:other' },
          ],
          meta: { next: '/v2/connections/x/active_calls?page[after]=2' },
        },
      },
      {
        status: 200,
        body: {
          data: [{ ...bLeg, client_state: transfer.body.target_leg_client_state }],
          meta: { next: null },
        },
      },
    ];
    await scene.telnyx.next(CONNECTION, 'active_calls', 2);
    await expect.poll(async () => (await scene.referee.call(call.id)).phase).toBe('bridged');
    expect(call.commands('refer')).toEqual([]);
    expect(call.commands('speak')).toEqual([]);
    await call.hangsUp();
    expect(await scene.referee.ended(call.id)).toMatchObject({
      ends: 'transferred',
      attempts: [{ verdict: 'completed' }],
    });
  });

  test('whose B-leg rings past its time: the REFER leaves once its hangup is accepted', async () => {
    const call = newCall(BRIDGED, {});
    const bLegId = `${call.id}-b`;
    const transfer = await until(call);
    scripted.set(`${bLegId} hangup`, [{ status: 500 }, { status: 500 }]);
    await call.send('call.initiated', {
      call_control_id: bLegId,
      client_state: transfer.body.target_leg_client_state,
      direction: 'outgoing',
      state: 'bridging',
    });
    const refer = await call.next('refer');
    const hangups = scene.telnyx.commands(bLegId, 'hangup');
    expect(hangups).toHaveLength(3);
    expect(refer.at).toBeGreaterThanOrEqual(hangups[2]?.at ?? Number.POSITIVE_INFINITY);
    await call.completes();
    await call.hangsUp();
    expect(await scene.referee.ended(call.id)).toMatchObject({ ends: 'referred' });
  });
});
