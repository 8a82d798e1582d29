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
