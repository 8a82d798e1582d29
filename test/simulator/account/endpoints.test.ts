import { describe, expect, test } from 'vitest';
import type { AccountGiven } from '../../../src/simulator/account/account.ts';
import { CONNECTION_ID } from '../../../src/simulator/identity.ts';
import { setStage } from '../stage.ts';

const application = `/call_control_applications/${CONNECTION_ID}`;
const URLS = {
  application_name: 'Referee',
  webhook_event_url: 'http://127.0.0.1:9/webhooks/telnyx',
};

function numbers(count: number): NonNullable<AccountGiven['numbers']> {
  return Array.from({ length: count }, (_, index) => ({
    phone_number: `+1415555${String(index).padStart(4, '0')}`,
  }));
}

describe('the account', () => {
  test('is sound where nothing is given: an application for its calls, numbers, credit, the key', async () => {
    const { simulator, receiver, send } = await setStage();
    const one = await send('GET', application);
    expect(one.json.data).toMatchObject({
      webhook_api_version: '2',
      webhook_event_url: receiver.url,
      active: true,
    });
    const list = await send('GET', '/phone_numbers?filter[phone_number]=0100');
    expect(list.json.data).toMatchObject([
      { phone_number: '+14155550100', connection_id: CONNECTION_ID, status: 'active' },
    ]);
    expect((await send('GET', '/balance')).json.data).toMatchObject({ currency: 'USD' });
    expect((await send('GET', '/public_key')).json.data.public).toBe(simulator.publicKey);
  });

  test('asks for the key like every endpoint', async () => {
    const { send } = await setStage();
    const answer = await send('GET', '/balance', undefined, { authorization: 'Bearer nope' });
    expect(answer).toMatchObject({ status: 401, code: '10009' });
  });

  test('gives lists page by page, by number or by cursor', async () => {
    const { send } = await setStage({ account: { numbers: numbers(45) } });
    const second = await send('GET', '/phone_numbers?page[number]=2&page[size]=20');
    expect(second.json.data).toHaveLength(20);
    expect(second.json.meta).toMatchObject({ page_number: 2, total_pages: 3, total_results: 45 });

    const cursors = await setStage({
      account: { numbers: numbers(45), pagination: { lists: 'cursor' } },
    });
    const first = await cursors.send('GET', '/phone_numbers?page[size]=20');
    expect(first.json.meta.next).toBe('/v2/phone_numbers?page[size]=20&page[after]=20');
    const last = await cursors.send('GET', '/phone_numbers?page[size]=20&page[after]=40');
    expect(last.json.data).toHaveLength(5);
    expect(last.json.meta.next).toBeNull();
  });
});

describe('a write', () => {
  test('of an application names its name and URL, changed or not, and changes what it names', async () => {
    const { send, simulator } = await setStage({
      account: { applications: [{ webhook_api_version: '1' }] },
    });
    const short = await send('PATCH', application, { webhook_api_version: '2' });
    expect(short).toMatchObject({ status: 422, code: '10004', pointer: '/application_name' });
    const whole = await send('PATCH', application, { ...URLS, webhook_api_version: '2' });
    expect(whole.json.data).toMatchObject({ ...URLS, webhook_api_version: '2', active: true });
    expect(simulator.accountWrites().map(({ status }) => status)).toEqual([422, 200]);
  });

  test('of what Telnyx does not know is refused, so that a misspelling is noticed', async () => {
    const { send } = await setStage();
    const answer = await send('PATCH', application, { ...URLS, webhook_url: 'x' });
    expect(answer).toMatchObject({ status: 422, code: '10015', pointer: '/webhook_url' });
  });

  test.each([
    ['webhook_event_url', 'http://'],
    ['webhook_event_failover_url', 'nowhere'],
  ])('of a %s that is none is refused: %s', async (name, url) => {
    const { send } = await setStage();
    const answer = await send('PATCH', application, { ...URLS, [name]: url });
    expect(answer).toMatchObject({ status: 422, code: '10015', pointer: `/${name}` });
  });

  test('of a failover URL is used after two attempts at the webhook URL, and never before', async () => {
    const { send, simulator, receiver } = await setStage({ webhookRetryMs: [10, 10] });
    const primary = 'http://127.0.0.1:9/webhooks/telnyx';
    await send('PATCH', application, {
      ...URLS,
      webhook_event_url: primary,
      webhook_event_failover_url: receiver.url,
    });
    const books = Array.from({ length: 5 }, () => simulator.placeCall({ to: '+14155550100' }).book);
    await receiver.next('call.initiated', books.length);
    for (const { webhooks } of books) {
      const [first] = webhooks;
      await expect.poll(() => first?.outcome).toBe('delivered');
      expect(first?.deliveries.map(({ url }) => url)).toEqual([primary, primary, receiver.url]);
    }
  });

  test('makes an application of version 1 unless asked for another, and a number can be given to it', async () => {
    const { send, simulator } = await setStage();
    const made = await send('POST', '/call_control_applications', URLS);
    expect(made).toMatchObject({ status: 201, json: { data: { webhook_api_version: '1' } } });
    const [number] = simulator.account.numbers;
    const given = await send('PATCH', `/phone_numbers/${number?.id}`, {
      connection_id: made.json.data.id,
    });
    expect(given.json.data).toMatchObject({
      connection_id: made.json.data.id,
      connection_name: 'Referee',
    });
    const voice = await send('PATCH', `/phone_numbers/${number?.id}/voice`, {
      call_forwarding: { call_forwarding_enabled: false },
    });
    expect(voice.json.data.call_forwarding).toEqual({ call_forwarding_enabled: false });
  });

  test('of the webhook URL moves the events of that application there', async () => {
    const { send, simulator, receiver } = await setStage({}, () => 200);
    simulator.setWebhookUrl('http://127.0.0.1:9/nowhere');
    await send('PATCH', application, { ...URLS, webhook_event_url: receiver.url });
    const call = simulator.placeCall({ to: '+14155550100' });
    await receiver.next('call.initiated', call.number);
    expect(call.book.webhooks[0]?.deliveries.map(({ url }) => url)).not.toContain(
      'http://127.0.0.1:9/nowhere',
    );
  });
});

describe('deliveries', () => {
  test('are the attempts that were really made, newest first, with what they were answered', async () => {
    let answers = 0;
    const { simulator, receiver, send } = await setStage({}, () => (answers++ === 0 ? 503 : 200));
    const call = simulator.placeCall();
    await receiver.next('call.initiated', call.number);
    await expect
      .poll(async () => (await send('GET', '/webhook_deliveries')).json.data[0]?.attempts.length)
      .toBe(2);
    const [delivery] = (await send('GET', '/webhook_deliveries')).json.data;
    expect(delivery).toMatchObject({
      status: 'delivered',
      webhook: { event_type: 'call.initiated', payload: { call_control_id: call.callControlId } },
      attempts: [
        { status: 'delivered', errors: [], http: { response: { status: 200 } } },
        { status: 'failed', errors: [75599], http: { response: { status: 503 } } },
      ],
    });
  });

  test('that failed can be asked for by status, type and time', async () => {
    const { simulator, send } = await setStage({ webhookRetryMs: [] }, () => 404);
    simulator.placeCall();
    const failed = '/webhook_deliveries?filter[status][eq]=failed';
    await expect.poll(async () => (await send('GET', failed)).json.data.length).toBe(1);
    const [delivery] = (await send('GET', failed)).json.data;
    expect(delivery.attempts[0].errors).toEqual([75404]);
    const at = encodeURIComponent(delivery.started_at);
    const count = async (query: string) =>
      (await send('GET', `${failed}${query}`)).json.data.length;
    expect(await count('&filter[event_type]=call.answered,call.initiated')).toBe(1);
    expect(await count('&filter[event_type]=call.answered')).toBe(0);
    expect(await count(`&filter[started_at][gte]=${at}`)).toBe(1);
    expect(await count('&filter[started_at][gte]=2999-01-01T00:00:00Z')).toBe(0);
    expect((await send('GET', '/call_events?filter[failed]=true')).json.data).toMatchObject([
      { name: 'call.initiated', type: 'webhook' },
    ]);
  });
});

describe('a fault', () => {
  test('strikes one endpoint: 403, garbage, slowness, or a write in the middle', async () => {
    const { send } = await setStage({
      account: {
        faults: [
          { endpoint: 'balance', status: 403 },
          { endpoint: 'public_key', garbage: true },
          { endpoint: 'phone_numbers/voice', slow_secs: 0.2 },
          { endpoint: 'phone_numbers', method: 'PATCH', after: 1, times: 1, status: 500 },
        ],
      },
    });
    expect(await send('GET', '/balance')).toMatchObject({ status: 403, code: '10010' });
    expect(await send('GET', '/public_key')).toMatchObject({ status: 200, json: null });
    const before = performance.now();
    await send('GET', '/phone_numbers/voice');
    expect(performance.now() - before).toBeGreaterThan(150);
    const { data } = (await send('GET', '/phone_numbers')).json;
    const statuses = [];
    for (const _ of [1, 2, 3]) {
      statuses.push((await send('PATCH', `/phone_numbers/${data[0].id}`, {})).status);
    }
    expect(statuses).toEqual([200, 500, 200]);
  });
});
