import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ServedApp, serveApp } from '../../helpers/served-app.ts';
import { incomingCall } from '../../helpers/webhooks.ts';

let app: ServedApp;
beforeAll(async () => {
  app = await serveApp();
});
afterAll(() => app.close());

test('a scrape is Prometheus text and counts the webhooks by type and result', async () => {
  const body = incomingCall('v3:counted');
  expect((await app.deliver(body)).status).toBe(200);
  expect((await app.deliver(body)).status).toBe(200);
  const answer = await app.api('/metrics');
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toContain('text/plain; version=0.0.4');
  const text = await answer.text();
  expect(text).toContain('referee_webhooks_total{type="call.initiated",result="committed"} 1');
  expect(text).toContain('referee_webhooks_total{type="call.initiated",result="duplicate"} 1');
  expect(text).toMatch(/referee_webhook_duration_seconds_count 2\n/);
});
