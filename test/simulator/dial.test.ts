/** `POST /calls`: the outgoing leg, and the incoming call at a number of the account. */
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { CONNECTION_ID } from '../../src/simulator/identity.ts';
import { setStage } from './stage.ts';

const FROM = '+14155550111';
const TO = '+14155550100';
const call = { connection_id: CONNECTION_ID, from: FROM, to: TO };

describe('POST /calls', () => {
  test('answers with a leg of its own session, whose other end the service answers', async () => {
    const { simulator, send } = await setStage();
    const { status, json } = await send('POST', '/calls', call);
    expect([status, json.data]).toEqual([
      200,
      expect.objectContaining({ is_alive: false, record_type: 'call' }),
    ]);
    const [calling, called] = simulator.books();
    expect(json.data.call_control_id).toBe(calling?.callControlId);
    expect(called).toMatchObject({ from: FROM, to: TO });
    expect(called?.callSessionId).not.toBe(calling?.callSessionId);
    const types = (book = calling) => book?.webhooks.map(({ type }) => type);
    expect([types(), types(called)]).toEqual([['call.initiated'], ['call.initiated']]);
    await send('POST', `/calls/${called?.callControlId}/actions/answer`, {});
    await expect.poll(() => types()).toContain('call.answered');
  });

  test('ends on both sides: a caller who leaves, and a called side that rejects', async () => {
    const { simulator, send } = await setStage();
    await send('POST', '/calls', call);
    const [first, second] = simulator.books();
    await send('POST', `/calls/${first?.callControlId}/actions/hangup`, {});
    expect(second).toMatchObject({ fate: 'left', endedAt: expect.any(String) });
    await send('POST', '/calls', call);
    const [, , third, fourth] = simulator.books();
    await send('POST', `/calls/${fourth?.callControlId}/actions/reject`, { cause: 'USER_BUSY' });
    expect(third?.endedAt).not.toBeNull();
  });

  test('is ended by Telnyx where nobody answers in time, and where it lasts too long', async () => {
    const { simulator, send } = await setStage();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    await send('POST', '/calls', { ...call, timeout_secs: 1 });
    await send('POST', '/calls', { ...call, timeout_secs: 1, time_limit_secs: 2 });
    const [ringing, , answered, called] = simulator.books();
    await send('POST', `/calls/${called?.callControlId}/actions/answer`, {});
    vi.advanceTimersByTime(1_000);
    expect(ringing?.endedAt).toEqual(expect.any(String));
    expect(answered?.endedAt).toBeNull();
    vi.advanceTimersByTime(1_000);
    expect(answered?.endedAt).toEqual(expect.any(String));
    expect(simulator.books().every(({ endedAt }) => endedAt !== null)).toBe(true);
  });

  test.each([
    [{ to: TO, from: FROM }, '10004', '/connection_id'],
    [{ ...call, to: 5 }, '10026', '/to'],
    [{ ...call, client_state: 'not base64' }, '90017', '/client_state'],
    [{ ...call, timeout_secs: 0 }, '10033', '/timeout_secs'],
    [{ ...call, time_limit_secs: 3_000_000 }, '10033', '/time_limit_secs'],
    [{ ...call, colour: 'red' }, '10015', '/colour'],
    [{ ...call, connection_id: '1' }, '10015', '/connection_id'],
    [{ ...call, from: '+14155550199' }, '10015', '/from'],
    [{ ...call, to: '+14155550199' }, '10015', '/to'],
  ])('refuses %j', async (body, code, pointer) => {
    const { simulator, send } = await setStage();
    const answer = await send('POST', '/calls', body);
    expect(answer).toMatchObject({ status: 422, code });
    expect(answer.json.errors[0].source).toEqual({ pointer });
    expect(simulator.books()).toEqual([]);
  });

  test('needs an outbound voice profile', async () => {
    const { send } = await setStage({
      account: { applications: [{ outbound: { outbound_voice_profile_id: null } }] },
    });
    expect(await send('POST', '/calls', call)).toMatchObject({ status: 422 });
  });
});
