import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { StoreUnavailable } from '../../src/errors.ts';
import { watchStore } from '../../src/http/health.ts';
import { type ServedApp, serveApp } from '../helpers/served-app.ts';
import { waitFor } from '../helpers/waiting.ts';

let app: ServedApp;
const warnings: string[] = [];
beforeAll(async () => {
  app = await serveApp({ deps: { warnings: () => warnings } });
});
afterAll(() => app.close());

async function ready(): Promise<[number, unknown]> {
  const answer = await fetch(`${app.url}/health/ready`);
  return [answer.status, await answer.json()];
}

describe('health', () => {
  test('live is 200 in every phase', async () => {
    for (const phase of ['starting', 'warming', 'running', 'draining', 'stopping'] as const) {
      app.lifecycle.phase = phase;
      expect((await fetch(`${app.url}/health/live`)).status).toBe(200);
    }
    app.lifecycle.phase = 'running';
  });

  test('ready names its warnings, and stays 200 with them', async () => {
    await waitFor(async () =>
      expect(await ready()).toEqual([200, { status: 'ready', warnings: [] }]),
    );
    warnings.push('TELNYX_API_KEY: Telnyx answered 401');
    expect(await ready()).toEqual([200, { status: 'ready', warnings }]);
  });

  test('ready is 503 with the reason while starting, draining and stopping', async () => {
    const reasons = { starting: 'starting', draining: 'stopping', stopping: 'stopping' } as const;
    for (const phase of ['starting', 'draining', 'stopping'] as const) {
      app.lifecycle.phase = phase;
      expect(await ready()).toMatchObject([503, { status: 'not ready', reason: reasons[phase] }]);
    }
    app.lifecycle.phase = 'running';
  });

  test('during the warm-up it does not hide that the store has failed', async () => {
    app.lifecycle.phase = 'warming';
    const detail = expect.stringContaining('is accepted');
    await waitFor(async () =>
      expect(await ready()).toMatchObject([503, { reason: 'starting', detail }]),
    );
    const ping = vi.spyOn(app.store, 'ping').mockRejectedValue(new Error('disk full'));
    const failed = expect.stringContaining('The store failed');
    await waitFor(async () => expect(await ready()).toMatchObject([503, { detail: failed }]));
    ping.mockRestore();
    app.lifecycle.phase = 'running';
  });
});

describe('watching the store', () => {
  test('a failing ping is the failure, and a good one after it ends it', async () => {
    let problem: Error | null = new Error('disk full');
    const watch = watchStore(
      {
        async ping() {
          if (problem) throw problem;
        },
      },
      { everyMs: 1, timeoutMs: 1000 },
    );
    await waitFor(() => expect(watch.failure()).toBe('disk full'));
    problem = null;
    await waitFor(() => expect(watch.failure()).toBeNull());
    watch.stop();
  });

  test('commits that are refused are a failure although pings succeed; a recovered ping forgets them', async () => {
    let problem: Error | null = null;
    let refusal: StoreUnavailable | null = new StoreUnavailable('its disk is full', {
      where: 'db.internal',
    });
    const watch = watchStore(
      {
        async ping() {
          if (problem) throw problem;
        },
      },
      {
        everyMs: 1,
        timeoutMs: 1000,
        commits: {
          refusal: () => refusal,
          forget: () => {
            refusal = null;
          },
        },
      },
    );
    await waitFor(() => expect(watch.failureForAnybody()).toBeNull());
    // The first good ping is a recovery as well.
    refusal = new StoreUnavailable('its disk is full', { where: 'db.internal' });
    expect(watch.failure()).toContain('db.internal');
    expect(watch.failureForAnybody()).toBe('The store: its disk is full.');
    expect(watch.goodAt?.()).toBeNull();
    problem = new Error('away');
    await waitFor(() => expect(watch.failure()).toBe('away'));
    problem = null;
    await waitFor(() => expect(watch.failure()).toBeNull());
    watch.stop();
  });

  test('a ping that never ends is a failure after its time', async () => {
    const watch = watchStore({ ping: () => new Promise(() => {}) }, { everyMs: 1, timeoutMs: 20 });
    await waitFor(() => expect(watch.failure()).toContain('20 ms'));
    watch.stop();
  });
});
