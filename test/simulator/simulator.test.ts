import { describe, expect, test } from 'vitest';
import { createSimulator } from '../../src/simulator/simulator.ts';
import { base64, setStage } from './stage.ts';

const TARGET = 'sip:support@pbx.example.com';

describe('webhooks', () => {
  test('carry a genuine signature, Telnyx headers and the envelope of API version 2', async () => {
    const { simulator, receiver } = await setStage();
    const call = simulator.placeCall({ from: '+14155550123', to: '+14155550100' });
    const event = await receiver.next('call.initiated');
    expect(event.verified).toBe(true);
    expect(event.headers['user-agent']).toBe('telnyx-webhooks');
    expect(event.headers['telnyx-timestamp']).toMatch(/^\d{10}$/);
    expect(event.meta).toEqual({ attempt: 1, delivered_to: receiver.url });
    expect(event.occurredAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(event.payload).toMatchObject({
      call_control_id: call.callControlId,
      call_session_id: call.callSessionId,
      client_state: null,
      connection_id: expect.stringMatching(/^\d{19}$/),
      direction: 'incoming',
      state: 'parked',
      from: '+14155550123',
      to: '+14155550100',
    });
    expect(call.callControlId).toMatch(/^v3:[A-Za-z0-9_-]{60,}$/);
    expect(call.callSessionId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[89ab][0-9a-f]{3}-/);
    expect(Object.keys(event.payload)).toEqual(Object.keys(event.payload).sort());
  });

  test('are tried again with a growing attempt and a fresh signature until the answer is exactly 200', async () => {
    const { simulator, receiver } = await setStage({}, (event) =>
      event.meta.attempt === 1 ? 503 : event.meta.attempt === 2 ? 202 : 200,
    );
    const call = simulator.placeCall();
    await receiver.next('call.initiated', 3);
    await expect.poll(() => call.book.webhooks[0]?.outcome).toBe('delivered');
    expect(receiver.received.map((event) => event.meta.attempt)).toEqual([1, 2, 3]);
    expect(new Set(receiver.received.map((event) => event.id)).size).toBe(1);
    expect(receiver.received.every((event) => event.verified)).toBe(true);
    expect(call.book.webhooks[0]?.deliveries.map(({ status }) => status)).toEqual([503, 202, 200]);
    expect(call.book.heardOf).toBe(true);
  });

  test('that nobody answers in time are tried again and given up at last', async () => {
    const { simulator } = await setStage(
      { webhookTimeoutMs: 30, webhookRetryMs: [10] },
      () => null,
    );
    const call = simulator.placeCall();
    await expect.poll(() => call.book.webhooks[0]?.outcome).toBe('given_up');
    expect(call.book.webhooks[0]?.deliveries).toMatchObject([
      { attempt: 1, status: 0, error: 'no answer in 30 ms' },
      { attempt: 2, status: 0 },
    ]);
    expect(call.book.heardOf).toBe(false);
  });

  test.each(['localhost:3000/webhooks/telnyx', 'http://', ''])(
    'cannot be sent to %j',
    async (url) => {
      expect(() => createSimulator({ webhookUrl: url })).toThrow(
        /expected http:\/\/host:port\/path/,
      );
      const { simulator } = await setStage();
      expect(() => simulator.setWebhookUrl(['http://127.0.0.1:9/', url])).toThrow(TypeError);
    },
  );

  test('reach nobody where the application of a number has no URL', async () => {
    const applications = [{ id: '1' }, { id: '2', application_name: 'other' }];
    const { simulator, send } = await setStage({ account: { applications }, webhookUrl: [] });
    await send('PATCH', '/call_control_applications/2', {
      application_name: 'other',
      webhook_event_url: 'http://127.0.0.1:9/',
    });
    const { book } = simulator.placeCall({ to: '+14155550100' });
    expect(book.webhooks[0]).toMatchObject({ outcome: 'given_up', deliveries: [] });
  });

  test('reach one of several replicas, or all of them', async () => {
    const one = await setStage();
    const other = await setStage();
    const urls = [one.receiver.url, other.receiver.url];
    one.simulator.setWebhookUrl(urls);
    for (let n = 0; n < 20; n += 1) one.simulator.placeCall();
    await expect.poll(() => one.simulator.unfinishedDeliveries()).toBe(0);
    expect(one.receiver.received.length).toBeGreaterThan(0);
    expect(other.receiver.received.length).toBeGreaterThan(0);
    expect(one.receiver.received.length + other.receiver.received.length).toBe(20);

    const all = await setStage({ webhookUrl: urls, spread: 'all', salt: 'all' });
    all.simulator.placeCall();
    await expect.poll(() => all.simulator.unfinishedDeliveries()).toBe(0);
    expect(one.receiver.received.length + other.receiver.received.length).toBe(22);
  });
});

describe('a call', () => {
  test('is answered, referred, and hung up after the completed REFER', async () => {
    const { receiver, command, answered } = await setStage();
    const call = await answered({ refers: { result: 'completed', progress: [100, 180] } });
    const state = base64('{"v":1,"a":"x"}');
    const refer = await command(call.callControlId, 'refer', {
      sip_address: TARGET,
      client_state: state,
      command_id: 'r1',
    });
    expect(refer).toMatchObject({ status: 200, json: { data: { result: 'ok' } } });
    const book = await call.ended;
    const hangup = await receiver.next('call.hangup');
    expect(receiver.types()).toEqual([
      'call.initiated',
      'call.answered',
      'call.refer.started',
      'call.refer.started',
      'call.refer.completed',
      'call.hangup',
    ]);
    const [started, ringing, completed] = receiver.received.slice(2);
    expect(
      [started, ringing, completed].map((event) => event?.payload.sip_notify_response),
    ).toEqual([100, 180, 200]);
    expect(completed?.payload).toMatchObject({ client_state: state });
    expect(hangup.payload).toMatchObject({ client_state: state, hangup_cause: 'normal_clearing' });
    expect(hangup.payload).not.toHaveProperty('direction');
    expect(hangup.payload).not.toHaveProperty('state');
    expect(receiver.received[1]?.payload).not.toHaveProperty('state');
    expect(book).toMatchObject({
      fate: 'moved',
      moved: [{ kind: 'refer', address: TARGET, commandId: 'r1' }],
      attempts: [{ result: 200, reported: true }],
    });
  });

  test('stamps client_state at the moment of emission: an older REFER speaks with the newer state', async () => {
    const { receiver, command, send, answered } = await setStage();
    const call = await answered({ refers: { result: 'busy', ringMs: 8_000 } });
    const first = base64('first');
    const second = base64('second');
    await command(call.callControlId, 'refer', { sip_address: TARGET, client_state: first });
    expect((await receiver.next('call.refer.started')).payload.client_state).toBe(first);
    const update = await send('PUT', `/calls/${call.callControlId}/actions/client_state_update`, {
      client_state: second,
    });
    expect(update.status).toBe(200);
    const failed = await receiver.next('call.refer.failed');
    expect(failed.payload).toMatchObject({ client_state: second, sip_notify_response: 486 });
    expect(call.book.fate).toBe('waiting');
  });

  test('stays alive after a failed REFER and can be moved again, by name of the target', async () => {
    const { receiver, command, answered } = await setStage();
    const call = await answered({ refers: { us: ['declined', 'completed'], '*': 404 } });
    for (const user of ['us', 'eu', 'us']) {
      await command(call.callControlId, 'refer', { sip_address: `sip:${user}@pbx.example.com` });
      await expect.poll(() => call.book.attempts.at(-1)?.result).not.toBeNull();
    }
    await call.ended;
    expect(call.book.attempts.map(({ result }) => result)).toEqual([603, 404, 200]);
    expect(call.book.moved).toHaveLength(1);
    expect((await receiver.next('call.refer.failed', 2)).payload.sip_notify_response).toBe(404);
  });

  test('that is answered at once is still begun first', async () => {
    const { receiver, command, answered } = await setStage();
    const call = await answered({
      refers: { result: 'completed', progress: [100, 180], ringMs: 0 },
    });
    await command(call.callControlId, 'refer', { sip_address: TARGET });
    await call.ended;
    await receiver.next('call.hangup');
    expect(receiver.types().slice(2)).toEqual([
      'call.refer.started',
      'call.refer.started',
      'call.refer.completed',
      'call.hangup',
    ]);
  });

  test('whose hangup comes before the completed keeps that order', async () => {
    const { receiver, command, answered } = await setStage();
    const call = await answered({ refers: { result: 'completed', hangup: 'before' } });
    await command(call.callControlId, 'refer', { sip_address: TARGET });
    await receiver.next('call.refer.completed');
    expect(receiver.types().slice(-2)).toEqual(['call.hangup', 'call.refer.completed']);
  });

  test('is silent after a REFER for ever, or ends without a NOTIFY, as scripted', async () => {
    const { receiver, command, answered } = await setStage();
    const silent = await answered({ refers: 'silent_after_started' });
    await command(silent.callControlId, 'refer', { sip_address: TARGET });
    await receiver.next('call.refer.started');
    const bye = await answered({ refers: 'bye' });
    await command(bye.callControlId, 'refer', { sip_address: TARGET });
    await bye.ended;
    await receiver.next('call.hangup');
    expect(receiver.types().filter((type) => /refer\.(completed|failed)/.test(type))).toEqual([]);
    expect(bye.book).toMatchObject({
      fate: 'moved',
      attempts: [{ result: 'bye', reported: false }],
    });
    expect(silent.book).toMatchObject({ fate: 'waiting', attempts: [{ result: null }] });
  });

  test('is left by a caller who hangs up while the first REFER rings', async () => {
    const { receiver, command, answered } = await setStage();
    const call = await answered({
      refers: { result: 'completed', ringMs: 60_000 },
      callerHangup: [
        { when: 'initiated', afterMs: 500_000 },
        { when: 'refer_rings', afterMs: 50 },
      ],
      lateFinal: true,
    });
    await command(call.callControlId, 'refer', { sip_address: TARGET });
    const book = await call.ended;
    expect(book).toMatchObject({ fate: 'left', moved: [], attempts: [{ result: 'cancelled' }] });
    expect((await receiver.next('call.hangup')).payload.hangup_source).toBe('caller');
    const final = await receiver.next('call.refer.failed');
    expect(final.payload.sip_notify_response).toBe(487);
  });

  test('hung up before anybody answered has no client_state key, and never had one', async () => {
    const { simulator, receiver } = await setStage();
    simulator.placeCall().hangUp();
    const hangup = await receiver.next('call.hangup');
    expect(hangup.payload).not.toHaveProperty('client_state');
    expect(hangup.payload).toMatchObject({
      hangup_cause: 'originator_cancel',
      sip_hangup_cause: '487',
      call_quality_stats: null,
    });
  });

  test('is rejected with the cause that was asked for', async () => {
    const { simulator, receiver, command } = await setStage();
    const call = simulator.placeCall();
    await command(call.callControlId, 'reject', { cause: 'USER_BUSY' });
    expect((await receiver.next('call.hangup')).payload.hangup_cause).toBe('user_busy');
    expect(call.book).toMatchObject({ fate: 'released', rejectedAs: 'USER_BUSY' });
  });

  test('shows itself to a probe, alive and for a while after its end', async () => {
    const { send, command, answered } = await setStage();
    const call = await answered();
    const path = `/calls/${call.callControlId}`;
    expect((await send('GET', path)).json.data).toMatchObject({
      call_control_id: call.callControlId,
      is_alive: true,
      end_time: null,
      record_type: 'call',
    });
    await command(call.callControlId, 'hangup');
    const after = await send('GET', encodeURI(path).replace('v3:', 'v3%3A'));
    expect(after.json.data).toMatchObject({ is_alive: false, end_time: expect.any(String) });
    expect(await send('GET', '/calls/v3:nobody')).toMatchObject({ status: 404, code: '10005' });
  });
});

describe('a transfer', () => {
  test('has a B-leg of its own in the same session, answered, bridged, and ending with the caller', async () => {
    const { receiver, command, answered } = await setStage();
    const call = await answered({ transfers: 'completed' });
    const far = base64('far');
    await command(call.callControlId, 'transfer', {
      to: '+14155550199',
      target_leg_client_state: far,
      client_state: base64('near'),
    });
    const initiated = await receiver.next('call.initiated', 2);
    expect(initiated.payload).toMatchObject({
      call_session_id: call.callSessionId,
      direction: 'outgoing',
      state: 'bridging',
      client_state: far,
      to: '+14155550199',
    });
    expect(initiated.payload.call_control_id).not.toBe(call.callControlId);
    await call.ended;
    await receiver.next('call.hangup', 2);
    expect(receiver.types().slice(2)).toEqual([
      'call.initiated',
      'call.answered',
      'call.bridged',
      'call.bridged',
      'call.hangup',
      'call.hangup',
    ]);
    expect(call.book).toMatchObject({ fate: 'moved', moved: [{ kind: 'transfer' }] });
  });

  test('that fails hangs up its B-leg with a cause and leaves the caller where they are', async () => {
    const { receiver, command, send, answered } = await setStage({ timeScale: 0.02 });
    const call = await answered({
      transfers: [
        'busy',
        'no_answer',
        { result: 'no_answer', ringMs: 300 },
        { result: 'completed', ringMs: 9_000 },
        'declined',
        'not_found',
      ],
    });
    const causes: unknown[] = [];
    for (const nth of [1, 2, 3, 4, 5, 6]) {
      await command(call.callControlId, 'transfer', { to: '+14155550199', timeout_secs: 5 });
      const { payload } = await receiver.next('call.hangup', nth);
      causes.push([payload.hangup_cause, payload.sip_hangup_cause]);
    }
    expect(causes).toEqual([
      ['user_busy', '486'],
      ['timeout', '487'],
      ['no_answer', '480'],
      ['timeout', '487'],
      ['call_rejected', '603'],
      ['not_found', '404'],
    ]);
    const { json } = await send('GET', `/calls/${call.callControlId}`);
    expect(json.data.is_alive).toBe(true);
  });

  test('whose caller leaves before it rings is cancelled', async () => {
    const { command, answered } = await setStage();
    const call = await answered({ transfers: { result: 'completed', startedMs: 60_000 } });
    await command(call.callControlId, 'transfer', { to: '+14155550199' });
    call.hangUp();
    expect(call.book.attempts).toMatchObject([{ kind: 'transfer', result: 'cancelled' }]);
  });

  test('whose caller leaves takes its ringing B-leg with it', async () => {
    const { receiver, command, answered } = await setStage();
    const call = await answered({
      transfers: 'silent',
      callerHangup: { when: 'transfer_rings', afterMs: 50 },
    });
    await command(call.callControlId, 'transfer', { to: '+14155550199' });
    await receiver.next('call.hangup', 2);
    expect(receiver.received.at(-1)?.payload.hangup_cause).toBe('originator_cancel');
    expect(call.book).toMatchObject({ fate: 'left', moved: [] });
  });
});

describe('what the caller hears', () => {
  test('is spoken in turn: an endless loop that nobody stops keeps the next one waiting', async () => {
    const { receiver, command, answered } = await setStage();
    const call = await answered({ speakMs: 100, playbackMs: 100 });
    const voice = 'Telnyx.KokoroTTS.af';
    const id = call.callControlId;
    await command(id, 'playback_start', { audio_url: 'https://a.example/x.mp3', loop: 'infinity' });
    await command(id, 'speak', { payload: 'Sorry.', voice });
    expect(receiver.types()).not.toContain('call.speak.started');
    await command(id, 'playback_stop', {});
    expect((await receiver.next('call.playback.ended')).payload.status).toBe('cancelled');
    expect(receiver.types()).not.toContain('call.speak.started');
    await command(id, 'speak', { payload: 'Goodbye.', voice, stop: 'all' });
    expect((await receiver.next('call.speak.ended')).payload.status).toBe('completed');
    expect(call.book.heard).toEqual(['https://a.example/x.mp3', 'Sorry.', 'Goodbye.']);
  });

  test('ends with the call, and says so', async () => {
    const { receiver, command, answered } = await setStage();
    const call = await answered({ callerHangup: { when: 'speak_started', afterMs: 20 } });
    await command(call.callControlId, 'speak', { payload: 'x'.repeat(200), voice: 'female' });
    expect((await receiver.next('call.speak.ended')).payload.status).toBe('call_hangup');
  });

  test('a menu gives the digits, asks again after a wrong key, and times out in the end', async () => {
    const { receiver, command, answered } = await setStage();
    const menu = {
      payload: 'Press 1.',
      voice: 'female',
      valid_digits: '12',
      maximum_digits: 1,
      maximum_tries: 2,
      timeout_millis: 1_000,
    };
    const call = await answered({ digits: ['9', '2', null] });
    await command(call.callControlId, 'gather_using_speak', menu);
    const valid = await receiver.next('call.gather.ended');
    expect(valid.payload).toMatchObject({ status: 'valid', digits: '2' });
    await command(call.callControlId, 'gather_using_speak', menu);
    const late = await receiver.next('call.gather.ended', 2);
    expect(late.payload).toMatchObject({ status: 'timeout', digits: '' });
    expect(receiver.received.filter((event) => event.type === 'call.dtmf.received')).toHaveLength(
      2,
    );
  });
});

test('a recorded menu is heard and gives the digits', async () => {
  const { receiver, command, answered } = await setStage();
  const call = await answered({ digits: ['1'] });
  const audio_url = 'https://a.example/menu.mp3';
  await command(call.callControlId, 'gather_using_audio', { audio_url, valid_digits: '12' });
  const played = await receiver.next('call.playback.ended');
  expect(played.payload).toMatchObject({ media_url: audio_url, status: 'cancelled' });
  const valid = await receiver.next('call.gather.ended');
  expect(valid.payload).toMatchObject({ status: 'valid', digits: '1' });
});

describe('call.cost', () => {
  test('comes after the hangup of each leg when the application says so', async () => {
    const { answered, command, receiver } = await setStage({
      account: { applications: [{ call_cost_in_webhooks: true }] },
    });
    const call = await answered({ transfers: { result: 'completed', talkMs: 20 } });
    await command(call.callControlId, 'transfer', { to: '+14155550199', command_id: 't' });
    const costs = [await receiver.next('call.cost'), await receiver.next('call.cost', 2)];
    const legs = costs.map(({ payload }) => payload.call_control_id);
    expect(new Set(legs).size).toBe(2);
    expect(legs).toContain(call.callControlId);
    for (const { payload, raw } of costs) {
      const hungUp = receiver.received.findIndex(
        (event) =>
          event.type === 'call.hangup' && event.payload.call_control_id === payload.call_control_id,
      );
      expect(hungUp).toBeGreaterThan(-1);
      expect(hungUp).toBeLessThan(receiver.received.findIndex((event) => event.raw === raw));
      expect(payload).toMatchObject({
        status: 'success',
        cost_parts: [
          { call_part: 'call-control', cost: '0.0020', currency: 'USD' },
          { call_part: 'sip-trunking', cost: expect.stringMatching(/^0\.00[35][05]$/) },
        ],
        total_cost: expect.stringMatching(/^0\.00[57][05]$/),
      });
    }
  });

  test('does not come when it does not say so', async () => {
    const { simulator, receiver } = await setStage();
    const call = simulator.placeCall({ callerHangup: { when: 'initiated' } });
    await receiver.next('call.hangup');
    await call.ended;
    const other = simulator.placeCall({ cost: true, callerHangup: { when: 'initiated' } });
    const { payload } = await receiver.next('call.cost');
    expect(payload).toMatchObject({ call_control_id: other.callControlId, total_cost: '0.0000' });
  });
});
