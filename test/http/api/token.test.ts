import { afterAll, beforeAll, expect, test } from 'vitest';
import { ADMIN_TOKEN, type ServedApp, serveApp } from '../../helpers/served-app.ts';

let app: ServedApp;
beforeAll(async () => {
  app = await serveApp();
});
afterAll(() => app.close());

function asked(authorization: string | null, path = '/v1/calls'): Promise<Response> {
  return fetch(`${app.url}${path}`, authorization === null ? {} : { headers: { authorization } });
}

test('without a token: 401 that says which scheme', async () => {
  for (const path of ['/v1/calls', '/v1/calls/x', '/v1/routes', '/metrics', '/v1/openapi.json']) {
    const answer = await asked(null, path);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('Bearer');
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
  }
});

test('without a token nobody is told which endpoints there are', async () => {
  for (const path of [
    '/v1/nothing',
    '/v1',
    '/v1/',
    '/metrics/',
    '/v1/calls/x/refer',
    '/v1/a/b/c',
  ]) {
    const answer = await asked(null, path);
    expect(answer.status, path).toBe(401);
    expect(await answer.json()).toMatchObject({ reason: 'token_missing' });
  }
  expect((await asked(`Bearer ${ADMIN_TOKEN}`, '/v1/nothing')).status).toBe(404);
  expect((await asked(`Bearer ${ADMIN_TOKEN}`, '/v1/calls/x/refer')).status).toBe(405);
  // Outside there is nothing to keep from anybody.
  for (const path of ['/nothing', '/v1x']) expect((await asked(null, path)).status).toBe(404);
});

test('a webhook from Telnyx below /v1 has no token, and its refusal says the right path', async () => {
  const headers = { 'user-agent': 'telnyx-webhooks', 'content-type': 'application/json' };
  const options = { method: 'POST', body: '{}', headers };
  const answer = await fetch(`${app.url}/v1/webhooks/telnyx`, options);
  expect(answer.status).toBe(404);
  expect(app.lines.at(-1)).toMatchObject({ fields: { reason: 'wrong_path' } });
});

test('the right token passes, however the scheme is spelt', async () => {
  expect((await asked(`Bearer ${ADMIN_TOKEN}`)).status).toBe(200);
  expect((await asked(`bearer ${ADMIN_TOKEN}`)).status).toBe(200);
});

test('other schemes and parts of the token do not', async () => {
  for (const wrong of [
    `Basic ${ADMIN_TOKEN}`,
    ADMIN_TOKEN,
    'Bearer ',
    `Bearer ${ADMIN_TOKEN.slice(0, -1)}`,
    `Bearer ${ADMIN_TOKEN}x`,
  ]) {
    expect((await asked(wrong)).status).toBe(401);
  }
});

test('guessing is answered 429 after ten a minute, and the right token still passes', async () => {
  const statuses = new Set<number>();
  let last: Response | undefined;
  for (let tries = 0; tries < 12; tries += 1) {
    last = await asked(`Bearer wrong-${tries}`);
    statuses.add(last.status);
  }
  expect([...statuses]).toEqual([401, 429]);
  expect(Number(last?.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await asked(`Bearer ${ADMIN_TOKEN}`)).status).toBe(200);
  expect((await asked(null)).status).toBe(401);
});

test('no line of the log holds a token', () => {
  const text = JSON.stringify(app.lines);
  expect(text).toContain('admin.refused');
  expect(text).not.toContain(ADMIN_TOKEN);
  expect(text).not.toContain('wrong-');
});
