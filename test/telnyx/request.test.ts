import { expect, test } from 'vitest';
import type { TelnyxCommand } from '../../src/core/machine/command.ts';
import { requestOf, UnsetVariable } from '../../src/telnyx/request.ts';

const base = {
  id: '51d844c6-f069-5b7c-925b-7fdbf10dfd2f',
  callId: 'v3:abc',
  legId: 'v3:abc',
  attemptId: null,
  giveUpAt: null,
  clientState: 'eyJ2IjoxfQ==',
};
const both = { client_state: base.clientState, command_id: base.id };

function bodyOf(command: TelnyxCommand, env = {}): unknown {
  return JSON.parse(requestOf(command, env).body ?? 'null');
}

test('a refer carries every field that is set', () => {
  const command: TelnyxCommand = {
    ...base,
    action: 'refer',
    sipAddress: 'sip:support@pbx.example.com',
    userToUser: 'session-1',
    headers: [{ name: 'X-Queue', value: 'support' }],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference as a route file writes it
    auth: { username: 'pbx', password: '${PBX_PASSWORD}' },
  };
  const request = requestOf(command, { PBX_PASSWORD: 'hush' });
  expect(request).toMatchObject({ method: 'POST', path: '/calls/v3%3Aabc/actions/refer' });
  expect(JSON.parse(request.body ?? '')).toEqual({
    sip_address: 'sip:support@pbx.example.com',
    custom_headers: [{ name: 'X-Queue', value: 'support' }],
    sip_headers: [{ name: 'User-to-User', value: 'session-1' }],
    sip_auth_username: 'pbx',
    sip_auth_password: 'hush',
    ...both,
  });
});

const bareRefer: TelnyxCommand = {
  ...base,
  action: 'refer',
  sipAddress: 'sip:a@b.example',
  userToUser: null,
  headers: [],
  auth: null,
};

test('what is not set is absent, never null and never an empty list', () => {
  expect(bodyOf(bareRefer)).toEqual({ sip_address: 'sip:a@b.example', ...both });
  expect(bodyOf({ ...bareRefer, clientState: null })).toEqual({
    sip_address: 'sip:a@b.example',
    command_id: base.id,
  });
});

test('the same command is the same bytes', () => {
  expect(requestOf(bareRefer, {})).toEqual(requestOf(structuredClone(bareRefer), {}));
});

test('an unset or empty variable stops the command and is named', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference as a route file writes it
  const auth = { username: '${PBX_USER}', password: 'x' };
  for (const env of [{}, { PBX_USER: '' }]) {
    expect(() => requestOf({ ...bareRefer, auth }, env)).toThrow(new UnsetVariable('PBX_USER'));
  }
});

test('a value of a variable is not looked into again', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference as a route file writes it
  const auth = { username: 'u', password: '${A}' };
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a value that looks like one
  expect(bodyOf({ ...bareRefer, auth }, { A: '$&${B}' })).toMatchObject({
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a value that looks like one
    sip_auth_password: '$&${B}',
  });
});

test('every other action has the fields that Telnyx documents', () => {
  const sip = { userToUser: null, headers: [], auth: null };
  expect(bodyOf({ ...base, action: 'answer' })).toEqual({ send_silence_when_idle: true, ...both });
  expect(bodyOf({ ...base, action: 'hangup' })).toEqual(both);
  expect(bodyOf({ ...base, action: 'playback_stop' })).toEqual({ stop: 'all', ...both });
  expect(bodyOf({ ...base, action: 'reject', cause: 'busy' })).toEqual({
    cause: 'USER_BUSY',
    ...both,
  });
  expect(bodyOf({ ...base, action: 'reject', cause: 'declined' })).toEqual({
    cause: 'CALL_REJECTED',
    ...both,
  });
  expect(
    bodyOf({
      ...base,
      ...sip,
      action: 'transfer',
      to: '+14155550199',
      from: null,
      timeoutSecs: 30,
      targetClientState: 'eyJ2IjoyfQ==',
    }),
  ).toEqual({
    to: '+14155550199',
    timeout_secs: 30,
    target_leg_client_state: 'eyJ2IjoyfQ==',
    ...both,
  });
  const voice = { voice: 'Telnyx.KokoroTTS.af', language: null };
  expect(
    bodyOf({ ...base, ...voice, action: 'speak', text: 'Hello', loop: false, stopOthers: false }),
  ).toEqual({ payload: 'Hello', voice: voice.voice, ...both });
  expect(
    bodyOf({
      ...base,
      ...voice,
      action: 'speak',
      text: 'Hello',
      language: 'en-US',
      loop: true,
      stopOthers: true,
    }),
  ).toEqual({
    payload: 'Hello',
    voice: voice.voice,
    language: 'en-US',
    loop: 'infinity',
    stop: 'all',
    ...both,
  });
  expect(
    bodyOf({
      ...base,
      action: 'playback_start',
      url: 'https://a.example/b.mp3',
      loop: true,
      stopOthers: false,
    }),
  ).toEqual({ audio_url: 'https://a.example/b.mp3', loop: 'infinity', ...both });
});

test('a menu asks for its digits, and a # among them does not end the input', () => {
  const menu: TelnyxCommand = {
    ...base,
    action: 'gather_using_speak',
    text: 'Press 1 or 2.',
    voice: 'AWS.Polly.Joanna',
    language: null,
    tries: 2,
    timeoutMs: 8000,
    digitsMin: 1,
    digitsMax: 1,
    validDigits: '12',
  };
  const body = {
    payload: 'Press 1 or 2.',
    voice: 'AWS.Polly.Joanna',
    maximum_tries: 2,
    timeout_millis: 8000,
    minimum_digits: 1,
    maximum_digits: 1,
    valid_digits: '12',
    ...both,
  };
  expect(bodyOf(menu)).toEqual(body);
  expect(bodyOf({ ...menu, validDigits: '1#' })).toEqual({
    ...body,
    valid_digits: '1#',
    terminating_digit: '*',
  });
});

test('a recorded menu names its recording', () => {
  const menu: TelnyxCommand = {
    ...base,
    action: 'gather_using_audio',
    url: 'https://a.example/menu.mp3',
    tries: 2,
    timeoutMs: 8000,
    digitsMin: 1,
    digitsMax: 1,
    validDigits: '12',
  };
  expect(requestOf(menu, {}).path).toMatch(/\/actions\/gather_using_audio$/);
  expect(bodyOf(menu)).toEqual({
    audio_url: 'https://a.example/menu.mp3',
    maximum_tries: 2,
    timeout_millis: 8000,
    minimum_digits: 1,
    maximum_digits: 1,
    valid_digits: '12',
    ...both,
  });
});

test('a client_state update is a PUT without a command_id, and clears what nobody had set', () => {
  const update: TelnyxCommand = { ...base, action: 'client_state_update' };
  expect(requestOf(update, {})).toEqual({
    method: 'PUT',
    path: '/calls/v3%3Aabc/actions/client_state_update',
    body: JSON.stringify({ client_state: base.clientState }),
  });
  expect(bodyOf({ ...update, clientState: null })).toEqual({ client_state: '' });
});

test('a probe is a GET of the leg', () => {
  expect(requestOf({ ...base, action: 'probe' }, {})).toEqual({
    method: 'GET',
    path: '/calls/v3%3Aabc',
    body: null,
  });
});

test('whatever a call_control_id holds, it stays one segment of the path', () => {
  const paths = ['a/b?c#d', '..', '.', '\ud800', 'v3:x y'].map(
    (legId) => requestOf({ ...base, legId, action: 'hangup' }, {}).path,
  );
  expect(paths).toEqual([
    '/calls/a%2Fb%3Fc%23d/actions/hangup',
    '/calls/%2E%2E/actions/hangup',
    '/calls/%2E/actions/hangup',
    '/calls/%EF%BF%BD/actions/hangup',
    '/calls/v3%3Ax%20y/actions/hangup',
  ]);
});
