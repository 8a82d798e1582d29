import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CallEvent } from '../../../src/core/machine/event.ts';
import type { Received } from '../../../src/engine/engine.ts';
import { CommitUnknown, NewerRow, StoreUnavailable, TooBusy } from '../../../src/errors.ts';
import { ownTime } from '../../helpers/own-time.ts';
import { type ServedApp, serveApp } from '../../helpers/served-app.ts';
import { waitFor } from '../../helpers/waiting.ts';
import { incomingCall, signedHeaders, telnyxKey, webhookBody } from '../../helpers/webhooks.ts';

let app: ServedApp;
let receive: (event: CallEvent) => Promise<Received> = async () => ({ result: 'duplicate' });

const missed: unknown[] = [];

beforeAll(async () => {
  app = await serveApp({
    receive: (event) => receive(event),
    config: { connectionIds: new Set(['1494404757140276705']) },
    deps: { missed: (_since, how) => void missed.push(how ?? 'surely') },
  });
});
afterAll(() => app.close());

const OURS = { connection_id: '1494404757140276705' };

function deliver(
  body: string,
  headers: Record<string, string> = signedHeaders(app.key, body),
): Promise<Response> {
  return fetch(`${app.url}/webhooks/telnyx`, { method: 'POST', body, headers });
}

async function reasonOf(answer: Response): Promise<string> {
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  const problem = (await answer.json()) as { status: number; reason: string; type: string };
  expect(problem.status).toBe(answer.status);
  expect(problem.type).toContain(problem.reason);
  return problem.reason;
}

describe('what is taken', () => {
  test('a signed call event is answered exactly 200 {} and reached the receiver in our words', async () => {
    const answer = await deliver(incomingCall('v3:taken', OURS));
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe('{}');
    const event = app.events.at(-1);
    expect(event).toMatchObject({ source: 'webhook', type: 'call.initiated', callId: 'v3:taken' });
  });

  test('the answer waits for the commit', async () => {
    const commit = Promise.withResolvers<Received>();
    const arrived = Promise.withResolvers<void>();
    receive = () => {
      arrived.resolve();
      return commit.promise;
    };
    let answered = false;
    const answer = deliver(incomingCall('v3:waits', OURS)).then((given) => {
      answered = true;
      return given;
    });
    await arrived.promise;
    expect(answered).toBe(false);
    commit.resolve({ result: 'duplicate' });
    expect((await answer).status).toBe(200);
  });

  test('a content type with a charset is JSON too', async () => {
    const body = incomingCall('v3:charset', OURS);
    const headers = signedHeaders(app.key, body);
    headers['content-type'] = 'application/json; charset=utf-8';
    expect((await deliver(body, headers)).status).toBe(200);
  });

  test('the signature is over the bytes: odd spacing and non-ASCII text pass unchanged', async () => {
    const body = `  ${incomingCall('v3:bytes', { ...OURS, caller_id_name: 'Zoë 🦊' })}\n`;
    expect((await deliver(body)).status).toBe(200);
    expect(app.events.at(-1)).toMatchObject({ facts: { callerName: 'Zoë 🦊' } });
  });

  test('events that are not about a call, or of another connection, get 200 and are counted', async () => {
    const before = app.events.length;
    const other = webhookBody('message.received', { call_control_id: undefined });
    expect((await deliver(other)).status).toBe(200);
    const foreign = incomingCall('v3:foreign', { connection_id: '999' });
    expect((await deliver(foreign)).status).toBe(200);
    expect(app.events.length).toBe(before);
    const text = await app.metrics.text();
    expect(text).toContain('referee_webhooks_total{type="message.received",result="ignored"} 1');
    expect(text).toContain('referee_webhooks_total{type="call.initiated",result="foreign"} 1');
  });

  test('a call whose id cannot be used gets 200, once and for all, and somebody hears of it', async () => {
    const before = app.events.length;
    const bodies = [undefined, 'x'.repeat(1_025)].map((call_control_id) =>
      webhookBody('call.initiated', { ...OURS, call_control_id, call_session_id: 's-7' }),
    );
    for (const body of bodies) expect((await deliver(body)).status).toBe(200);
    expect(app.events.length).toBe(before);
    expect(await app.metrics.text()).toContain('type="call.initiated",result="without_call"} 2');
    const lines = app.lines.filter(({ event }) => event === 'webhook.without_call');
    expect(lines).toMatchObject([
      {
        fields: {
          reason: 'call.initiated',
          count: 1,
          status: 200,
          detail: expect.stringMatching(/no call_control_id\. Event .+ of the session s-7\.$/),
        },
      },
    ]);
  });
});

describe('what is refused, in this order', () => {
  test('415 for what is not JSON, whatever else is wrong', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp']) {
      const answer = await deliver('x'.repeat(300_000), { 'content-type': type });
      expect(answer.status).toBe(415);
      expect(await reasonOf(answer)).toBe('not_json');
    }
  });

  test('413 over 256 KB comes before the missing headers', async () => {
    const answer = await deliver('x'.repeat(256 * 1024 + 1), {
      'content-type': 'application/json',
    });
    expect(answer.status).toBe(413);
    expect(await reasonOf(answer)).toBe('body_too_large');
  });

  // Closing a socket with unread data resets it, and the answer is lost.
  test('413 leaves the connection open, while draining too', async () => {
    app.lifecycle.phase = 'draining';
    const body = 'x'.repeat(400_000);
    for (const sent of [body, new Blob([body]).stream()]) {
      const answer = await fetch(`${app.url}/webhooks/telnyx`, {
        method: 'POST',
        body: sent,
        duplex: 'half',
        headers: signedHeaders(app.key, ''),
      });
      expect(answer.status).toBe(413);
      expect(answer.headers.get('connection')).not.toBe('close');
    }
    app.lifecycle.phase = 'running';
  });

  test('413 also when the size was not announced', async () => {
    const headers = signedHeaders(app.key, 'whatever');
    const answer = await fetch(`${app.url}/webhooks/telnyx`, {
      method: 'POST',
      headers,
      body: new Blob(['y'.repeat(600_000)]).stream(),
      duplex: 'half',
    } as RequestInit);
    expect(answer.status).toBe(413);
    expect(await reasonOf(answer)).toBe('body_too_large');
  });

  test('a body in single bytes is read, and who sends more pieces than anybody needs is cut off', async () => {
    const body = incomingCall('v3:pieces', OURS);
    const bytes = Array.from(Buffer.from(body), (byte) => Uint8Array.of(byte));
    expect((await inPieces('/webhooks/telnyx', bytes, signedHeaders(app.key, body))).status).toBe(
      200,
    );

    const many = Array.from({ length: 9_000 }, () => Uint8Array.of(0x20));
    for (const [path, status, reason] of [
      ['/webhooks/telnyx', 400, 'body_in_pieces'],
      // Answered before the body is read.
      ['/nowhere', 404, 'no_such_endpoint'],
    ] as const) {
      const refused = await inPieces(path, many, signedHeaders(app.key, ' '.repeat(9_000)));
      expect([path, refused.status, refused.closed]).toEqual([path, status, true]);
      expect(JSON.parse(refused.body)).toMatchObject({ reason });
    }
  });

  // Nothing reads a body there, so nothing else handles its errors.
  test('nor does a chunked body hurt where none is due, broken off, wrong or in thousands of pieces', async () => {
    const bodies = ['5\r\nab', '1\r\nx\r\nZZ\r\n', '1\r\nx\r\n'.repeat(9_000)];
    for (const line of [
      'GET /health/live',
      'HEAD /health/live',
      'GET /nowhere',
      'PUT /health/live',
      'GET /webhooks/telnyx',
    ]) {
      for (const body of bodies) {
        for (const waits of [true, false, false, false]) {
          const socket = connect(Number(new URL(app.url).port), '127.0.0.1');
          socket.on('error', () => {});
          const head = `${line} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`;
          await new Promise((sent) => socket.write(head + body, sent));
          if (waits) await Promise.race([once(socket, 'data'), once(socket, 'close')]);
          const closed = once(socket, 'close');
          socket.resetAndDestroy();
          await closed;
        }
      }
    }
    expect((await deliver(incomingCall('v3:after-pieces', OURS))).status).toBe(200);
  });

  test('a body of exactly 256 KB is read: its signature is what decides', async () => {
    const body = incomingCall('v3:large', OURS);
    const padded = body + ' '.repeat(256 * 1024 - Buffer.byteLength(body));
    expect((await deliver(padded)).status).toBe(200);
  });

  test('401 names what is wrong with the headers', async () => {
    const body = incomingCall('v3:headers', OURS);
    const good = signedHeaders(app.key, body);
    const cases: [string, Record<string, string | undefined>][] = [
      ['signature_missing', { 'telnyx-signature-ed25519': undefined }],
      ['timestamp_missing', { 'telnyx-timestamp': undefined }],
      ['signature_malformed', { 'telnyx-signature-ed25519': 'AAAA' }],
      ['timestamp_malformed', { 'telnyx-timestamp': '1e9' }],
      ['timestamp_stale', { 'telnyx-timestamp': '1000000000' }],
      ['timestamp_stale', signedHeaders(app.key, body, Date.now() + 400_000)],
      ['signature_wrong', signedHeaders(telnyxKey(), body)],
      ['signature_wrong', signedHeaders(app.key, `${body} `)],
      [
        'api_version_1',
        { 'telnyx-signature-ed25519': undefined, 'x-telnyx-signature': 't=1,h=abc' },
      ],
    ];
    for (const [reason, change] of cases) {
      const headers = Object.fromEntries(
        Object.entries({ ...good, ...change }).filter(
          (header): header is [string, string] => header[1] !== undefined,
        ),
      );
      const answer = await deliver(body, headers);
      expect([reason, answer.status]).toEqual([reason, 401]);
      expect(await reasonOf(answer)).toBe(reason);
    }
  });

  test('unsigned broken JSON is a 401, not a 400: nothing is parsed before the signature', async () => {
    const body = '{"broken';
    const answer = await deliver(body, signedHeaders(telnyxKey(), body));
    expect(answer.status).toBe(401);
  });

  test('400 for what is signed and no event, with the version of the API as the likely cause', async () => {
    for (const body of [
      '',
      '{"broken',
      '[]',
      '"text"',
      'null',
      '{}',
      '{"data":{"event_type":5}}',
    ]) {
      const answer = await deliver(body);
      expect([body, answer.status]).toEqual([body, 400]);
      expect(await reasonOf(answer)).toBe('not_an_event');
    }
    const version1 = JSON.stringify({ record_type: 'event', event_type: 'call_initiated' });
    const problem = (await (await deliver(version1)).json()) as { fix: string };
    expect(problem.fix).toContain('version');
  });

  test('a body that is cut off is said to be, once, and Telnyx is not asked what was missed', async () => {
    const missed: number[] = [];
    await using cut = await serveApp({ deps: { missed: (since) => missed.push(since) } });
    const body = incomingCall('v3:cut', OURS);
    const lines = Object.entries({ ...signedHeaders(cut.key, body), host: 'x' });
    const head = `POST /webhooks/telnyx HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}`;
    for (const rest of [
      'content-length: 500\r\n\r\n{',
      'transfer-encoding: chunked\r\n\r\n5\r\n{',
    ]) {
      for (const leave of ['destroy', 'end', 'resetAndDestroy'] as const) {
        const socket = connect(cut.port, '127.0.0.1');
        socket.on('error', () => {});
        await new Promise((sent) => socket.write(head + rest, sent));
        socket.resume()[leave]();
        if (!socket.closed) await once(socket, 'close');
      }
    }
    const count = 'referee_webhook_refusals_total{reason="cut_off"} 6';
    await expect.poll(() => cut.metrics.text()).toContain(count);
    expect(cut.lines.map(({ event, fields }) => [event, fields.reason])).toEqual([
      ['webhook.refused', 'cut_off'],
    ]);
    expect(missed).toEqual([]);
  });

  test('of a compressed body the fix is to turn that off, whoever signed it', async () => {
    const plain = incomingCall('v3:gzip', OURS);
    const zipped = gzipSync(plain);
    for (const [signed, status] of [
      [plain, 401],
      [zipped, 400],
    ] as const) {
      const headers = { ...signedHeaders(app.key, signed), 'content-encoding': 'gzip' };
      const sent = { method: 'POST', body: zipped, headers };
      const answer = await fetch(`${app.url}/webhooks/telnyx`, sent);
      expect(answer.status).toBe(status);
      expect(await answer.json()).toMatchObject({
        detail: expect.stringContaining('The request has a Content-Encoding.'),
        fix: expect.stringContaining('Turn that off'),
      });
    }
    const headers = { ...signedHeaders(app.key, plain), 'content-encoding': 'identity' };
    expect((await deliver(plain, headers)).status).toBe(200);
  });

  test('an expectation that nobody knows is not met, but the webhook is taken', async () => {
    const body = incomingCall('v3:expects', OURS);
    const headers = { ...signedHeaders(app.key, body), expect: 'x-something' };
    const asked = request(`${app.url}/webhooks/telnyx`, { method: 'POST', headers });
    asked.end(body);
    const [answer] = await once(asked, 'response');
    answer.resume();
    expect(answer.statusCode).toBe(200);
  });

  test('the body of a request with bad headers is never asked for', async () => {
    const socket = connect(app.port, '127.0.0.1');
    socket.write(
      'POST /webhooks/telnyx HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\nexpect: 100-continue\r\n\r\n',
    );
    const [bytes] = await once(socket, 'data');
    expect(String(bytes)).toMatch(/^HTTP\/1.1 401 /);
    await once(socket, 'close');
  });

  test('the headers are refused while a chunked body is still coming', async () => {
    const socket = connect(app.port, '127.0.0.1');
    socket.write(
      'POST /webhooks/telnyx HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n',
    );
    const [bytes] = await once(socket, 'data');
    expect(String(bytes)).toMatch(/^HTTP\/1.1 401 /);
    socket.destroy();
  });

  test('a sender that waits for 100 Continue gets it once its headers are good', async () => {
    const body = incomingCall('v3:continue', OURS);
    const sent = request(`${app.url}/webhooks/telnyx`, {
      method: 'POST',
      headers: {
        ...signedHeaders(app.key, body),
        expect: '100-continue',
        'content-length': Buffer.byteLength(body),
      },
    });
    sent.flushHeaders();
    await once(sent, 'continue');
    sent.end(body);
    const [answer] = await once(sent, 'response');
    expect(answer.statusCode).toBe(200);
    answer.resume();
  });

  // It would take the 100 for its answer. nginx speaks HTTP/1.0 to upstreams unless told otherwise.
  test('one of HTTP/1.0 does not, because it knows no answer but the last', async () => {
    const body = incomingCall('v3:old', OURS);
    const headers = { ...signedHeaders(app.key, body), expect: '100-continue' };
    const length = Buffer.byteLength(body);
    const lines = Object.entries({ ...headers, 'content-length': length });
    const socket = connect(app.port, '127.0.0.1');
    socket.write(
      `POST /webhooks/telnyx HTTP/1.0\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`,
    );
    let text = '';
    for await (const bytes of socket) text += bytes;
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('another method is 405 and names POST', async () => {
    const answer = await fetch(`${app.url}/webhooks/telnyx`);
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST');
    expect(await reasonOf(answer)).toBe('method_not_allowed');
  });

  test('refusals are one line at once, and the rest counted', async () => {
    const lines = app.lines.filter(
      ({ event, fields }) => event === 'webhook.refused' && fields.reason === 'signature_wrong',
    );
    expect(lines).toHaveLength(1);
    expect(lines[0]?.fields).toMatchObject({ status: 401, count: 1 });
    expect(String(lines[0]?.fields.fix)).toContain('TELNYX_PUBLIC_KEY');
    expect(await app.metrics.text()).toMatch(
      /referee_webhook_refusals_total\{reason="signature_wrong"\} [3-9]/,
    );
  });
});

describe('what Telnyx is to send again', () => {
  test('503 with Retry-After when the event cannot be stored', async () => {
    const errors = [
      [new StoreUnavailable('disk full'), 'store_unavailable'],
      [new CommitUnknown('cut off'), 'commit_unknown'],
      [new NewerRow('newer'), 'newer_row'],
      [new TooBusy('queue full'), 'too_busy'],
      [new Error('a bug'), 'unavailable'],
    ] as const;
    for (const [error, reason] of errors) {
      receive = async () => {
        throw error;
      };
      const answer = await deliver(incomingCall('v3:again', OURS));
      expect(answer.status).toBe(503);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await reasonOf(answer)).toBe(reason);
    }
    expect(app.lines.filter(({ event }) => event === 'http.failed')).toHaveLength(1);
    const newer = app.lines.find(({ fields }) => fields.reason === 'newer_row');
    expect(String(newer?.fields.fix)).toContain('run the newer one again');
  });

  test('503 after 1.5 s without a commit, which may still come', async () => {
    const commit = Promise.withResolvers<Received>();
    receive = () => commit.promise;
    const startedAt = performance.now();
    using time = ownTime();
    const answer = await deliver(incomingCall('v3:late', OURS));
    expect(answer.status).toBe(503);
    expect(await reasonOf(answer)).toBe('too_late');
    expect(performance.now() - startedAt).toBeGreaterThan(1_400);
    expect(time.passedMs()).toBeLessThan(1_950);
    commit.reject(new StoreUnavailable('later'));
  });

  test('503 while starting and stopping, 200 while draining', async () => {
    receive = async () => ({ result: 'duplicate' });
    const expected = { starting: 503, stopping: 503, draining: 200, running: 200 } as const;
    for (const phase of ['starting', 'stopping', 'draining', 'running'] as const) {
      app.lifecycle.phase = phase;
      const answer = await deliver(incomingCall('v3:phase', OURS));
      expect([phase, answer.status]).toEqual([phase, expected[phase]]);
      const kept = phase === 'running' ? 'keep-alive' : 'close';
      expect([phase, answer.headers.get('connection')]).toEqual([phase, kept]);
      if (answer.status === 503) expect(await reasonOf(answer)).toBe(phase);
    }
  });
});

describe('whatever a signed body holds', { tags: ['long'] }, () => {
  test('is 200 or 400, never anything else, with the real engine behind it', async () => {
    await using real = await serveApp();
    const field = fc.oneof(fc.jsonValue(), fc.constantFrom(null, '', 0, '+14155550100', 'parked'));
    const payload = fc.record(
      {
        call_control_id: fc.oneof(field, fc.constantFrom('v3:a', 'v3:b')),
        call_session_id: field,
        from: field,
        to: field,
        direction: fc.oneof(field, fc.constantFrom('incoming', 'outgoing')),
        client_state: field,
        sip_notify_response: field,
        hangup_cause: field,
        custom_headers: field,
        tags: field,
      },
      { requiredKeys: [] },
    );
    const type = fc.constantFrom(
      'call.initiated',
      'call.answered',
      'call.refer.failed',
      'call.hangup',
      'call.unheard.of',
      '',
    );
    await fc.assert(
      fc.asyncProperty(type, fc.uuid(), fc.oneof(payload, field), async (name, id, anything) => {
        const data = { event_type: name, id, occurred_at: 'never', payload: anything };
        const answer = await real.deliver(JSON.stringify({ data }));
        expect([200, 400]).toContain(answer.status);
      }),
      { numRuns: 150 },
    );
    expect(await real.metrics.text()).not.toContain('result="dead_letter"');
  });
});

describe('clocks', () => {
  test('the skew of genuine webhooks is a gauge, over 30 s a warning, and repeats say nothing', async () => {
    const skewed = async (secs: number, attempt: number) => {
      const body = webhookBody('call.hangup', { ...OURS, call_control_id: 'v3:skew' }, { attempt });
      const headers = signedHeaders(app.key, body, Date.now() - secs * 1000);
      expect((await deliver(body, headers)).status).toBe(200);
    };
    await skewed(120, 2);
    expect(app.lines.some(({ event }) => event === 'webhook.clock_skew')).toBe(false);
    await skewed(-40, 1);
    expect(await app.metrics.text()).toMatch(/referee_webhook_clock_skew_seconds -(39|40|41)\n/);
    const warnings = app.lines.filter(({ event }) => event === 'webhook.clock_skew');
    expect(warnings).toHaveLength(1);
    await skewed(45, 1);
    expect(app.lines.filter(({ event }) => event === 'webhook.clock_skew')).toHaveLength(1);
  });
});

/**
 * Sends each piece in its own chunk, in one or two packets. Returns the answer, and whether the
 * connection was closed after it.
 */
async function inPieces(path: string, pieces: Uint8Array[], headers: Record<string, string>) {
  const socket = connect(Number(new URL(app.url).port), '127.0.0.1');
  const lines = Object.entries({ ...headers, 'transfer-encoding': 'chunked', host: 'x' });
  socket.write(
    `POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
  );
  const chunk = (piece: Uint8Array) => [`${piece.length.toString(16)}\r\n`, piece, '\r\n'];
  const bytes = [...pieces.flatMap(chunk), '0\r\n\r\n'].map((each) => Buffer.from(each));
  socket.write(Buffer.concat(bytes));
  let text = '';
  let closed = false;
  socket.on('data', (data) => {
    text += data;
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    closed = true;
  });
  await waitFor(() => expect(closed || /\r\n\r\n.*\}/s.test(text)).toBe(true));
  const status = Number(text.slice(9, 12));
  if (status !== 200) await waitFor(() => expect(closed).toBe(true));
  socket.destroy();
  return { status, closed, body: text.slice(text.indexOf('\r\n\r\n') + 4) };
}

test('a webhook that cannot be taken was missed; one that is not taken for Telnyx’s only perhaps', async () => {
  missed.length = 0;
  const body = incomingCall('v3:missed', OURS);
  expect((await deliver(body, signedHeaders(telnyxKey(), body))).status).toBe(401);
  expect((await deliver(body, { 'content-type': 'application/json' })).status).toBe(401);
  receive = async () => {
    throw new StoreUnavailable('is away');
  };
  expect((await deliver(body)).status).toBe(503);
  expect(missed).toEqual(['perhaps', 'surely']);
});
