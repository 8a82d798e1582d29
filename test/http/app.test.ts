import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HTTP_LIMITS } from '../../src/http/limits.ts';
import { ownTime } from '../helpers/own-time.ts';
import { ADMIN_TOKEN, type ServedApp, serveApp } from '../helpers/served-app.ts';
import { incomingCall, signedHeaders } from '../helpers/webhooks.ts';

let app: ServedApp;
/**
 * Waits hardly at all for the rest of a request, so only what never gets its rest goes to it: on a
 * busy machine a whole request may take longer than that.
 */
let impatient: ServedApp;

beforeAll(async () => {
  app = await serveApp();
  impatient = await serveApp({
    deps: {
      timeouts: { headersTimeoutMs: 150, requestTimeoutMs: 300, connectionsCheckMs: 50 },
    },
  });
});
afterAll(async () => {
  await app.close();
  await impatient.close();
});

/** Everything the server sends until it closes. */
async function exchange({ port }: ServedApp, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (text) => {
    answer += text;
  });
  socket.write(bytes, 'latin1');
  await once(socket, 'close');
  return answer;
}

describe('bytes that are no proper request', () => {
  const cases: [string, string, RegExp][] = [
    ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['a method nobody knows', 'BREW / HTTP/1.1\r\nhost: x\r\n\r\n', /^HTTP\/1\.1 400 /],
    [
      'headers over 16 KB',
      `GET /health/live HTTP/1.1\r\nhost: x\r\nx-large: ${'a'.repeat(20_000)}\r\n\r\n`,
      /^HTTP\/1\.1 431 /,
    ],
    [
      'two lengths',
      'POST /webhooks/telnyx HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd',
      /^HTTP\/1\.1 400 /,
    ],
    [
      'a length and chunks',
      'POST /webhooks/telnyx HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\nabc',
      /^HTTP\/1\.1 400 /,
    ],
    ['no Host', 'GET /health/live HTTP/1.1\r\n\r\n', /^HTTP\/1\.1 400 .*"reason":"no_host"/s],
    [
      'no Host at a path that does not exist',
      'POST /nowhere HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc',
      /^HTTP\/1\.1 400 .*"reason":"no_host"/s,
    ],
    [
      'CONNECT, as to a proxy',
      'CONNECT example.com:443 HTTP/1.1\r\nhost: x\r\n\r\n',
      /^HTTP\/1\.1 405 .*"reason":"method_not_allowed"/s,
    ],
    ['headers that never end', 'GET /health/live HTTP/1.1\r\nhost: x\r\n', /^HTTP\/1\.1 408 /],
  ];
  for (const [name, bytes, status] of cases) {
    test(`${name}: a problem, and the connection is closed`, async () => {
      const answer = await exchange(name === 'headers that never end' ? impatient : app, bytes);
      expect(answer).toMatch(status);
      expect(answer).toContain('application/problem+json');
      const body = answer.slice(answer.indexOf('\r\n\r\n') + 4);
      expect(JSON.parse(body)).toMatchObject({ status: Number(answer.slice(9, 12)) });
    });
  }

  test('a body that never comes ends with the connection', async () => {
    const headers = [
      'POST /v1/routes/reload HTTP/1.1',
      'host: x',
      'content-type: application/json',
      'content-length: 1000',
    ];
    await exchange(impatient, `${headers.join('\r\n')}\r\n\r\n{`);
    await expect.poll(async () => (await fetch(`${impatient.url}/health/live`)).status).toBe(200);
  });
});

test('HTTP/1.0 needs no Host', async () => {
  expect(await exchange(app, 'GET /health/live HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
});

describe('a client that ends its side', () => {
  test('after its request gets the answer, and the connection is closed', async () => {
    const body = incomingCall('v3:half-closed');
    const headers = { host: 'x', 'content-length': Buffer.byteLength(body) };
    const lines = Object.entries({ ...headers, ...signedHeaders(app.key, body) });
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    const webhook = `POST /webhooks/telnyx HTTP/1.1\r\n${head}\r\n${body}`;
    expect(await ended(webhook)).toMatch(/^HTTP\/1\.1 200 /);
    const health = 'GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n';
    expect((await ended(health + webhook)).match(/HTTP\/1\.1 200 /g)).toHaveLength(2);
  });

  test('in the middle of its request is told so', async () => {
    const cut = 'POST /webhooks/telnyx HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc';
    expect(await ended(cut)).toMatch(/^HTTP\/1\.1 4/);
    expect(await ended('GET /health/live HT')).toMatch(/^HTTP\/1\.1 400 .*"cut_off"/s);
  });

  test('without a request is closed at once', async () => {
    expect(await ended('')).toBe('');
  });

  test('of a stream of events ends that', async () => {
    const socket = connect({ port: app.port, host: '127.0.0.1', allowHalfOpen: true });
    let text = '';
    socket.setEncoding('utf8').on('data', (piece) => {
      text += piece;
    });
    const head = ['GET /v1/events HTTP/1.1', 'host: x', `authorization: Bearer ${ADMIN_TOKEN}`];
    socket.write(`${head.join('\r\n')}\r\n\r\n`);
    await expect.poll(() => text).toContain('event: hello');
    const ends = once(socket, 'end');
    socket.end();
    await ends;
  });

  async function ended(bytes: string): Promise<string> {
    const socket = connect({ port: app.port, host: '127.0.0.1', allowHalfOpen: true });
    let answer = '';
    socket.setEncoding('utf8').on('data', (text) => {
      answer += text;
    });
    socket.end(bytes);
    await once(socket, 'end');
    return answer;
  }
});

test('bytes after a stream of events end it, and no second answer stands in it', async () => {
  const socket = connect(app.port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (text) => {
    answer += text;
  });
  socket.on('error', () => {});
  const closed = once(socket, 'close');
  const head = ['GET /v1/events HTTP/1.1', 'host: x', `authorization: Bearer ${ADMIN_TOKEN}`];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  await expect.poll(() => answer).toContain('event: hello');
  socket.write('no request\r\n\r\n');
  await closed;
  expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
});

describe('paths', () => {
  const cases: [string, number, string][] = [
    ['/nothing/here', 404, 'no_such_endpoint'],
    ['/v1/nothing', 404, 'no_such_endpoint'],
    ['/%ZZ', 400, 'bad_url'],
    [`/v1/calls/${'x'.repeat(1025)}`, 414, 'path_too_long'],
    ['/webhooks/telnyx', 405, 'method_not_allowed'],
    ['/v1/calls/abc/refer', 405, 'method_not_allowed'],
  ];
  for (const [path, status, reason] of cases) {
    test(`${path.slice(0, 40)} is ${status}, as a problem`, async () => {
      const answer = await app.api(path);
      expect(answer.status).toBe(status);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(await answer.json()).toMatchObject({ status, reason });
    });
  }

  const bodies = { empty: '', broken: '{', 'too large': `"${'x'.repeat(300_000)}"` };
  for (const [what, body] of Object.entries(bodies)) {
    test(`a wrong path or method is named whatever the body is: ${what}`, async () => {
      const headers = { 'content-type': 'application/json' };
      const sent = (method: string, path: string) => app.api(path, { method, headers, body });
      expect((await sent('POST', '/v1/nothing')).status).toBe(404);
      expect((await sent('POST', '/nothing/here')).status).toBe(404);
      const answer = await sent('PUT', '/webhooks/telnyx');
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
      expect((await sent('DELETE', '/v1/calls')).status).toBe(405);
      expect((await sent('POST', '/health/ready')).status).toBe(405);
    });
  }

  test('a call_control_id of 200 characters is a parameter like any other', async () => {
    const answer = await app.api(`/v1/calls/v3:${'x'.repeat(200)}`);
    expect(await answer.json()).toMatchObject({ reason: 'no_such_call' });
  });
});

describe('pipelining', () => {
  /** Sends all at once and reads until the server closes or has answered everything. */
  async function pipelined(count: number): Promise<{ answers: number; closed: boolean }> {
    const socket = connect(app.port, '127.0.0.1');
    let text = '';
    let closed = false;
    socket.setEncoding('utf8').on('data', (piece) => {
      text += piece;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      closed = true;
    });
    socket.write('GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(count));
    const answers = () => text.split('HTTP/1.1 200').length - 1;
    await expect.poll(() => closed || answers() >= count).toBe(true);
    socket.destroy();
    return { answers: answers(), closed };
  }
  const logged = () => app.lines.filter(({ fields }) => fields.reason === 'pipelined');

  test('as many requests as a connection may have open are answered in order, again and again', async () => {
    for (let round = 0; round < 2; round += 1) {
      expect(await pipelined(HTTP_LIMITS.pipelinedMax)).toMatchObject({
        answers: HTTP_LIMITS.pipelinedMax,
      });
    }
    const socket = connect(app.port, '127.0.0.1');
    socket.setEncoding('utf8');
    for (let sent = 0; sent < 2 * HTTP_LIMITS.pipelinedMax; sent += 1) {
      socket.write('GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n');
      const [answer] = await once(socket, 'data');
      expect(answer).toContain('HTTP/1.1 200');
    }
    socket.destroy();
    expect(logged()).toEqual([]);
  });

  test('whoever pipelines more is disconnected, and it is logged once', async () => {
    const floods = await Promise.all([pipelined(1_500), pipelined(1_500)]);
    for (const { answers, closed } of floods) {
      expect(closed).toBe(true);
      expect(answers).toBeLessThanOrEqual(HTTP_LIMITS.pipelinedMax);
    }
    expect(logged()).toMatchObject([{ event: 'webhook.refused' }]);
    expect((await fetch(`${app.url}/health/live`)).status).toBe(200);
  });
});

describe('closing', () => {
  test('a client in the middle of a request does not hold it up', async () => {
    const closing = await serveApp();
    const socket = connect(closing.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write('POST /webhooks/telnyx HTTP/1.1\r\nhost: x\r\ncontent-le');
    const idle = connect(closing.port, '127.0.0.1');
    await Promise.all([once(socket, 'connect'), once(idle, 'connect')]);
    expect((await fetch(`${closing.url}/health/live`)).status).toBe(200);
    using time = ownTime();
    await Promise.all([closing.close(), once(socket, 'close'), once(idle, 'close')]);
    expect(time.passedMs()).toBeLessThan(2_000);
  });
});

describe('which port serves what', () => {
  test('with ADMIN_PORT the API is only there', async () => {
    await using split = await serveApp({ config: { adminPort: 1 } });
    for (const path of ['/v1/calls', '/metrics', '/v1/openapi.json']) {
      expect((await fetch(`${split.url}${path}`)).status).toBe(404);
      expect((await split.api(path)).status).toBe(200);
    }
    const webhook = { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } };
    expect((await fetch(`${split.url}/webhooks/telnyx`, webhook)).status).toBe(401);
    expect((await fetch(`${split.adminUrl}/webhooks/telnyx`, webhook)).status).toBe(404);
    expect((await fetch(`${split.adminUrl}/health/ready`)).status).toBeLessThan(504);
  });

  test('without ADMIN_TOKEN there is no API, not even a 401', async () => {
    await using closed = await serveApp({ config: { adminToken: null } });
    for (const path of ['/v1/calls', '/v1/routes', '/metrics', '/v1/openapi.json', '/v1/events']) {
      expect((await fetch(`${closed.url}${path}`)).status).toBe(404);
    }
  });
});
