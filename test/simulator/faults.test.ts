import { describe, expect, test } from 'vitest';
import { chance } from '../../src/simulator/chance.ts';
import type { Faults } from '../../src/simulator/faults.ts';
import { waitFor } from '../helpers/waiting.ts';
import { setStage } from './stage.ts';

const TARGET = 'sip:support@pbx.example.com';

describe('chance', () => {
  test('is even, and a function of seed and key alone', () => {
    const rolls = Array.from({ length: 10_000 }, (_, call) => chance(7, call, 'webhook_lost', 1));
    const mean = rolls.reduce((sum, roll) => sum + roll, 0) / rolls.length;
    expect(mean).toBeGreaterThan(0.48);
    expect(mean).toBeLessThan(0.52);
    expect(rolls.filter((roll) => roll < 0.01).length).toBeGreaterThan(60);
    expect(rolls.filter((roll) => roll < 0.01).length).toBeLessThan(140);
    expect(chance(7, 1, 'a')).toBe(chance(7, 1, 'a'));
    expect(chance(7, 1, 'a')).not.toBe(chance(8, 1, 'a'));
  });
});

describe('a seed', () => {
  /**
   * Plays calls against a receiver that does nothing, so the faults depend only on the simulator.
   */
  async function play(seed: number, order: 'one by one' | 'at once', faults: Faults) {
    const { simulator } = await setStage({ seed, faults, webhookRetryMs: [1], timeScale: 0.01 });
    for (let n = 0; n < 60; n += 1) {
      const call = simulator.placeCall({ callerHangup: { when: 'initiated', afterMs: 100 } });
      if (order === 'one by one') await call.ended;
    }
    await expect.poll(() => simulator.books().every((book) => book.endedAt !== null)).toBe(true);
    await expect.poll(() => simulator.unfinishedDeliveries()).toBe(0);
    return simulator.books().map(({ callControlId, faults: struck, webhooks }) => ({
      callControlId,
      struck,
      webhooks: webhooks.map(({ id, type, outcome }) => ({ id, type, outcome })),
    }));
  }

  test('gives the same run, however the calls lie in time; another seed another one', async () => {
    const first = await play(7, 'one by one', 'all');
    expect(first.flatMap(({ struck }) => struck).length).toBeGreaterThan(5);
    expect(await play(7, 'at once', 'all')).toEqual(first);
    expect(await play(8, 'at once', 'all')).not.toEqual(first);
  });

  test('with no faults strikes nothing', async () => {
    const calls = await play(7, 'at once', 'none');
    expect(calls.flatMap(({ struck }) => struck)).toEqual([]);
    expect(calls.every(({ webhooks }) => webhooks.every((w) => w.outcome === 'delivered'))).toBe(
      true,
    );
  });

  test('with an unknown kind or a rate over 1 is refused', async () => {
    await expect(setStage({ faults: { webhook_eaten: 1 } as Faults })).rejects.toThrow(
      /webhook_eaten/,
    );
    await expect(setStage({ faults: { api_500: 2 } })).rejects.toThrow(/between 0 and 1/);
  });
});

describe('webhooks on request', () => {
  test('are lost, lost once, doubled and held back', async () => {
    const { simulator, receiver } = await setStage();
    const call = simulator.placeCall({
      faults: [
        { at: 'call.initiated', kind: 'webhook_reordered' },
        { at: 'call.hangup', kind: 'webhook_doubled' },
      ],
      callerHangup: { when: 'initiated', afterMs: 20 },
    });
    await call.ended;
    await expect.poll(() => simulator.unfinishedDeliveries()).toBe(0);
    expect(receiver.types()[0]).toBe('call.hangup');
    expect(receiver.types().sort()).toEqual(['call.hangup', 'call.hangup', 'call.initiated']);

    const lost = simulator.placeCall({ faults: [{ at: 'call.initiated', kind: 'webhook_lost' }] });
    expect(lost.book.webhooks).toMatchObject([{ outcome: 'lost', deliveries: [] }]);

    const late = simulator.placeCall({
      faults: [{ at: 'call.initiated', kind: 'webhook_retried' }],
    });
    await expect.poll(() => late.book.webhooks[0]?.outcome).toBe('delivered');
    expect(receiver.received.at(-1)?.meta.attempt).toBe(2);
  });

  test('of a shuffled and doubled call come twice each and out of order', async () => {
    // This seed delays call.refer.completed 80 ms longer than the call.hangup right after it, so
    // the order does not depend on how fast the test sends its commands.
    const { simulator, receiver, command } = await setStage({ seed: 2 });
    const call = simulator.placeCall({ copies: 2, shuffle: true });
    await command(call.callControlId, 'answer');
    await expect.poll(() => call.book.answeredAt).not.toBeNull();
    await command(call.callControlId, 'refer', { sip_address: TARGET });
    await call.ended;
    await expect.poll(() => simulator.unfinishedDeliveries()).toBe(0);
    const ids = receiver.received.map((event) => event.id);
    expect(ids).toHaveLength(10);
    expect(new Set(ids).size).toBe(5);
    const sent = call.book.webhooks.map(({ id }) => id);
    expect([...new Set(ids)]).not.toEqual(sent);
  });

  test('may stay away for a NOTIFY or a hangup, while the caller was moved all the same', async () => {
    const { simulator, receiver, command, answered } = await setStage({
      faults: { notify_forgotten: 1, hangup_forgotten: 1 },
    });
    const call = await answered({ refers: 'completed' });
    await command(call.callControlId, 'refer', { sip_address: TARGET });
    await call.ended;
    await expect.poll(() => simulator.unfinishedDeliveries()).toBe(0);
    expect(receiver.types()).toEqual(['call.initiated', 'call.answered', 'call.refer.started']);
    expect(call.book).toMatchObject({
      fate: 'moved',
      attempts: [{ result: 200, reported: false }],
    });
  });
});

describe('the API on request', () => {
  test.each(['api_500', 'api_garbage', 'api_cut'] as const)(
    'fails with %s before or after the command was executed; its repeat does no harm',
    async (kind) => {
      const { command, answered } = await setStage();
      for (const strikes of ['before', 'after'] as const) {
        const call = await answered({
          refers: 'silent',
          faults: [{ at: 'refer', nth: 1, kind, strikes }],
        });
        const body = { sip_address: TARGET, command_id: 'r' };
        const first = await command(call.callControlId, 'refer', body).catch(() => null);
        expect(first === null || first.json === null || first.status === 500).toBe(true);
        expect(call.book.attempts).toHaveLength(strikes === 'before' ? 0 : 1);
        expect((await command(call.callControlId, 'refer', body)).status).toBe(200);
        expect(call.book.attempts).toHaveLength(1);
        expect(call.book.requests.at(-1)?.duplicate).toBe(strikes === 'after');
        expect(call.book.faults).toEqual([`leg 0 refer 1: ${kind} ${strikes}`]);
      }
    },
  );

  test('answers 429 with its headers and has done nothing', async () => {
    const { command, answered } = await setStage();
    const call = await answered({ faults: [{ at: 'refer', nth: 1, kind: 'api_429' }] });
    const answer = await command(call.callControlId, 'refer', { sip_address: TARGET });
    expect(answer).toMatchObject({ status: 429, code: '10011' });
    expect(answer.headers.get('x-ratelimit-reset')).toBe('1');
    expect(call.book.attempts).toEqual([]);
  });

  test('is slow, or never answers at all', async () => {
    const { apiUrl, simulator, command, answered } = await setStage();
    const slow = await answered({ faults: [{ at: 'hangup', kind: 'api_slow', ms: 500 }] });
    const started = performance.now();
    await command(slow.callControlId, 'hangup');
    expect(performance.now() - started).toBeGreaterThan(40);

    const silent = await answered({
      faults: [{ at: 'hangup', kind: 'api_silent', strikes: 'after' }],
    });
    const patience = new AbortController();
    const request = fetch(`${apiUrl}/calls/${silent.callControlId}/actions/hangup`, {
      method: 'POST',
      headers: { authorization: `Bearer ${simulator.apiKey}` },
      signal: patience.signal,
    });
    await waitFor(() => expect(silent.book.fate).toBe('released'));
    patience.abort();
    await expect(request).rejects.toThrow(/abort/i);
    expect(silent.book.requests.at(-1)).toMatchObject({ executed: true, status: 0 });
  });
});
