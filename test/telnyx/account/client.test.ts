/** The client against the simulator's account: what it reads, and how each read ends. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Account, AccountGiven } from '../../../src/simulator/account/account.ts';
import { CONNECTION_ID } from '../../../src/simulator/identity.ts';
import { createSimulator, type SimulatorOptions } from '../../../src/simulator/simulator.ts';
import { createAccountClient } from '../../../src/telnyx/account/client.ts';

async function stage(account: AccountGiven, options: SimulatorOptions = {}) {
  const simulator = createSimulator({
    seed: 1,
    webhookUrl: 'http://127.0.0.1:9/webhooks/telnyx',
    ...options,
    account,
  });
  const { apiUrl } = await simulator.start();
  const client = createAccountClient({
    apiUrl,
    apiKey: 'KEY_simulator',
    retryMs: 1,
    timeoutMs: 5_000,
  });
  onTestFinished(async () => {
    await client.close();
    await simulator.stop();
  });
  return { simulator, apiUrl, client };
}

const many = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    phone_number: `+1415${String(2_000_000 + index)}`,
  }));

describe('a reading', () => {
  test('of everything that the checks need', async () => {
    const { simulator, client } = await stage({
      applications: [{ webhook_timeout_secs: 3, webhook_event_failover_url: '' as string }],
      numbers: [
        {
          phone_number: '+14155550100',
          voice: {
            call_forwarding: { forwards_to: '+14155550199', forwarding_type: 'always' },
            translated_number: '+14155550150',
          },
        },
        { phone_number: '+14155550111', connection_id: null },
      ],
    });
    const [application] = valueIn(await client.applications());
    expect(application).toMatchObject({
      id: CONNECTION_ID,
      apiVersion: '2',
      webhookUrl: 'http://127.0.0.1:9/webhooks/telnyx',
      failoverUrl: null,
      webhookTimeoutSecs: 3,
      shakenStir: true,
    });
    const numbers = valueIn(await client.numbers());
    expect(numbers.map(({ number, connectionId }) => [number, connectionId])).toEqual([
      ['+14155550100', CONNECTION_ID],
      ['+14155550111', null],
    ]);
    const voices = valueIn(await client.voices());
    expect(numbers.map(({ id }) => voices.get(id))).toEqual([
      { forwardsTo: '+14155550199', forwarding: 'always', translatedNumber: '+14155550150' },
      { forwardsTo: null, forwarding: null, translatedNumber: null },
    ]);
    expect(valueIn(await client.balance())).toEqual({
      balance: '300.00',
      availableCredit: '300.00',
      currency: 'USD',
    });
    expect(valueIn(await client.publicKey())).toBe(simulator.publicKey);
    const profile = valueIn(await client.profile(application?.profileId ?? ''));
    expect(profile).toMatchObject({ enabled: true, destinations: ['US', 'CA'] });
    expect(Math.abs(client.clockOffMs() ?? Number.NaN)).toBeLessThan(10_000);
  });

  test.each(['number', 'cursor'] as const)(
    'of 3,000 numbers takes every page, by %s',
    async (lists) => {
      const { client } = await stage({ numbers: many(3_000), pagination: { lists } });
      const heard: (number | null)[][] = [];
      const numbers = valueIn(await client.numbers((read, total) => heard.push([read, total])));
      expect(new Set(numbers.map(({ number }) => number)).size).toBe(3_000);
      expect(heard).toHaveLength(12);
      expect(heard.at(-1)).toEqual([3_000, 3_000]);
    },
  );

  test.each([
    [{ status: 403 }, { end: 'denied', status: 403 }],
    [{ status: 404 }, { end: 'missing' }],
    [{ garbage: true }, { end: 'unreachable', why: expect.stringContaining('not Telnyx') }],
    [{ status: 500 }, { end: 'unreachable', why: expect.stringContaining('HTTP 500') }],
  ])('that meets %j says how it ended, and the others are none the worse', async (fault, ended) => {
    const { client } = await stage({ faults: [{ endpoint: 'phone_numbers', ...fault }] });
    expect(await client.numbers()).toMatchObject(ended);
    expect(await client.applications()).toMatchObject({ end: 'value' });
  });

  test('is asked again after a fault that passes', async () => {
    const { client } = await stage({ faults: [{ endpoint: 'balance', status: 502, times: 2 }] });
    expect(await client.balance()).toMatchObject({ end: 'value' });
  });

  test('that is too slow ends, and says so', async () => {
    const { apiUrl } = await stage({ faults: [{ endpoint: 'balance', slow_secs: 30 }] });
    const client = createAccountClient({ apiUrl, apiKey: 'KEY_simulator', timeoutMs: 100 });
    onTestFinished(() => client.close());
    expect(await client.balance()).toEqual({
      end: 'unreachable',
      why: 'no answer from Telnyx within 100 ms',
    });
  });

  test('with a wrong key is denied, without a network unreachable; the key is in neither', async () => {
    const { apiUrl } = await stage({});
    const wrong = createAccountClient({ apiUrl, apiKey: 'KEY_wrong_one' });
    const none = createAccountClient({
      apiUrl: 'http://127.0.0.1:9/v2',
      apiKey: 'KEY_wrong_one',
      retryMs: 1,
    });
    onTestFinished(async () => void (await Promise.all([wrong.close(), none.close()])));
    expect(await wrong.balance()).toMatchObject({ end: 'denied', status: 401 });
    const reading = await none.balance();
    expect(reading).toMatchObject({ end: 'unreachable' });
    expect(JSON.stringify(reading)).not.toContain('KEY_wrong_one');
  });

  test('of a list with an entry that cannot be read is no list', async () => {
    const { simulator, client } = await stage({});
    (simulator.account as Account).numbers.push({} as never);
    expect(await client.numbers()).toMatchObject({ end: 'unreachable' });
  });
});

describe('the public key', () => {
  test('comes raw or as SPKI, and is refused where it is neither', async () => {
    const { simulator, client } = await stage({});
    const prefix = Buffer.from('302a300506032b6570032100', 'hex');
    const raw = Buffer.from(simulator.publicKey, 'base64');
    (simulator.account as Account).public_key = Buffer.concat([prefix, raw]).toString('base64');
    expect(valueIn(await client.publicKey())).toBe(simulator.publicKey);
    (simulator.account as Account).public_key = 'AAAA';
    expect(await client.publicKey()).toMatchObject({ end: 'unreachable' });
    (simulator.account as Account).public_key = 'none';
    expect(await client.publicKey()).toMatchObject({ end: 'missing' });
  });
});

describe('deliveries', () => {
  test('are read with attempts, error codes in words and what our server answered', async () => {
    const { simulator, client } = await stage({}, { webhookRetryMs: [10] });
    simulator.placeCall();
    const wanted = {
      failed: true,
      eventTypes: ['call.initiated'],
      startedFrom: Date.now() - 60_000,
    };
    await expect
      .poll(async () => valueIn(await client.deliveries(wanted))[0]?.attempts.length)
      .toBe(2);
    const [delivery] = valueIn(await client.deliveries(wanted));
    expect(delivery).toMatchObject({
      failed: true,
      eventType: 'call.initiated',
      webhook: { record_type: 'event', payload: { from: expect.any(String) } },
      attempts: [
        { delivered: false, errors: [{ code: '75002', words: 'no connection to the host' }] },
        { response: null },
      ],
    });
    expect(valueIn(await client.deliveries({ failed: false }))).toEqual([]);
    expect(valueIn(await client.newestDeliveries({ eventTypes: ['call.hangup'] }, 50))).toEqual([]);
  });
});

describe('a write', () => {
  test('names what Telnyx requires and changes what it is asked to', async () => {
    const { simulator, client } = await stage({
      applications: [{ webhook_api_version: '1', active: false }],
    });
    const urls = { name: 'Referee', webhookUrl: 'https://pbx.example.com/webhooks/telnyx' };
    const version = { field: 'webhook_api_version', after: '2' } as const;
    const fields = [version, { field: 'active', after: true } as const];
    const changed = valueIn(await client.updateApplication(CONNECTION_ID, { ...urls, fields }));
    expect(changed).toMatchObject({ apiVersion: '2', active: true, webhookUrl: urls.webhookUrl });
    const made = valueIn(await client.createApplication({ ...urls, fields: [version] }));
    const [number] = valueIn(await client.numbers());
    expect(valueIn(await client.assignNumber(number?.id ?? '', made.id)).connectionId).toBe(
      made.id,
    );
    expect(simulator.accountWrites().map(({ status }) => status)).toEqual([200, 201, 200]);
  });

  test('that is refused says why in Telnyx words', async () => {
    const { client } = await stage({});
    const write = { name: 'Referee', webhookUrl: 'nowhere', fields: [] };
    expect(await client.updateApplication(CONNECTION_ID, write)).toMatchObject({
      end: 'unreachable',
      why: expect.stringContaining('10015'),
    });
  });
});

function valueIn<T>(reading: { end: string; value?: T }): T {
  expect(reading).toMatchObject({ end: 'value' });
  return reading.value as T;
}
