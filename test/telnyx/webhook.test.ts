import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeClientState } from '../../src/core/machine/client-state.ts';
import type { WebhookEvent } from '../../src/core/machine/event.ts';
import type { VerifiedBody } from '../../src/telnyx/signature.ts';
import { parseWebhook } from '../../src/telnyx/webhook.ts';

const CALL_ID = 'v3:Ptw4AiXkYMaxfF1nEwzIbYVdGhMCiYdOG8uwh8y1rRZTJQvNdTjDjQ';
const RECEIVED_AT = 1_779_233_415_500;
/** Treats the body as if its signature had been verified. */
const parse = (body: Buffer) => parseWebhook(body as VerifiedBody, RECEIVED_AT);

describe('parseWebhook', () => {
  it('reads a call.initiated with all that real ones carry', () => {
    const event = callEvent({
      call_leg_id: '428c31b6-7af4-4bcb-b7f5-5013ef9657c1',
      call_session_id: '428c31b6-abf3-3bc1-b7f4-5013ef9657c1',
      client_state: null,
      connection_id: '1494404757140276705',
      from: '+353861234567',
      to: '+14155550100',
      direction: 'incoming',
      state: 'parked',
      start_time: '2026-05-19T23:30:15.041000Z',
      caller_id_name: 'Aoife',
      calling_party_type: 'pstn',
      call_screening_result: { action: 'flagged', reputation: null, shaken_stir_attestation: 'b' },
      shaken_stir_validated: true,
      custom_headers: [{ name: 'X-Queue', value: 'gold' }],
      sip_headers: [{ name: 'Diversion', value: '<sip:+14155550111@example.com>' }],
      tags: ['support'],
      offered_codecs: 'G722,PCMU;rate=8000',
    });
    expect(event).toEqual({
      source: 'webhook',
      id: 'e1',
      callId: CALL_ID,
      type: 'call.initiated',
      receivedAt: RECEIVED_AT,
      occurredAt: 1_779_233_415_041.25,
      facts: {
        callId: CALL_ID,
        sessionId: '428c31b6-abf3-3bc1-b7f4-5013ef9657c1',
        legId: '428c31b6-7af4-4bcb-b7f5-5013ef9657c1',
        connectionId: '1494404757140276705',
        from: '+353861234567',
        to: '+14155550100',
        direction: 'incoming',
        callerName: 'Aoife',
        callerType: 'pstn',
        attestation: 'B',
        attestationValidated: true,
        headers: [
          { name: 'X-Queue', value: 'gold' },
          { name: 'Diversion', value: '<sip:+14155550111@example.com>' },
        ],
        tags: ['support'],
      },
      clientState: null,
      envelope: null,
      sipNotifyResponse: null,
      hangupCause: null,
      hangupSource: null,
      sipHangupCause: null,
      digits: null,
      status: null,
      deliveryAttempt: 2,
    });
  });

  it('takes an event without a payload for one that is not about a call', () => {
    for (const data of [{ event_type: 'call.answered', id: 'e' }, { payload: null }]) {
      const body = JSON.stringify({ data: { event_type: 'call.answered', id: 'e', ...data } });
      expect(parse(Buffer.from(body))).toEqual({
        kind: 'not_a_call',
        type: 'call.answered',
        lost: { id: 'e', sessionId: null, why: 'It has no call_control_id.' },
      });
    }
  });

  it('reads a payload of nothing but the call id', () => {
    expect(callEvent({})).toMatchObject({
      callId: CALL_ID,
      clientState: null,
      facts: { from: null, to: null, direction: null, connectionId: null, headers: [], tags: [] },
    });
  });

  it('reads the endings', () => {
    expect(
      callEvent({ hangup_cause: 'user_busy', hangup_source: 'callee', sip_hangup_cause: 486 }),
    ).toMatchObject({ hangupCause: 'user_busy', hangupSource: 'callee', sipHangupCause: '486' });
    expect(callEvent({ digits: '12#', status: 'valid' })).toMatchObject({
      digits: '12#',
      status: 'valid',
    });
    expect(callEvent({ digit: '5' })).toMatchObject({ digits: '5' });
  });

  it('reads its own envelope in client_state, and keeps what is somebody else’s', () => {
    const ours = encodeClientState('attempt', 'aGV5');
    expect(callEvent({ client_state: ours })).toMatchObject({
      clientState: ours,
      envelope: { id: 'attempt', foreignState: 'aGV5' },
    });
    expect(callEvent({ client_state: 'aGV5' })).toMatchObject({
      clientState: 'aGV5',
      envelope: null,
    });
  });

  it.each([
    [200, 200],
    ['486', 486],
    [603, 603],
    ['', null],
    ['4x6', null],
    [486.5, null],
    [-1, null],
    [1e21, null],
    [null, null],
    [{ code: 200 }, null],
    [true, null],
  ])('reads sip_notify_response %j as %j', (given, read) => {
    expect(callEvent({ sip_notify_response: given }).sipNotifyResponse).toBe(read);
  });

  it.each([
    [{ direction: 'incoming', state: 'bridging' }, 'incoming'],
    [{ direction: 'outgoing' }, 'outgoing'],
    [{ state: 'parked' }, 'incoming'],
    [{ direction: null, state: 'bridging' }, 'outgoing'],
    [{ direction: 'sideways', state: 'answered' }, null],
    [{}, null],
  ])('reads the direction of %j as %s', (payload, direction) => {
    expect(callEvent(payload).facts.direction).toBe(direction);
  });

  it.each([
    ['"1494404757140276705"', '1494404757140276705'],
    ['1494404757140276705', null],
    ['123456', '123456'],
    ['1e300', null],
    ['null', null],
    ['""', null],
  ])('takes the connection id %s for %s, and never rounds it', (json, connectionId) => {
    const body = `{"data":{"event_type":"call.answered","id":"e","payload":{"call_control_id":"c","connection_id":${json}}}}`;
    const parsed = parse(Buffer.from(body));
    expect(parsed).toMatchObject({ event: { facts: { connectionId } } });
  });

  it.each([
    ['2020-03-30T13:29:42.130123Z', 1_585_574_982_130.123],
    ['2020-03-30T13:29:42Z', 1_585_574_982_000],
    ['2020-03-30T15:29:42.5+02:00', 1_585_574_982_500],
    ['2020-03-30T13:29:42.5', 1_585_574_982_500],
    ['2020-03-30', null],
    ['2020-13-30T13:29:42Z', null],
    ['yesterday', null],
    [1_585_574_982, null],
    [null, null],
  ])('reads occurred_at %j as %j', (given, read) => {
    const body = JSON.stringify(envelope({ call_control_id: CALL_ID }, { occurred_at: given }));
    const parsed = parse(Buffer.from(body));
    expect(parsed.kind === 'call' && parsed.event.occurredAt).toBe(read);
  });

  it('orders two events of one millisecond', () => {
    const [first, second] = ['130123', '130124'].map((micros) => {
      const payload = envelope(
        { call_control_id: CALL_ID },
        { occurred_at: `2026-03-30T13:29:42.${micros}Z` },
      );
      const parsed = parse(Buffer.from(JSON.stringify(payload)));
      return parsed.kind === 'call' ? parsed.event.occurredAt : null;
    });
    expect(first).toBeLessThan(second ?? 0);
  });

  it('keeps what it can of odd headers and tags, within bounds', () => {
    const many = Array.from({ length: 300 }, (_, i) => ({ name: `X-${i}`, value: 'v' }));
    expect(callEvent({ custom_headers: many }).facts.headers).toHaveLength(100);
    const big = [1, 2, 3].map((i) => ({ name: `X-${i}`, value: 'v'.repeat(8000) }));
    expect(callEvent({ custom_headers: big }).facts.headers).toHaveLength(2);
    const odd = [
      null,
      1,
      'x',
      [],
      {},
      { name: 'A' },
      { name: '', value: 'x' },
      { name: 'B', value: 7 },
    ];
    expect(callEvent({ custom_headers: odd, sip_headers: { name: 'C' } }).facts.headers).toEqual([
      { name: 'B', value: '7' },
    ]);
    expect(callEvent({ tags: ['a', null, {}, 'b'] }).facts.tags).toEqual(['a', 'b']);
    expect(callEvent({ tags: 'a' }).facts.tags).toEqual([]);
  });

  it('hands on no text that a store could refuse', () => {
    const { facts } = callEvent({ from: 'a\u0000b', to: '\ud800', caller_id_name: 'x\u001b[2J' });
    expect(facts).toMatchObject({ from: 'a\ufffdb', to: '\ufffd', callerName: 'x\u001b[2J' });
  });

  it('takes a blank number for none, and one beyond all bounds too', () => {
    expect(callEvent({ from: ' ' }).facts.from).toBeNull();
    expect(
      callEvent({
        from: '+14155550177;npdi;rn=+14155550199',
        to: 'sip:+14155550100;npdi@sip.telnyx.com;user=phone',
      }).facts,
    ).toMatchObject({ from: '+14155550177', to: 'sip:+14155550100@sip.telnyx.com;user=phone' });
    expect(callEvent({ from: 'sip:Ada@PBX.Example.com' }).facts.from).toBe(
      'sip:Ada@pbx.example.com',
    );
    expect(callEvent({ from: '1'.repeat(1000) }).facts.from).toBeNull();
    expect(callEvent({ client_state: 'A'.repeat(100_000) }).clientState).toBeNull();
  });

  it('reads no field from a prototype', () => {
    const json = `{"data":{"event_type":"call.answered","id":"e","payload":{"call_control_id":"c",
      "__proto__":{"from":"+1"},"constructor":{"prototype":{"to":"+2"}},"toString":"x"}},"__proto__":{"polluted":1}}`;
    const parsed = parse(Buffer.from(json));
    expect(parsed).toMatchObject({ kind: 'call', event: { facts: { from: null, to: null } } });
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
    const typeless = '{"data":{"__proto__":{"event_type":"x","id":"y","payload":{}}}}';
    expect(parse(Buffer.from(typeless)).kind).toBe('not_telnyx');
  });

  it('sees what is not about a call', () => {
    const payload = { id: 'm', connection_id: '1494404757140276705', text: 'hello' };
    const body = JSON.stringify(envelope(payload, { event_type: 'message.received' }));
    expect(parse(Buffer.from(body))).toEqual({
      kind: 'not_a_call',
      type: 'message.received',
    });
  });

  it.each([undefined, null, '', {}, [], true, 12, 'a b', 'a\u0000', '\ud800', 'c'.repeat(1025)])(
    'takes an event with the call_control_id %j for one about no call',
    (callId) => {
      const body = JSON.stringify(envelope({ call_control_id: callId }));
      expect(parse(Buffer.from(body)).kind).toBe('not_a_call');
    },
  );

  it.each([
    ['call.initiated', undefined, 'It has no call_control_id.'],
    ['call.hangup', null, 'It has no call_control_id.'],
    ['call.refer.failed', '', 'Its call_control_id is empty.'],
    ['call.speak.ended', {}, 'Its call_control_id is not a text but an object.'],
    ['call.speak.ended', [], 'Its call_control_id is not a text but a list.'],
    ['call.recording.saved', 12, 'Its call_control_id is not a text but a number.'],
    ['call.initiated', 'a b', 'Its call_control_id contains spaces or control characters.'],
    ['call.initiated', 'c'.repeat(1025), /has 1025 characters; at most 1024/],
    // These need not be about a call.
    ['call.recording.saved', undefined, null],
    ['conference.playback.ended', null, null],
  ])('says why %s with the call_control_id %j is about no call', (event_type, id, why) => {
    const payload = { call_control_id: id, call_session_id: 's-1' };
    const parsed = parse(Buffer.from(JSON.stringify(envelope(payload, { event_type }))));
    if (why === null) expect(parsed).toEqual({ kind: 'not_a_call', type: event_type });
    else
      expect(parsed).toMatchObject({ lost: { sessionId: 's-1', why: expect.stringMatching(why) } });
  });

  it('reads a body with a byte order mark in front', () => {
    const body = `\ufeff${JSON.stringify(envelope({ call_control_id: 'v3:bom' }))}`;
    expect(parse(Buffer.from(body))).toMatchObject({ kind: 'call', event: { callId: 'v3:bom' } });
  });

  it.each([
    ['', 'not a JSON object'],
    ['{"data":', 'not a JSON object'],
    ['[]', 'not a JSON object'],
    ['"x"', 'not a JSON object'],
    ['null', 'not a JSON object'],
    ['CallSid=1&From=%2B1', 'not a JSON object'],
    ['['.repeat(262_144), 'not a JSON object'],
    ['{}', 'no data object'],
    ['{"data":[]}', 'no data object'],
    ['{"data":{}}', 'event_type'],
    ['{"data":{"event_type":7}}', 'event_type'],
    ['{"data":{"event_type":"call.answered"}}', 'data.id'],
    ['{"data":{"event_type":"call.answered","id":{}}}', 'data.id'],
    ['{"data":{"event_type":"call.answered","id":"e","payload":[]}}', 'payload'],
    [
      '{"record_type":"event","id":"1","event_type":"call_initiated","payload":{}}',
      'webhook API version 1',
    ],
    ['{"record_type":"event","id":"1","payload":{}}', 'webhook API version 1'],
    [
      '{"record_type":"event","id":"1","event_type":"call.initiated","payload":{}}',
      'The body is flat: event_type is at its top, as in no version of the webhook API, although it names the version 2 event "call.initiated".',
    ],
  ])('says why %.60s is no event of Telnyx', (body, why) => {
    const parsed = parse(Buffer.from(body));
    expect(parsed).toMatchObject({ kind: 'not_telnyx', why: expect.stringContaining(why) });
  });

  it('blames version 1 of the API for what has its shape only', () => {
    const version1 = '{"event_type":"call_initiated"}';
    const fix = (body: string) => parse(Buffer.from(body));
    expect(fix(version1)).toMatchObject({ fix: expect.stringContaining('to 2 (API v2)') });
    for (const body of ['{}', '[]', '{"event_type":"call.initiated"}', '{"data":{}}']) {
      expect(fix(body)).toMatchObject({ fix: expect.stringContaining('signed with your key') });
    }
  });

  it('parses an object nested as deep as 256 KB allow', () => {
    const deep = `${'{"a":'.repeat(40_000)}1${'}'.repeat(40_000)}`;
    const body = `{"data":{"event_type":"call.answered","id":"e","payload":{"call_control_id":"c","from":${deep}}}}`;
    expect(parse(Buffer.from(body)).kind).toBe('call');
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(parse(Buffer.from(bytes))).toHaveProperty('kind');
      }),
    );
  });

  it('never throws, whatever JSON stands in whichever field, and gives what a store takes', {
    tags: ['long'],
  }, () => {
    const names = fc.constantFrom(...PAYLOAD_FIELDS);
    const anything = fc.oneof(
      fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' }),
      fc.array(fc.record({ name: fc.jsonValue(), value: fc.jsonValue() })),
      fc.constantFrom(1e308, -0, 2 ** 53, '\ud800', '\u0000', '__proto__'),
    );
    const payload = fc.dictionary(names, anything);
    const data = fc.dictionary(
      fc.constantFrom('event_type', 'id', 'occurred_at', 'payload', 'x'),
      anything,
    );
    fc.assert(
      fc.property(payload, data, anything, (fields, outer, meta) => {
        const body = {
          data: {
            event_type: 'call.x',
            id: 'e',
            payload: { call_control_id: 'c', ...fields },
            ...outer,
          },
          meta,
        };
        const parsed = parse(Buffer.from(JSON.stringify(body)));
        const stored = JSON.stringify(parsed);
        expect(stored).not.toMatch(/\\u0000|\\ud[89a-f]/);
        if (parsed.kind !== 'call') return;
        expect(() => encodeURIComponent(parsed.event.callId)).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });
});

const PAYLOAD_FIELDS = [
  'call_control_id',
  'call_leg_id',
  'call_session_id',
  'client_state',
  'connection_id',
  'from',
  'to',
  'direction',
  'state',
  'caller_id_name',
  'calling_party_type',
  'call_screening_result',
  'shaken_stir_attestation',
  'shaken_stir_validated',
  'custom_headers',
  'sip_headers',
  'tags',
  'sip_notify_response',
  'hangup_cause',
  'hangup_source',
  'sip_hangup_cause',
  'digits',
  'digit',
  'status',
  '__proto__',
];

function envelope(payload: object, data: object = {}) {
  return {
    data: {
      event_type: 'call.initiated',
      id: 'e1',
      occurred_at: '2026-05-19T23:30:15.041250Z',
      record_type: 'event',
      payload,
      ...data,
    },
    meta: { attempt: 2, delivered_to: 'https://example.com/webhooks/telnyx' },
  };
}

function callEvent(payload: object): WebhookEvent {
  const body = JSON.stringify(envelope({ call_control_id: CALL_ID, ...payload }));
  const parsed = parse(Buffer.from(body));
  if (parsed.kind !== 'call') throw new Error(`expected a call, got ${JSON.stringify(parsed)}`);
  return parsed.event;
}
