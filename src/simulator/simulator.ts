/**
 * The Telnyx simulator: Telnyx on loopback without an account. It places calls, signs and delivers
 * their webhooks, executes commands and records what really happened to each caller. It shares no
 * code with `telnyx/` and only communicates over HTTP, so tests compare two independent
 * implementations.
 */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type Account, type AccountGiven, createAccount } from './account/account.ts';
import { createDeliveryLog } from './account/deliveries.ts';
import { type AccountWrite, createAccountEndpoints } from './account/endpoints.ts';
import { type Api, createApi } from './api.ts';
import type { BookedRequest, CallBook } from './books.ts';
import { createClock } from './clock.ts';
import { createDelivery } from './delivery.ts';
import { dial } from './dial.ts';
import { type Faults, ratesOf } from './faults.ts';
import type { PlacedLegs } from './leg.ts';
import type { RateLimit } from './rate-limit.ts';
import type { CallScript } from './script.ts';
import { createSigningKey } from './signing.ts';
import { createSwitchboard } from './switchboard.ts';
import { webhookUrls } from './webhook-url.ts';

export interface SimulatorOptions {
  /**
   * Where events are sent; several URLs for several replicas. May be set later, before the first
   * call.
   */
  webhookUrl?: string | string[];
  /** With several URLs: each event goes to a random one of them (default), or to all at once. */
  spread?: 'one' | 'all';
  apiKey?: string;
  /** 0 (default) takes any free port. */
  port?: number;
  /** Determines the key, the ids and every fault; random by default. */
  seed?: number;
  /**
   * Part of every id; default: the seed. Runs with the same seed and database need different salts.
   */
  salt?: string;
  faults?: Faults;
  /**
   * Factor for scripted durations and for the times of transfers and menus (`timeout_secs`,
   * `timeout_millis`), but not for retries and other time limits; default 1.
   */
  timeScale?: number;
  rateLimit?: RateLimit;
  /** The contents of the account; the defaults are a correctly configured account. */
  account?: AccountGiven;
  referBeforeAnswer?: 'refused' | 'allowed';
  dedupeMs?: number;
  webhookTimeoutMs?: number;
  /** Pauses before the second and later delivery attempts. */
  webhookRetryMs?: number[];
  /** Maximum number of webhooks in flight. */
  connections?: number;
  onActivity?: (activity: Activity) => void;
}

/** What happens, as it happens, for a demo to show. */
export type Activity =
  | { kind: 'event'; call: CallBook; leg: number; type: string }
  | { kind: 'request'; call: CallBook | null; leg: number; request: BookedRequest }
  | { kind: 'ended'; call: CallBook };

export interface PlacedCall {
  readonly number: number;
  readonly callControlId: string;
  readonly callSessionId: string;
  /** A live object, which changes as the call continues. */
  readonly book: CallBook;
  /** Resolves when the caller's leg has ended. */
  readonly ended: Promise<CallBook>;
  /** Makes the caller hang up now. */
  hangUp(): void;
}

export interface Simulator {
  start(): Promise<{ apiUrl: string; publicKey: string }>;
  readonly apiKey: string;
  readonly seed: number;
  readonly publicKey: string;
  setWebhookUrl(url: string | string[]): void;
  placeCall(script?: CallScript): PlacedCall;
  /** The records of all calls, in the order in which they were placed. */
  books(): CallBook[];
  /** Requests for calls that do not exist here. */
  strayRequests(): BookedRequest[];
  /** Number of deliveries in flight, held back or waiting for their next attempt. */
  unfinishedDeliveries(): number;
  /** A live object: tests may change it, and the API does. */
  readonly account: Account;
  /** Every POST and PATCH to the account. */
  accountWrites(): readonly AccountWrite[];
  stop(): Promise<void>;
}

/**
 * Telnyx's general webhook page names 2,000 ms; the number of attempts and their spacing are not
 * published.
 */
const WEBHOOK_TIMEOUT_MS = 2_000;
const WEBHOOK_RETRY_MS = [500, 1_000, 2_000, 4_000, 8_000];
const DEDUPE_MS = 60_000;
const CONNECTIONS = 64;

/** Wiring: the parts reach each other only through the options that they are given here. */
export function createSimulator(options: SimulatorOptions = {}): Simulator {
  const seed = options.seed ?? randomInt(2 ** 31);
  const apiKey = options.apiKey ?? 'KEY_simulator';
  const key = createSigningKey(seed);
  const clock = createClock(options.timeScale ?? 1);
  const urls = webhookUrls(options.webhookUrl ?? []);
  const waiting = new Map<PlacedLegs, (book: CallBook) => void>();
  const tell = options.onActivity ?? (() => {});
  const account = createAccount(options.account);
  const deliveries = createDeliveryLog();
  /** URLs by application, for those whose URL was set through the API. */
  const ownUrls = new Map<string, string[]>();
  let api: Api | null = null;

  const delivery = createDelivery({
    urls,
    urlsOf: (connectionId) => ownUrls.get(connectionId) ?? null,
    spread: options.spread ?? 'one',
    key,
    clock,
    seed,
    timeoutMs: options.webhookTimeoutMs ?? WEBHOOK_TIMEOUT_MS,
    retryMs: options.webhookRetryMs ?? WEBHOOK_RETRY_MS,
    connections: options.connections ?? CONNECTIONS,
    onAttempt: (event, attempt) => deliveries.attempted(event, attempt),
    onDelivered(event) {
      const call = board.calls()[event.callNumber - 1];
      if (call?.caller.callControlId === event.booked.leg) call.book.heardOf = true;
    },
  });

  const board = createSwitchboard({
    seed,
    salt: options.salt ?? String(seed),
    rates: ratesOf(options.faults ?? 'none'),
    clock,
    delivery,
    connectionOf(to) {
      const id = account.numbers.find((number) => number.phone_number === to)?.connection_id;
      return account.applications.some((application) => application.id === id)
        ? (id ?? null)
        : null;
    },
    costInWebhooks: (connectionId) =>
      account.applications.some((one) => one.id === connectionId && one.call_cost_in_webhooks),
    onEvent: (leg, type) => tell({ kind: 'event', call: leg.call.book, leg: leg.index, type }),
    onChange(call) {
      if (call.caller.endedAt === null) return;
      const resolve = waiting.get(call);
      if (resolve === undefined) return;
      waiting.delete(call);
      resolve(call.book);
      tell({ kind: 'ended', call: call.book });
    },
  });

  const accountEndpoints = createAccountEndpoints({
    account,
    publicKey: key.publicKey,
    deliveries,
    calls: board.calls,
    living: board.living,
    webhookUrl: () => urls[0] ?? null,
    onUrl({ id, webhook_event_url: url, webhook_event_failover_url: failover }) {
      ownUrls.set(
        id,
        [url, failover].filter((one) => one !== null),
      );
    },
    dial: (body) => dial(board, account, body),
    pause: (ms) => new Promise((resolve) => void clock.afterReal(ms, resolve)),
  });

  async function start(): Promise<{ apiUrl: string; publicKey: string }> {
    api = createApi({
      apiKey,
      board,
      account: accountEndpoints,
      rules: {
        dedupeMs: options.dedupeMs ?? DEDUPE_MS,
        referBeforeAnswer: options.referBeforeAnswer ?? 'refused',
      },
      rateLimit: options.rateLimit ?? null,
      onRequest: (leg, request) =>
        tell({ kind: 'request', call: leg?.call.book ?? null, leg: leg?.index ?? 0, request }),
    });
    api.server.listen(options.port ?? 0, '127.0.0.1');
    await once(api.server, 'listening');
    const { port } = api.server.address() as AddressInfo;
    return { apiUrl: `http://127.0.0.1:${port}/v2`, publicKey: key.publicKey };
  }

  function placeCall(script: CallScript = {}): PlacedCall {
    if (urls.length === 0 && ownUrls.size === 0)
      throw new TypeError('simulator: no webhookUrl, nowhere to send events to');
    const call = board.place(script);
    const ended = new Promise<CallBook>((resolve) => waiting.set(call, resolve));
    return {
      number: call.number,
      callControlId: call.caller.callControlId,
      callSessionId: call.sessionId,
      book: call.book,
      ended,
      hangUp: () => board.callerHangsUp(call),
    };
  }

  async function stop(): Promise<void> {
    clock.stop();
    for (const { book } of board.calls()) {
      for (const webhook of book.webhooks) {
        if (webhook.outcome === 'pending') webhook.outcome = 'unfinished';
      }
    }
    await delivery.close();
    if (api === null) return;
    const closed = once(api.server, 'close');
    api.server.close();
    api.server.closeAllConnections();
    await closed;
    api = null;
  }

  return {
    start,
    apiKey,
    seed,
    publicKey: key.publicKey,
    setWebhookUrl: (url) => void urls.splice(0, urls.length, ...webhookUrls(url)),
    placeCall,
    books: () => board.calls().map((call) => call.book),
    strayRequests: () => api?.strayRequests ?? [],
    unfinishedDeliveries: () => delivery.unfinished(),
    account,
    accountWrites: () => accountEndpoints.writes,
    stop,
  };
}
