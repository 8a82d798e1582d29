/** What Telnyx is asked about an outage, and all the ways in which it may fail to answer. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Asking, createAsking } from '../../src/telnyx/account/asking.ts';
import { createTelnyxClient, type TelnyxClient } from '../../src/telnyx/client.ts';
import { createOutageSource, type OutageSource } from '../../src/telnyx/outage-source.ts';
import { type ApiServer, json, type Reply, startApiServer } from '../helpers/api-server.ts';

let server: ApiServer;
let asking: Asking;
let client: TelnyxClient;
let stopping: AbortController;
let source: OutageSource;

beforeEach(async () => {
  server = await startApiServer();
  const options = { apiUrl: server.url, apiKey: 'KEY', timeoutMs: 1_000 };
  asking = createAsking({ ...options, retryMs: 1 });
  client = createTelnyxClient(options);
  stopping = new AbortController();
  source = createOutageSource(asking, (command) => client.send(command), stopping.signal);
});

afterEach(async () => {
  await asking.close();
  await client.close();
  await server.close();
});

const replies =
  (...bodies: unknown[]): Reply =>
  (_request, response, nth) => {
    json(response, 200, bodies[nth - 1] ?? { data: [] });
  };

function delivery(webhook: unknown, more: object = {}) {
  return { id: 'd', status: 'failed', started_at: '2026-03-02T15:00:00Z', webhook, ...more };
}

function webhook(id: string, payload: object = { call_control_id: 'v3:a' }) {
  return { id, event_type: 'call.initiated', occurred_at: '2026-03-02T15:00:00.5Z', payload };
}

async function all() {
  const found = { ids: [] as string[], unusable: 0 };
  for await (const page of source.failedDeliveries(Date.parse('2026-03-02T14:00:00Z'))) {
    found.ids.push(...page.missed.map(({ event }) => event.id));
    found.unusable += page.unusable;
  }
  return found;
}

describe('failed deliveries', () => {
  it('are asked for by Telnyx’s clock where ours is ahead', async () => {
    const tenMinutes = 600_000;
    const found = { data: [delivery(webhook('1'))] };
    server.reply = (_request, response, nth) => {
      const date = new Date(Date.now() - tenMinutes).toUTCString();
      json(response, 200, nth === 1 ? { data: [] } : found, { date });
    };
    expect((await all()).ids).toEqual(['1']);
    const from = server.requests.map(({ url }) =>
      Date.parse(new URL(url, 'http://x').searchParams.get('filter[started_at][gte]') ?? ''),
    );
    const since = Date.parse('2026-03-02T14:00:00Z');
    expect(from[0]).toBe(since);
    expect(Math.abs((from[1] ?? 0) - (since - tenMinutes))).toBeLessThan(10_000);
    // From now on that is known.
    await all();
    expect(server.requests).toHaveLength(3);
  });

  it('are asked for by state, type and time, on every page', async () => {
    server.reply = replies(
      { data: [delivery(webhook('1'))], meta: { page_number: 1, total_pages: 2 } },
      { data: [delivery(webhook('2'))], meta: { page_number: 2, total_pages: 2 } },
    );
    expect((await all()).ids).toEqual(['1', '2']);
    const asked = server.requests.map(({ url }) => new URL(url, 'http://x').searchParams);
    expect(asked.map((query) => query.get('page[number]'))).toEqual([null, '2']);
    for (const query of asked) {
      expect(query.get('filter[status][eq]')).toBe('failed');
      expect(query.get('filter[started_at][gte]')).toBe('2026-03-02T14:00:00.000Z');
      expect(query.get('filter[event_type]')?.split(',')).toContain('call.hangup');
    }
  });

  it('that are no events of calls are counted, whatever they are', async () => {
    const odd = [null, 'text', 7, {}, delivery(null), delivery('x'), delivery({ id: 'x' })];
    const message = delivery({ ...webhook('m', {}), event_type: 'message.sent' });
    const version1 = delivery({ event_type: 'call_initiated', call_control_id: 'v2:x' });
    const delivered = delivery(webhook('fine'), { status: 'delivered' });
    server.reply = replies({
      data: [...odd, message, version1, delivered, delivery(webhook('1'))],
    });
    expect(await all()).toEqual({ ids: ['1'], unusable: odd.length + 2 });
  });

  it.each<[string, Reply, string]>([
    ['403', (_, response) => json(response, 403, {}), 'TELNYX_API_KEY'],
    ['404', (_, response) => json(response, 404, {}), 'TELNYX_API_URL'],
    ['garbage', (_, response) => void response.end('<html>'), 'proxy'],
    ['no list', (_, response) => json(response, 200, { data: {} }), 'undocumented'],
    ['silence', () => {}, 'within'],
    [
      'the same page for ever',
      (_, response) => json(response, 200, { data: [1], meta: { cursors: { after: 'x' } } }),
      'again and again',
    ],
  ])('cannot be had: %s', async (_, reply, words) => {
    server.reply = reply;
    await expect(all()).rejects.toThrow(words);
  });

  it('are not waited for once there is a stop', async () => {
    server.reply = () => stopping.abort();
    await expect(all()).rejects.toThrow();
    expect(server.requests).toHaveLength(1);
  });
});

describe('whether a leg lives', () => {
  it.each<[string, number, unknown, boolean | null]>([
    ['lives', 200, { data: { is_alive: true } }, true],
    ['has ended', 200, { data: { is_alive: false } }, false],
    ['is unknown by now', 422, { errors: [{ code: '90015', title: 'Invalid id' }] }, false],
    ['is forgotten', 404, { errors: [{ code: '10007', title: 'Not found' }] }, false],
    ['may not be read', 403, { errors: [{ code: '10010', title: 'Not permitted' }] }, null],
    ['is not said', 200, { data: {} }, null],
    ['fails', 500, {}, null],
  ])('%s', async (_, status, body, alive) => {
    server.reply = (_request, response) => json(response, status, body);
    expect(await source.isAlive('v3:a')).toBe(alive);
  });

  it('is read for a whole connection, in both forms of pages', async () => {
    const leg = (id: string) => ({ call_control_id: id, call_duration: 7 });
    server.reply = replies(
      { data: [leg('a')], meta: { cursors: { after: 'x' }, next: '/v2/c?page[after]=x' } },
      { data: [leg('b')], meta: { cursors: { after: null } } },
    );
    const legs = await source.activeCalls('12');
    expect(legs).toMatchObject([
      { callId: 'a', connectionId: '12', durationSecs: 7 },
      { callId: 'b' },
    ]);
    expect(server.requests[0]?.url).toContain('/v2/connections/12/active_calls?');
  });
});
