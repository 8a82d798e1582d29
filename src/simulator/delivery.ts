/**
 * Delivers webhooks: decides when each attempt goes where, and retries with a growing pause until
 * the answer is 200. Events of one call are sent in order unless a fault or the script says
 * otherwise; calls never wait for each other.
 */
import { type BookedWebhook, bookDelivery } from './books.ts';
import { chance } from './chance.ts';
import type { WebhookFate } from './faults.ts';
import { createWebhookPosts, type WebhookPostsOptions } from './webhook-posts.ts';

export interface DeliveryOptions extends WebhookPostsOptions {
  urls: string[];
  /** Other URLs for the events of a connection; null: `urls`. */
  urlsOf: (connectionId: string) => string[] | null;
  /**
   * one: each event goes to one random URL, and to the next one after a failure; all: each event
   * goes to every URL at once.
   */
  spread: 'one' | 'all';
  seed: number;
  /** Pauses before the second and later attempts; their number is the number of retries. */
  retryMs: number[];
  onDelivered: (event: OutgoingEvent, url: string, status: number) => void;
}

export interface OutgoingEvent {
  id: string;
  type: string;
  callNumber: number;
  connectionId: string;
  /** The JSON text of `data`. */
  data: string;
  fate: WebhookFate;
  booked: BookedWebhook;
}

export interface Delivery {
  send(event: OutgoingEvent): void;
  /** Number of unfinished deliveries: in flight, held back, or waiting for their next attempt. */
  unfinished(): number;
  close(): Promise<void>;
}

/** How long an event waits for the previous one at most; a slow service gets them out of order. */
const IN_ORDER_WAIT_MS = 250;
/** A held-back event is sent with the next one of its call, or after this time. */
const HOLD_MS = 400;

interface Lane {
  last: Promise<void>;
  running: number;
  held: Set<() => void>;
}

export function createDelivery(options: DeliveryOptions): Delivery {
  const { clock } = options;
  const posts = createWebhookPosts(options);
  const lanes = new Map<number, Lane>();
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
   * The first attempt waits for that of the previous event; events held back before are sent after
   * it.
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
    const isLost = number === 1 && copy === 0 && event.fate.firstAttemptLost;
    const { status, error } = isLost
      ? posts.lose(url, event)
      : await posts.post(url, event, number);
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

  /**
   * The first attempt uses a random URL, later ones the next in turn, like Telnyx's failover URL.
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
    close: posts.close,
  };
}
