import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ServedApp, serveApp } from '../../helpers/served-app.ts';

interface Operation {
  security?: unknown;
  summary?: string;
  'x-role'?: string;
  requestBody?: unknown;
  responses?: Record<string, { content?: Record<string, { schema?: ListSchema }> }>;
}

interface ListSchema {
  properties?: Record<string, { type?: string }>;
}

interface OpenapiDocument {
  openapi: string;
  security: unknown;
  paths: Record<string, Record<string, Operation>>;
}

let app: ServedApp;
let document: OpenapiDocument;
beforeAll(async () => {
  app = await serveApp();
  document = (await (await app.api('/v1/openapi.json')).json()) as OpenapiDocument;
});
afterAll(() => app.close());

test('the document is valid OpenAPI 3.1', async () => {
  expect(document.openapi).toBe('3.1.0');
  const result = await new Validator().validate({ ...structuredClone(document) });
  expect(result).toEqual({ valid: true });
});

test('every action takes a reason, which the audit keeps', () => {
  const actions = Object.entries(document.paths).flatMap(([path, { post }]) =>
    post === undefined || !['operator', 'admin'].includes(post['x-role'] ?? '') ? [] : [path],
  );
  expect(actions.length).toBeGreaterThan(8);
  const without = actions.filter(
    (path) => !JSON.stringify(document.paths[path]?.post?.requestBody ?? '').includes('"reason"'),
  );
  expect(without).toEqual([]);
});

test('every endpoint stands in it, and nothing else', () => {
  const listed = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(listed.sort()).toEqual([
    'DELETE /v1/session',
    'GET /health/live',
    'GET /health/ready',
    'GET /metrics',
    'GET /v1/audit',
    'GET /v1/calls',
    'GET /v1/calls/{call_control_id}',
    'GET /v1/calls/{call_control_id}/explain',
    'GET /v1/dead-letters',
    'GET /v1/events',
    'GET /v1/lost-callers',
    'GET /v1/openapi.json',
    'GET /v1/outbox',
    'GET /v1/problems',
    'GET /v1/reports',
    'GET /v1/routes',
    'GET /v1/routes/prove',
    'GET /v1/routes/versions',
    'GET /v1/routes/versions/{hash}',
    'GET /v1/schedules',
    'GET /v1/session',
    'GET /v1/stats',
    'GET /v1/switches',
    'GET /v1/targets',
    'POST /v1/calls/{call_control_id}/hangup',
    'POST /v1/calls/{call_control_id}/next',
    'POST /v1/calls/{call_control_id}/refer',
    'POST /v1/dead-letters/{id}/discard',
    'POST /v1/dead-letters/{id}/retry',
    'POST /v1/lost-callers/{call_control_id}/ack',
    'POST /v1/routes/explain',
    'POST /v1/routes/reload',
    'POST /v1/routes/versions/{hash}/activate',
    'POST /v1/schedules/{name}/override',
    'POST /v1/session',
    'POST /v1/switches/{name}',
    'POST /v1/targets/{name}/rest',
    'POST /webhooks/telnyx',
  ]);
});

test('the token is due everywhere but at health and at the webhook', () => {
  expect(document.security).toEqual([{ adminToken: [] }, { session: [] }]);
  const open = Object.entries(document.paths).filter(([, item]) =>
    Object.values(item).some(({ security }) => Array.isArray(security) && security.length === 0),
  );
  expect(open.map(([path]) => path).sort()).toEqual([
    '/health/live',
    '/health/ready',
    '/v1/session',
    '/webhooks/telnyx',
  ]);
});

test('every list is CSV as well, and caches can tell both apart', async () => {
  const lists: string[] = [];
  for (const [path, { get }] of Object.entries(document.paths)) {
    const { content = {} } = get?.responses?.['200'] ?? {};
    const { properties = {} } = content['application/json']?.schema ?? {};
    const isList = Object.values(properties).some(({ type }) => type === 'array');
    if (
      !isList ||
      !path.startsWith('/v1') ||
      path.includes('{') ||
      path === '/v1/routes' ||
      path === '/v1/routes/prove'
    )
      continue;
    lists.push(path);
    expect([path, Object.keys(content)]).toEqual([path, ['application/json', 'text/csv']]);
    const csv = await app.api(path, { headers: { accept: 'text/csv' } });
    expect([path, csv.headers.get('content-type')]).toEqual([
      path,
      'text/csv; charset=utf-8; header=present',
    ]);
    expect(await csv.text()).toMatch(/^[a-z_]+(,[a-z0-9_]+)*\r\n/);
    const json = await app.api(path);
    expect([path, json.headers.get('vary')]).toEqual([path, 'Accept']);
    expect(await json.json()).toBeTypeOf('object');
  }
  expect(lists.sort()).toEqual([
    '/v1/audit',
    '/v1/calls',
    '/v1/dead-letters',
    '/v1/lost-callers',
    '/v1/outbox',
    '/v1/problems',
    '/v1/reports',
    '/v1/routes/versions',
    '/v1/schedules',
    '/v1/stats',
    '/v1/switches',
    '/v1/targets',
  ]);
});

test('every endpoint says what it is for', () => {
  for (const [path, item] of Object.entries(document.paths)) {
    for (const { summary } of Object.values(item)) expect([path, summary]).not.toContain(undefined);
  }
});
