/**
 * Delivers webhooks: signs each attempt anew, and retries with a growing pause until the answer is
 * 200. Events of one call are sent in order unless a fault or the script says otherwise; calls
 * never wait for each other.
 */
import { Pool } from 'undici';
import type { SentAttempt } from './account/deliveries.ts';
import { type BookedWebhook, bookDelivery } from './books.ts';
import { chance } from './chance.ts';
import type { Clock } from './clock.ts';
import type { WebhookFate } from './faults.ts';
import type { SigningKey } from './signing.ts';

export interface DeliveryOptions {
  urls: string[];
  /** Where the events of a connection go instead; null: to `urls`. */
  urlsOf: (connectionId: string) => string[] | null;
  /**
   * one: each event to one URL by chance, the next one after a failure; all: each event to every
   * URL at once.
   */
  spread: 'one' | 'all';
  key: SigningKey;
  clock: Clock;
  seed: number;
  timeoutMs: number;
  /** Pauses before the second and later attempts; their number is the number of retries. */
  retryMs: number[];
  /** Requests under way at once. */
  connections: number;
  onAttempt: (event: OutgoingEvent, attempt: SentAttempt) => void;
  onDelivered: (event: OutgoingEvent, url: string, status: number) => void;
}

export interface OutgoingEvent {
  id: string;
  type: string;
  callNumber: number;
  connectionId: string;
  /** JSON of `data`. */
  data: string;
  fate: WebhookFate;
  booked: BookedWebhook;
}

export interface Delivery {
  send(event: OutgoingEvent): void;
  /** Deliveries not finished: under way, held back, or waiting for their next attempt. */
  unfinished(): number;
  close(): Promise<void>;
}

/**
 * An event waits this long at most for the one before it; a slow service gets them out of order.
 */
const IN_ORDER_WAIT_MS = 250;
/** A held-back event goes out with the next one of its call, or after this. */
const HOLD_MS = 400;

/** Telnyx keeps 10 kB of an answer. */
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

interface Lane {
  last: Promise<void>;
  running: number;
  held: Set<() => void>;
}

export function createDelivery(options: DeliveryOptions): Delivery {
  const { clock } = options;
  const pools = new Map<string, Pool>();
  const lanes = new Map<number, Lane>();
  const queue: (() => void)[] = [];
  let slotsFree = options.connections;
  let open = 0;

  function send(event: OutgoingEvent): void {
    if (event.fate.lost) {
      event.booked.outcome = 'lost';
      return;
    }
    const all = options.urlsOf(event.connectionId) ?? options.urls;
    const urls = options.spread === 'all' ? all : [null];
    for (const only of urls) {
      for (const [copy, { delayMs, held }] of event.fate.copies.entries()) {
        open += 1;
        const start = (): void => void inLane(event, copy, only);
        if (delayMs > 0) clock.after(delayMs, start);
        else if (held) hold(laneOf(event.callNumber), start);
        else start();
      }
    }
  }

  function hold(lane: Lane, start: () => void): void {
    const release = (): void => {
      if (!lane.held.delete(release)) return;
      takeBack();
      start();
    };
    const takeBack = clock.after(HOLD_MS, release);
    lane.held.add(release);
  }

  /**
   * The first attempt waits for the one before it; what was held back before it goes out after it.
   */
  async function inLane(event: OutgoingEvent, copy: number, only: string | null): Promise<void> {
    const lane = laneOf(event.callNumber);
    const waiting = [...lane.held];
    const before = lane.running > 0 ? atMost(lane.last, IN_ORDER_WAIT_MS) : null;
    lane.running += 1;
    const first = (before ?? Promise.resolve()).then(() => attempt(event, copy, 1, only));
    lane.last = first;
    await first;
    lane.running -= 1;
    for (const release of waiting) release();
    if (lane.running === 0 && lane.held.size === 0) lanes.delete(event.callNumber);
  }

  async function attempt(
    event: OutgoingEvent,
    copy: number,
    number: number,
    only: string | null,
  ): Promise<void> {
    const url = only ?? urlFor(event, copy, number);
    const swallowed = number === 1 && copy === 0 && event.fate.firstAttemptLost;
    const { status, error } = swallowed ? swallow(url, event) : await post(url, event, number);
    bookDelivery(event.booked, { url, attempt: number, status, error });
    if (status === 200) {
      event.booked.outcome = 'delivered';
      open -= 1;
      options.onDelivered(event, url, status);
      return;
    }
    const pause = options.retryMs[number - 1];
    if (pause === undefined) {
      if (event.booked.outcome === 'pending') event.booked.outcome = 'given_up';
      open -= 1;
      return;
    }
    clock.afterReal(pause, () => void attempt(event, copy, number + 1, only));
  }

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
      // What a 200 says is nobody's news; what a failure says tells why.
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

  function swallow(url: string, event: OutgoingEvent): { status: number; error: string } {
    const at = now();
    options.onAttempt(event, { ...UNANSWERED, url, startedAt: at, finishedAt: at });
    return { status: 0, error: 'lost by a fault' };
  }

  /** The service's time limit starts when a connection is free, not while our own queue is long. */
  async function slot(): Promise<void> {
    if (slotsFree > 0) slotsFree -= 1;
    else await new Promise<void>((resolve) => queue.push(resolve));
  }

  /**
   * The URL of the first attempt by chance, later ones go round: Telnyx fails over to the second.
   */
  function urlFor(event: OutgoingEvent, copy: number, number: number): string {
    const urls = options.urlsOf(event.connectionId) ?? options.urls;
    const count = urls.length;
    const first =
      count === 1
        ? 0
        : Math.floor(chance(options.seed, event.callNumber, 'url', event.id, copy) * count);
    return urls[(first + number - 1) % count] ?? '';
  }

  function laneOf(callNumber: number): Lane {
    let lane = lanes.get(callNumber);
    if (lane === undefined) {
      lane = { last: Promise.resolve(), running: 0, held: new Set() };
      lanes.set(callNumber, lane);
    }
    return lane;
  }

  function poolOf(origin: string): Pool {
    let pool = pools.get(origin);
    if (pool === undefined) {
      pool = new Pool(origin, { connections: options.connections, pipelining: 1 });
      pools.set(origin, pool);
    }
    return pool;
  }

  function atMost(promise: Promise<void>, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const takeBack = clock.afterReal(ms, resolve);
      void promise.then(() => {
        takeBack();
        resolve();
      });
    });
  }

  return {
    send,
    unfinished: () => open,
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
    },
  };
}

function now(): string {
  return new Date().toISOString();
}

function plainHeaders(headers: Record<string, string | string[] | undefined>) {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, [value ?? ''].flat().join(', ')]),
  );
}
