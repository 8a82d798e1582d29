/** Lookups against real servers on loopback: slow, failing, huge, with nonsense, or gone. */
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { LookupCommand, Outcome } from '../../src/core/machine/command.ts';
import { createLookupClient, type LookupClient } from '../../src/lookups/client.ts';
import { refusedAddress } from '../helpers/api-server.ts';

let server: Server;
let url: string;
let respond: RequestListener;
let requests: IncomingMessage[] = [];
let client: LookupClient;

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push(request);
    respond(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/who`;
});
beforeEach(() => {
  requests = [];
  client = createLookupClient({ env: { CRM_TOKEN: 'secret-token', BROKEN: 'a\nb' } });
});
afterEach(() => client.close());
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const says = (body: string, status = 200, headers = {}) => {
  respond = (_, response) => response.writeHead(status, headers).end(body);
};

const COMMAND: Omit<LookupCommand, 'url'> = {
  action: 'lookup',
  id: 'id',
  callId: 'v3:call',
  legId: 'v3:call',
  attemptId: null,
  giveUpAt: null,
  clientState: null,
  name: 'crm',
  headers: [],
  keep: [
    { name: 'tier', path: ['tier'] },
    { name: 'agent', path: ['account', 'agent'] },
  ],
  timeoutMs: 2_000,
  cacheMs: null,
};

function ask(more: Partial<LookupCommand> = {}): Promise<Outcome> {
  return client.send({ ...COMMAND, url, ...more });
}

async function failure(more: Partial<LookupCommand> = {}): Promise<(string | undefined)[]> {
  const outcome = await ask(more);
  return outcome.kind === 'unknown' ? [outcome.lookup?.result, outcome.detail] : [];
}

async function kept(more: Partial<LookupCommand> = {}) {
  const outcome = await ask(more);
  if (outcome.kind !== 'accepted') expect.fail(JSON.stringify(outcome));
  const { result, values } = outcome.lookup ?? expect.fail('nothing was kept');
  return { result, values };
}

describe('an answer', () => {
  test('is reduced to what is kept, as text', async () => {
    says('{"tier":"gold","account":{"agent":204,"password":"x"},"other":[1]}');
    expect(await kept()).toEqual({ result: 'found', values: { tier: 'gold', agent: '204' } });
    says('{"tier":true,"account":{"agent":0}}');
    expect((await kept()).values).toEqual({ tier: 'true', agent: '0' });
  });

  test('keeps all digits of an id that no double can hold', async () => {
    says('{"tier":1494404757140276705,"account":{"agent":-9007199254740993}}');
    expect((await kept()).values).toEqual({
      tier: '1494404757140276705',
      agent: '-9007199254740993',
    });
    says('{"tier":9007199254740991,"account":{"agent":1.50}}');
    expect((await kept()).values).toEqual({ tier: '9007199254740991', agent: '1.5' });
  });

  test.each([
    ['{}', {}],
    ['{"tier":null,"account":"x"}', {}],
    ['{"tier":["gold"],"account":{"agent":{"id":1}}}', {}],
    [`{"tier":"${'x'.repeat(1_025)}","account":{"agent":"1"}}`, { agent: '1' }],
    ['{"__proto__":{"tier":"gold"}}', {}],
  ])('that lacks something has the rest: %s', async (body, values) => {
    says(body);
    expect(await kept()).toEqual({ result: 'missing_field', values });
  });

  test('has no characters that a store refuses', async () => {
    says(String.raw`{"tier":"a\u0000b\ud800","account":{"agent":"1"}}`);
    expect((await kept()).values.tier).toBe('a\ufffdb\ufffd');
  });

  test('with another 2xx status counts', async () => {
    says('{"tier":"gold","account":{"agent":"1"}}', 203);
    expect((await kept()).result).toBe('found');
  });
});

describe('the request', () => {
  test('is a GET with the headers, whose references are read when it is made', async () => {
    says('{}');
    await ask({
      url: `${url}?n=%2B14155550100`,
      headers: [
        { name: 'Authorization', value: `Bearer \${CRM_TOKEN}` },
        { name: 'X-Tenant', value: 'acme' },
      ],
    });
    const [request] = requests;
    expect([request?.method, request?.url]).toEqual(['GET', '/who?n=%2B14155550100']);
    expect(request?.headers).toMatchObject({
      authorization: 'Bearer secret-token',
      'x-tenant': 'acme',
      accept: 'application/json',
    });
  });

  test.each([
    [`\${UNSET}`, 'not asked: the environment variable UNSET is not set'],
    [`\${BROKEN}`, 'not asked: BROKEN contains a character that headers cannot contain'],
  ])('is not made with %s', async (value, detail) => {
    says('{}');
    expect(await failure({ headers: [{ name: 'X', value }] })).toEqual(['not_sent', detail]);
    expect(requests).toEqual([]);
  });

  test('is not made when its time is over before', async () => {
    const outcome = await client.send({ ...COMMAND, url }, () => false);
    expect(outcome).toMatchObject({ kind: 'retry', provenUnsent: true });
    expect(requests).toEqual([]);
  });
});

describe('no answer', () => {
  test.each([500, 503, 404, 401])('%i', async (status) => {
    says('{"tier":"gold"}', status);
    expect(await failure()).toEqual(['http_status', `answered with HTTP ${status}`]);
  });

  test('a redirect, which is not followed', async () => {
    says('', 302, { location: `${url}/elsewhere` });
    expect(await failure()).toEqual(['http_status', 'answered with HTTP 302, and is not followed']);
    expect(requests).toHaveLength(1);
  });

  test.each(['<html>', '', '"gold"', '[{"tier":"gold"}]', 'null', '{"tier":'])(
    'what is not a JSON object: %s',
    async (body) => {
      says(body);
      expect(await failure()).toEqual(['not_json', 'its answer is not a JSON object']);
    },
  );

  test('more than 16 KB, whether it says so beforehand or not', async () => {
    const large = JSON.stringify({ tier: 'gold', more: 'x'.repeat(17_000) });
    says(large, 200, { 'content-length': String(large.length) });
    expect(await failure()).toEqual(['too_large', 'its answer has more than 16 KB']);
    respond = (_, response) => {
      response.write(large);
      response.end();
    };
    expect(await failure()).toEqual(['too_large', 'its answer has more than 16 KB']);
  });

  test('silence, also in the middle of the answer', async () => {
    respond = () => {};
    expect(await failure({ timeoutMs: 60 })).toEqual(['time_over', 'no answer within 60 ms']);
    respond = (_, response) => response.writeHead(200).write('{"tier":');
    expect(await failure({ timeoutMs: 60 })).toEqual(['time_over', 'no answer within 60 ms']);
  });

  test('a connection that is cut, or that nobody takes', async () => {
    respond = (request) => request.socket.destroy();
    expect(await failure()).toEqual(['unreachable', 'cannot be reached: UND_ERR_SOCKET']);
    expect(await failure({ url: await refusedAddress() })).toEqual([
      'unreachable',
      'cannot be reached: ECONNREFUSED',
    ]);
  });
});

describe('the cache', () => {
  const full = '{"tier":"gold","account":{"agent":"1"}}';

  test('serves what was answered for the same question', async () => {
    says(full);
    await ask({ cacheMs: 60_000 });
    expect((await kept({ cacheMs: 60_000 })).result).toBe('cached');
    expect(requests).toHaveLength(1);
    await ask({ cacheMs: 60_000, url: `${url}?other` });
    await ask({ cacheMs: 60_000, headers: [{ name: 'X', value: `\${CRM_TOKEN}` }] });
    expect(requests).toHaveLength(3);
  });

  test('keeps no failure, nothing for a lookup without it, and nothing for longer', async () => {
    says(full, 503);
    await ask({ cacheMs: 60_000 });
    says(full);
    await ask();
    expect((await kept({ cacheMs: 1 })).result).toBe('found');
    const until = performance.now() + 2;
    while (performance.now() < until);
    expect((await kept({ cacheMs: 1 })).result).toBe('found');
    expect(requests).toHaveLength(4);
  });
});
