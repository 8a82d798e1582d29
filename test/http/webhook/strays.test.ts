import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { type ServedApp, serveApp } from '../../helpers/served-app.ts';
import { incomingCall, signedHeaders } from '../../helpers/webhooks.ts';

const TELNYX = { 'user-agent': 'telnyx-webhooks', 'content-type': 'application/json' };

function refusals(app: ServedApp) {
  return app.lines.filter(({ event }) => event === 'webhook.refused').map(({ fields }) => fields);
}

describe('a webhook of Telnyx that comes to a wrong path', () => {
  test.each([
    '/webhooks/telnyx/',
    '//webhooks/telnyx',
    '/Webhooks/Telnyx',
    '/webhook/telnyx',
    '/webhooks',
    '/',
    '/referee/webhooks/telnyx',
    '/webhooks/telnyx%',
    '/health/ready',
  ])('%s: the log says which path is right', async (path) => {
    await using app = await serveApp();
    const body = incomingCall('v3:lost');
    const headers = signedHeaders(app.key, body);
    const answer = await fetch(`${app.url}${path}`, { method: 'POST', body, headers });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(406);
    expect(await answer.json()).toMatchObject({ fix: expect.stringContaining('/webhooks/telnyx') });
    expect(refusals(app)).toEqual([
      {
        reason: 'wrong_path',
        count: 1,
        status: answer.status,
        detail: `A webhook from Telnyx arrived as POST ${path}. Telnyx does not repeat it.`,
        fix: expect.stringContaining('to https://your-host/webhooks/telnyx, in lower case'),
        remote: '127.0.0.1',
      },
    ]);
    expect(await app.metrics.text()).toContain('refusals_total{reason="wrong_path"} 1');
  });

  test('is known by its user agent too, and a crowd of them is one line and a count', async () => {
    const app = await serveApp();
    for (let n = 0; n < 5; n += 1) {
      await fetch(`${app.url}/webhooks`, { method: 'POST', body: '{}', headers: TELNYX });
    }
    expect(refusals(app)).toMatchObject([{ reason: 'wrong_path', count: 1 }]);
    await app.close();
    expect(refusals(app)).toMatchObject([{ count: 1 }, { reason: 'wrong_path', count: 4 }]);
  });

  test('on ADMIN_PORT it hears of the other port', async () => {
    await using app = await serveApp({ config: { adminPort: 1 } });
    const url = `${app.adminUrl}/webhooks/telnyx`;
    const answer = await fetch(url, { method: 'POST', body: '{}', headers: TELNYX });
    expect(answer.status).toBe(404);
    const fix = expect.stringContaining('accepted at /webhooks/telnyx on PORT');
    expect(refusals(app)).toMatchObject([{ reason: 'wrong_path', fix }]);
  });

  test('what comes from others is answered and not logged', async () => {
    await using app = await serveApp();
    const post = { method: 'POST', body: '{}' };
    expect(await (await fetch(`${app.url}/favicon.ico`)).json()).not.toHaveProperty('fix');
    expect(await (await fetch(`${app.url}/nothing`, post)).json()).not.toHaveProperty('fix');
    expect(await (await fetch(`${app.url}/webhooks/telnyx/`, post)).json()).toMatchObject({
      reason: 'no_such_endpoint',
      fix: expect.stringContaining('/webhooks/telnyx, in lower case'),
    });
    expect(refusals(app)).toEqual([]);
  });
});

describe('a GET of the webhook path', () => {
  test('from a browser is answered that the path is right', async () => {
    await using app = await serveApp();
    const answer = await fetch(`${app.url}/webhooks/telnyx`);
    expect(answer.status).toBe(405);
    expect(await answer.json()).toMatchObject({
      reason: 'method_not_allowed',
      fix: expect.stringMatching(/^The path is right.*\/health\/ready/),
    });
    expect(refusals(app)).toEqual([]);
  });

  test('from Telnyx is logged: webhook_url_method is GET', async () => {
    await using app = await serveApp();
    await fetch(`${app.url}/webhooks/telnyx?event_type=call.initiated`, { headers: TELNYX });
    const fix = expect.stringContaining('webhook_url_method must be POST');
    expect(refusals(app)).toMatchObject([{ reason: 'wrong_method', status: 405, fix }]);
  });
});

describe('bytes that are no HTTP/1.1', () => {
  const version2 = Buffer.from('0d0a0d0a000d0a515549540a2111000c7f0000017f00000112345678', 'hex');
  const request = 'POST /webhooks/telnyx HTTP/1.1\r\nhost: x\r\n\r\n';
  test.each<[string, string | Buffer, string, RegExp]>([
    [
      'PROXY protocol, version 1',
      `PROXY TCP4 192.0.2.1 192.0.2.2 5555 443\r\n${request}`,
      'proxy_protocol',
      /Turn off the PROXY protocol/,
    ],
    ['of an unknown client', 'PROXY UNKNOWN\r\n', 'proxy_protocol', /Turn off the PROXY protocol/],
    [
      'PROXY protocol, version 2',
      Buffer.concat([version2, Buffer.from(request)]),
      'proxy_protocol',
      /Turn off the PROXY protocol/,
    ],
    ['TLS', Buffer.from('16030102000100', 'hex'), 'tls', /http:\/\/, not https:\/\//],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'http2', /use HTTP\/1.1/],
    ['something else', 'SSH-2.0-OpenSSH_9.2\r\n', 'not_http', /somebody is scanning the port/],
  ])('%s: the log says what to set', async (_what, bytes, reason, fix) => {
    await using app = await serveApp();
    const socket = connect(app.port, '127.0.0.1');
    socket.write(bytes);
    let answer = '';
    socket.setEncoding('utf8').on('data', (text) => {
      answer += text;
    });
    await once(socket, 'close');
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain(`"reason":"${reason}"`);
    expect(refusals(app)).toMatchObject([
      { reason, count: 1, fix: expect.stringMatching(fix), remote: '127.0.0.1' },
    ]);
  });
});
