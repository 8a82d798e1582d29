import { afterAll, beforeAll, expect, test } from 'vitest';
import { registerPage } from '../../src/http/page.ts';
import { type ServedApp, serveApp } from '../helpers/served-app.ts';

let app: ServedApp;
beforeAll(async () => {
  app = await serveApp({ deps: { page: registerPage } });
});
afterAll(() => app.close());

test('the shell needs no token and holds no data', async () => {
  const answer = await fetch(`${app.url}/`);
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    200,
    'text/html; charset=utf-8',
  ]);
  const text = await answer.text();
  expect(text).not.toMatch(/\+\d{5,}|<script(?![^>]*src=)|<style|\sstyle=|\son\w+=|https?:/);
});

test('the policy allows what comes from here and nothing else', async () => {
  const { headers } = await fetch(`${app.url}/`);
  const policy = (headers.get('content-security-policy') ?? '').split(';');
  expect(policy).toEqual(
    expect.arrayContaining([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "img-src 'self' data:",
      "frame-ancestors 'none'",
    ]),
  );
  expect(policy.join()).not.toContain('unsafe');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('referrer-policy')).toBe('no-referrer');
});

test('everything that the shell and its modules name is served, and revalidated', async () => {
  const seen = new Set<string>();
  const waiting = ['/'];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const answer = await fetch(`${app.url}${path}`);
    expect([path, answer.status]).toEqual([path, 200]);
    const etag = answer.headers.get('etag') ?? '';
    const again = await fetch(`${app.url}${path}`, {
      // fetch itself would add no-cache, which asks for the whole file.
      headers: { 'if-none-match': etag, 'cache-control': 'max-age=0' },
    });
    expect([path, again.status, answer.headers.get('cache-control')]).toEqual([
      path,
      304,
      'no-cache',
    ]);
    const text = await answer.text();
    for (const [, named = ''] of text.matchAll(
      /(?:from ?|import ?|href=|src=)["']([^"'#]+\.(?:js|css|svg))["']/g,
    )) {
      waiting.push(new URL(named, `${app.url}${path}`).pathname);
    }
  }
  expect(seen.size).toBeGreaterThan(20);
});

test('nothing else of the folders can be had', async () => {
  for (const path of [
    '/assets/page/index.html',
    '/assets/page/../page.ts',
    '/assets/page/..%2f..%2fpackage.json',
    '/assets/lit-html/package.json',
    '/index.html',
  ]) {
    expect([path, (await fetch(`${app.url}${path}`)).status]).toEqual([path, 404]);
  }
});

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

test('without ADMIN_TOKEN there is no page, and a browser is told so in plain text', async () => {
  await using closed = await serveApp({
    deps: { page: registerPage },
    config: { adminToken: null },
  });
  const page = await fetch(`${closed.url}/`, { headers: { accept: BROWSER } });
  expect([page.status, page.headers.get('content-type')]).toEqual([
    404,
    'text/plain; charset=utf-8',
  ]);
  expect(await page.text()).toMatch(/ADMIN_TOKEN is not set.*openssl rand -base64 32/);
  expect((await fetch(`${closed.url}/assets/page/main.js`)).status).toBe(404);
  for (const path of ['/', '/v1/calls', '/metrics']) {
    const answer = await fetch(`${closed.url}${path}`);
    const type = answer.headers.get('content-type');
    expect([path, answer.status, type, await answer.json()]).toEqual([
      path,
      404,
      'application/problem+json',
      expect.objectContaining({ fix: expect.stringContaining('ADMIN_TOKEN') }),
    ]);
  }
});

test('with ADMIN_PORT the page is off the public port', async () => {
  await using apart = await serveApp({ deps: { page: registerPage }, config: { adminPort: 1 } });
  expect((await fetch(`${apart.url}/`)).status).toBe(404);
  expect((await fetch(`${apart.adminUrl}/`)).status).toBe(200);
});
