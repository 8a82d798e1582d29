/**
 * Any request with a valid token gets an answer that says what is wrong, and never causes an error
 * in the server. Each endpoint of the OpenAPI document gets each strange value in each of its
 * parameters.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ADMIN_TOKEN, type ServedApp, serveApp } from '../helpers/served-app.ts';
import { incomingCall } from '../helpers/webhooks.ts';

interface Operation {
  parameters?: { name: string; in: string }[];
  requestBody?: { content: { 'application/json': { schema: BodySchema } } };
}

interface BodySchema {
  properties?: Record<string, unknown>;
  anyOf?: BodySchema[];
}

let app: ServedApp;
let operations: { method: string; path: string; operation: Operation }[];
beforeAll(async () => {
  app = await serveApp();
  await app.deliver(incomingCall('v3:one', { to: '+14155550100' }));
  const document = (await (await app.api('/v1/openapi.json')).json()) as {
    paths: Record<string, Record<string, Operation>>;
  };
  operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(() => path.startsWith('/v1') && path !== '/v1/events' && path !== '/v1/session')
      .map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
});
afterAll(() => app.close());

const LONG = 'x'.repeat(5_000);
const VALUES = [
  '',
  '0',
  '1e3',
  '501',
  '99999999999999999999',
  'null',
  '__proto__',
  '\u0000',
  'a\u0000b',
  '\ud800',
  '%',
  "'; drop table calls; --",
  '$(id)',
  'a\r\nset-cookie: x=y',
  '2026-03-02T09:00:00',
  '2026-02-30T00:00:00Z',
  '9999-12-31T23:59:59.999999999Z',
  '9999-12-31T23:59:59-14:00',
  'sip:a@b;c=d',
  Buffer.from('9999999999999999.9999999999999999').toString('base64url'),
  Buffer.from('calls.9999999999999999.9999999999999999').toString('base64url'),
  Buffer.from('audit.-9999999999999999.9999999999999999').toString('base64url'),
  LONG,
];

interface Question {
  body?: string;
  accept?: string;
}

/** Injected without a socket: thousands of real requests would take half a minute. */
async function asked(method: string, path: string, { body, accept }: Question = {}): Promise<void> {
  const seen = app.lines.length;
  const answer = await app.server.inject({
    method: method as 'GET',
    url: path,
    headers: {
      authorization: `Bearer ${ADMIN_TOKEN}`,
      ...(accept === undefined ? {} : { accept }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { payload: body }),
  });
  const { statusCode: status, headers } = answer;
  const failed = app.lines.slice(seen).filter(({ event }) => event === 'http.failed');
  const where = `${method} ${path.slice(0, 200)} ${(body ?? accept ?? '').slice(0, 200)}`;
  expect([where, failed.map(({ fields }) => String(fields.err))]).toEqual([where, []]);
  expect([where, status < 500]).toEqual([where, true]);
  if (status < 400) return;
  expect([where, headers['content-type']]).toEqual([where, 'application/problem+json']);
  expect(answer.json().reason).toMatch(/^[a-z_]+$/);
}

/** Encoded by the URL standard, because a lone surrogate cannot be sent. */
function encoded(value: string): string {
  return encodeURIComponent(value.toWellFormed());
}

test('strange values in the path and the query', { tags: ['long'], timeout: 90_000 }, async () => {
  for (const { method, path, operation } of operations) {
    const { parameters = [] } = operation;
    const good = path.replaceAll(/\{\w+\}/g, 'v3:one');
    for (const value of VALUES) {
      if (path.includes('{')) {
        await asked(method, path.replaceAll(/\{\w+\}/g, encoded(value) || '%20'));
      }
      for (const { name } of parameters.filter((each) => each.in === 'query')) {
        await asked(method, `${good}?${name}=${encoded(value)}`);
      }
    }
    for (const { name } of parameters) {
      await asked(method, `${good}?${name}=1&${name}=2`);
      await asked(method, `${good}?${name}[a]=1`);
    }
    await asked(method, `${good}?unknown=1`);
    await asked(method, `${good}?%`);
  }
});

test('strange bodies', { tags: ['long'], timeout: 90_000 }, async () => {
  const values: unknown[] = ['', '\u0000', '\ud800', '__proto__', LONG, null, -1, 1e300, true];
  values.push([], {}, { a: { b: [] } }, '2026-03-02T09:00:00', '9999-12-31T23:59:59Z');
  for (const { method, path, operation } of operations) {
    if (operation.requestBody === undefined) continue;
    const { schema } = operation.requestBody.content['application/json'];
    const { properties = schema.anyOf?.[0]?.properties ?? {} } = schema;
    const url = path.replaceAll(/\{\w+\}/g, path.includes('{id}') ? '1' : 'main-site');
    for (const value of values) {
      for (const name of Object.keys(properties)) {
        await asked(method, url, { body: JSON.stringify({ on: true, [name]: value }) });
        await asked(method, url, { body: JSON.stringify({ [name]: { x: value } }) });
      }
      await asked(method, url, { body: JSON.stringify(value) });
    }
    for (const body of ['{', '"', '{"__proto__":{"a":1}}', '['.repeat(20_000), '\ufeff{}']) {
      await asked(method, url, { body });
    }
  }
});

test('methods, types and headers that nothing is served for', async () => {
  for (const { path } of operations) {
    const url = path.replaceAll(/\{\w+\}/g, 'v3:one');
    for (const method of ['PUT', 'PATCH', 'OPTIONS', 'PROPFIND', 'DELETE'])
      await asked(method, url);
    for (const accept of ['text/csv;q=x', 'text/csv;q=9,*/*', ',,;', LONG.slice(0, 2_000)]) {
      await asked('GET', url, { accept });
    }
    const xml = await fetch(`${app.url}${url}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'text/plain' },
      body: '{}',
    });
    expect([url, [404, 405, 415].includes(xml.status)]).toEqual([url, true]);
  }
});

test('a cursor of another list, or of nothing, is refused', async () => {
  for (let n = 0; n < 3; n += 1)
    await app.api('/v1/switches/nobody', { method: 'POST', body: '{}' });
  await app.deliver(incomingCall('v3:two', { to: '+14155550100' }));
  const next = async (path: string) =>
    ((await (await app.api(path)).json()) as { next: string | null }).next;
  const [calls, audit] = [await next('/v1/calls?limit=1'), await next('/v1/audit?limit=1')];
  expect([calls, audit]).not.toContain(null);
  const status = async (path: string) => (await app.api(path)).status;
  expect(await status(`/v1/calls?cursor=${calls}`)).toBe(200);
  expect(await status(`/v1/audit?cursor=${audit}`)).toBe(200);
  for (const path of [
    `/v1/calls?cursor=${audit}`,
    `/v1/audit?cursor=${calls}`,
    `/v1/lost-callers?cursor=${audit}`,
    `/v1/dead-letters?cursor=${calls}`,
  ]) {
    const answer = await app.api(path);
    const { field } = (await answer.json()) as { field: string };
    expect([path, answer.status, field]).toEqual([path, 400, 'cursor']);
  }
});
