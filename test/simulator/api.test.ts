import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { base64, setStage } from './stage.ts';

const TARGET = 'sip:support@pbx.example.com';
const SPEECH = { payload: 'Hello.', voice: 'Telnyx.KokoroTTS.af' };

describe('the API', () => {
  test('answers 401 10009 in Telnyx shape to a wrong key, before anything is executed', async () => {
    const { simulator, send } = await setStage();
    const call = simulator.placeCall();
    const path = `/calls/${call.callControlId}/actions/hangup`;
    const answer = await send('POST', path, {}, { authorization: 'Bearer nope' });
    expect(answer).toMatchObject({ status: 401, code: '10009' });
    expect(call.book).toMatchObject({ fate: 'waiting', requests: [{ status: 401 }] });
  });

  test('takes paths with and without /v2, and answers others with a bare 404', async () => {
    const { simulator, apiUrl, send, command } = await setStage();
    const call = simulator.placeCall();
    const bare = apiUrl.replace('/v2', '');
    const response = await fetch(`${bare}/calls/${call.callControlId}`, {
      headers: { authorization: `Bearer ${simulator.apiKey}` },
    });
    expect(response.status).toBe(200);
    expect(await send('POST', '/callz/x', {})).toMatchObject({ status: 404, json: null });
    expect(await command(call.callControlId, 'teleport')).toMatchObject({
      status: 404,
      json: null,
    });
  });

  test('knows the call control ids it gave out: 90015 for another, 90018 for one that ended', async () => {
    const { simulator, command } = await setStage();
    expect(await command('v3:foreign', 'answer')).toMatchObject({ status: 422, code: '90015' });
    expect(simulator.strayRequests()).toMatchObject([
      { action: 'answer', status: 422, code: '90015' },
    ]);
    const call = simulator.placeCall();
    call.hangUp();
    expect(await command(call.callControlId, 'hangup')).toMatchObject({
      status: 422,
      code: '90018',
    });
  });

  test('says 90034 to whatever needs an answered call', async () => {
    const { simulator, command } = await setStage();
    const call = simulator.placeCall();
    const bodies = {
      refer: { sip_address: TARGET },
      transfer: { to: '+14155550199' },
      speak: SPEECH,
      playback_start: { audio_url: 'https://a.example/x.mp3' },
      gather_using_speak: SPEECH,
    };
    for (const [action, body] of Object.entries(bodies)) {
      const answer = await command(call.callControlId, action, body);
      expect([action, answer.status, answer.code]).toEqual([action, 422, '90034']);
    }
    const allowing = await setStage({ referBeforeAnswer: 'allowed', salt: 'allowing' });
    const other = allowing.simulator.placeCall();
    const answer = await allowing.command(other.callControlId, 'refer', { sip_address: TARGET });
    expect(answer.status).toBe(200);
  });

  test('limits the rate with 429 10011 and the three headers, in whole seconds', async () => {
    const { simulator, send } = await setStage({ rateLimit: { limit: 2, windowMs: 60_000 } });
    const path = `/calls/${simulator.placeCall().callControlId}`;
    // Also in a process that is younger than a window.
    const clock = vi.spyOn(performance, 'now').mockReturnValue(45_000);
    onTestFinished(() => clock.mockRestore());
    await send('GET', path);
    await send('GET', path);
    const answer = await send('GET', path);
    expect(answer).toMatchObject({ status: 429, code: '10011' });
    expect(answer.headers.get('x-ratelimit-limit')).toBe('2');
    expect(answer.headers.get('x-ratelimit-remaining')).toBe('0');
    expect(answer.headers.get('x-ratelimit-reset')).toBe('60');
  });
});

describe('a repeated command_id', () => {
  test('is answered 200 and not executed again, while the window lasts', async () => {
    const { command, answered } = await setStage({ dedupeMs: 300 });
    const call = await answered({ refers: 'silent' });
    const body = { sip_address: TARGET, command_id: 'same' };
    for (let n = 0; n < 3; n += 1) {
      expect((await command(call.callControlId, 'refer', body)).status).toBe(200);
    }
    expect(call.book.attempts).toHaveLength(1);
    expect(call.book.requests.filter(({ duplicate }) => duplicate)).toHaveLength(2);
    // Sends the command repeatedly; the window counts from the one that was executed.
    await expect
      .poll(async () => {
        await command(call.callControlId, 'refer', body);
        return call.book.attempts.length;
      })
      .toBe(2);
  });

  test('of a refused command is executed: nothing was done the first time', async () => {
    const { simulator, receiver, command } = await setStage();
    const call = simulator.placeCall();
    const body = { ...SPEECH, command_id: 'spoken' };
    expect((await command(call.callControlId, 'speak', body)).code).toBe('90034');
    await command(call.callControlId, 'answer');
    await receiver.next('call.answered');
    expect((await command(call.callControlId, 'speak', body)).status).toBe(200);
    await receiver.next('call.speak.started');
  });

  test('is one call’s own: another call may use it', async () => {
    const { command, answered } = await setStage();
    const one = await answered({ refers: 'silent' });
    const other = await answered({ refers: 'silent' });
    for (const call of [one, other]) {
      await command(call.callControlId, 'refer', { sip_address: TARGET, command_id: 'shared' });
    }
    expect([one.book.attempts.length, other.book.attempts.length]).toEqual([1, 1]);
  });
});

describe('bodies', () => {
  const cases: [string, string, unknown, string, string | undefined][] = [
    ['a misspelt field', 'refer', { sip_address: TARGET, to: '+14155550199' }, '10015', '/to'],
    ['no sip_address', 'refer', {}, '10004', '/sip_address'],
    ['a number for a SIP URI', 'refer', { sip_address: '+14155550199' }, '10015', '/sip_address'],
    ['a space in a SIP URI', 'refer', { sip_address: 'sip:a b@c' }, '10015', '/sip_address'],
    ['a sip_address of another type', 'refer', { sip_address: 7 }, '10026', '/sip_address'],
    [
      'a timeout on a refer',
      'refer',
      { sip_address: TARGET, timeout_secs: 30 },
      '10015',
      '/timeout_secs',
    ],
    [
      'client_state that is not base64',
      'refer',
      { sip_address: TARGET, client_state: '{"v":1}' },
      '90017',
      '/client_state',
    ],
    [
      'client_state null',
      'refer',
      { sip_address: TARGET, client_state: null },
      '90017',
      '/client_state',
    ],
    [
      'a SIP header other than User-to-User',
      'refer',
      { sip_address: TARGET, sip_headers: [{ name: 'Diversion', value: 'x' }] },
      '10032',
      '/sip_headers/0/name',
    ],
    [
      'a header without a value',
      'refer',
      { sip_address: TARGET, custom_headers: [{ name: 'X-A' }] },
      '10004',
      '/custom_headers/0/value',
    ],
    [
      'a header with a line break',
      'refer',
      { sip_address: TARGET, custom_headers: [{ name: 'X-A', value: 'a\r\nX-B: b' }] },
      '10015',
      '/custom_headers/0',
    ],
    [
      'headers as an object',
      'refer',
      { sip_address: TARGET, custom_headers: {} },
      '10026',
      '/custom_headers',
    ],
    ['a cause of our own', 'reject', { cause: 'busy' }, '10032', '/cause'],
    ['no cause', 'reject', {}, '10004', '/cause'],
    ['a local number', 'transfer', { to: '4155550199' }, '10016', '/to'],
    [
      'a timeout out of range',
      'transfer',
      { to: '+14155550199', timeout_secs: 1 },
      '10033',
      '/timeout_secs',
    ],
    [
      'a timeout as text',
      'transfer',
      { to: '+14155550199', timeout_secs: '30' },
      '10026',
      '/timeout_secs',
    ],
    ['no voice', 'speak', { payload: 'Hello.' }, '10004', '/voice'],
    ['too much text', 'speak', { payload: 'x'.repeat(3001), voice: 'female' }, '10033', '/payload'],
    ['a loop of yes', 'speak', { ...SPEECH, loop: true }, '10032', '/loop'],
    ['an unknown language', 'speak', { ...SPEECH, language: 'en' }, '10032', '/language'],
    [
      'two media',
      'playback_start',
      { audio_url: 'https://a/x', media_name: 'y' },
      '10015',
      undefined,
    ],
    ['no media', 'playback_start', {}, '10015', undefined],
    ['a body on hangup', 'hangup', { cause: 'USER_BUSY' }, '10015', '/cause'],
    [
      'a flag as text',
      'answer',
      { send_silence_when_idle: 'true' },
      '10026',
      '/send_silence_when_idle',
    ],
  ];
  test.each(cases)('with %s are refused', async (_what, action, body, code, pointer) => {
    const { simulator, command } = await setStage();
    const call = simulator.placeCall();
    const answer = await command(call.callControlId, action, body);
    expect(answer).toMatchObject({ status: 422, code });
    expect(answer.pointer).toBe(pointer);
    expect(call.book.fate).toBe('waiting');
  });

  test('that are no JSON object are refused with 400', async () => {
    const { simulator, command } = await setStage();
    const call = simulator.placeCall();
    for (const body of ['{"cause":', '[]', '7']) {
      const answer = await command(call.callControlId, 'hangup', body);
      expect(answer).toMatchObject({ status: 400, code: '10015' });
    }
  });

  test('client_state_update wants PUT, a state, and no command_id', async () => {
    const { simulator, send } = await setStage();
    const path = `/calls/${simulator.placeCall().callControlId}/actions/client_state_update`;
    const body = { client_state: base64('x') };
    expect(await send('POST', path, body)).toMatchObject({ status: 404 });
    expect(await send('PUT', path, {})).toMatchObject({ code: '10004' });
    expect(await send('PUT', path, { ...body, command_id: 'c' })).toMatchObject({ code: '10015' });
    expect(await send('PUT', path, body)).toMatchObject({ status: 200 });
  });

  test('with all fields of refer are taken', async () => {
    const { command, answered } = await setStage();
    const call = await answered();
    const answer = await command(call.callControlId, 'refer', {
      sip_address: TARGET,
      client_state: base64('x'),
      command_id: 'c',
      custom_headers: [{ name: 'X-Queue', value: 'support' }],
      sip_headers: [{ name: 'User-to-User', value: 'session' }],
      sip_auth_username: 'user',
      sip_auth_password: 'secret',
    });
    expect(answer.status).toBe(200);
  });
});
