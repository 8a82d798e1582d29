/**
 * The requests that deliver webhooks: each attempt is signed again and has a time limit, and their
 * number in flight is limited.
 */
import { Pool } from 'undici';
import type { SentAttempt } from './account/deliveries.ts';
import type { Clock } from './clock.ts';
import type { OutgoingEvent } from './delivery.ts';
import type { SigningKey } from './signing.ts';

export interface WebhookPostsOptions {
  key: SigningKey;
  clock: Clock;
  timeoutMs: number;
  /** Maximum number of requests in flight. */
  connections: number;
  onAttempt: (event: OutgoingEvent, attempt: SentAttempt) => void;
}

interface WebhookPosts {
  /** Status 0 means that there was no answer. */
  post(
    url: string,
    event: OutgoingEvent,
    attemptNumber: number,
  ): Promise<{ status: number; error: string | null }>;
  /** An attempt lost by a fault: recorded but not sent. */
  lose(url: string, event: OutgoingEvent): { status: number; error: string };
  close(): Promise<void>;
}

/** Telnyx stores 10 kB of an answer. */
const RESPONSE_CHARS_MAX = 10_240;

const UNANSWERED: SentAttempt = {
  url: '',
  startedAt: '',
  finishedAt: '',
  requestHeaders: {},
  status: 0,
  responseHeaders: {},
  responseBody: '',
  error: null,
};

export function createWebhookPosts(options: WebhookPostsOptions): WebhookPosts {
  const { clock } = options;
  const pools = new Map<string, Pool>();
  const queue: (() => void)[] = [];
  let slotsFree = options.connections;

  return {
    post,
    lose,
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
    },
  };

  async function post(
    url: string,
    event: OutgoingEvent,
    attemptNumber: number,
  ): Promise<{ status: number; error: string | null }> {
    const target = new URL(url);
    await slot();
    const meta = JSON.stringify({ attempt: attemptNumber, delivered_to: url });
    const body = `{"data":${event.data},"meta":${meta}}`;
    const timestamp = String(Math.floor(Date.now() / 1000));
    const abort = new AbortController();
    const takeBack = clock.afterReal(options.timeoutMs, () => abort.abort());
    const requestHeaders = {
      'content-type': 'application/json',
      'user-agent': 'telnyx-webhooks',
      'telnyx-signature-ed25519': options.key.sign(timestamp, body),
      'telnyx-timestamp': timestamp,
    };
    const sent: SentAttempt = { ...UNANSWERED, url, startedAt: now(), requestHeaders };
    try {
      const response = await poolOf(target.origin).request({
        path: target.pathname + target.search,
        method: 'POST',
        headers: requestHeaders,
        body,
        signal: abort.signal,
      });
      // Only the text of a failure is stored, because it says why.
      if (response.statusCode === 200) await response.body.dump();
      else sent.responseBody = (await response.body.text()).slice(0, RESPONSE_CHARS_MAX);
      sent.status = response.statusCode;
      sent.responseHeaders = plainHeaders(response.headers);
      return { status: response.statusCode, error: null };
    } catch (error) {
      sent.error = error;
      const late = abort.signal.aborted;
      const text = error instanceof Error ? error.message : String(error);
      return { status: 0, error: late ? `no answer in ${options.timeoutMs} ms` : text };
    } finally {
      takeBack();
      options.onAttempt(event, { ...sent, finishedAt: now() });
      const next = queue.shift();
      if (next === undefined) slotsFree += 1;
      else next();
    }
  }

  function lose(url: string, event: OutgoingEvent): { status: number; error: string } {
    const at = now();
    options.onAttempt(event, { ...UNANSWERED, url, startedAt: at, finishedAt: at });
    return { status: 0, error: 'lost by a fault' };
  }

  /**
   * Waits for a free connection. The service's time limit only starts then, so our own queue does
   * not count.
   */
  async function slot(): Promise<void> {
    if (slotsFree > 0) slotsFree -= 1;
    else await new Promise<void>((resolve) => queue.push(resolve));
  }

  function poolOf(origin: string): Pool {
    let pool = pools.get(origin);
    if (pool === undefined) {
      pool = new Pool(origin, { connections: options.connections, pipelining: 1 });
      pools.set(origin, pool);
    }
    return pool;
  }
}

function now(): string {
  return new Date().toISOString();
}

function plainHeaders(headers: Record<string, string | string[] | undefined>) {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, [value ?? ''].flat().join(', ')]),
  );
}
