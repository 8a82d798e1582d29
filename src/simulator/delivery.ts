/**
 * Delivers webhooks: decides when each attempt goes where, and retries with a growing pause until
 * the answer is 200. Events of one call are sent in order unless a fault or the script says
 * otherwise; calls never wait for each other.
 */

import { type BookedWebhook, bookDelivery } from './books.ts';
import { chance } from './chance.ts';
import type { WebhookFate } from './faults.ts';
import { createLanes } from './lanes.ts';
import { createWebhookPosts, type WebhookPostsOptions } from './webhook-posts.ts';

interface DeliveryOptions extends WebhookPostsOptions {
  urls: string[];
  /** The webhook URL of a connection and then its failover URL, if it has one; null: `urls`. */
  urlsOf: (connectionId: string) => string[] | null;
  /**
   * one: each event goes to one random URL, and to the next one after a failure; all: each event
   * goes to every URL at once.
   */
  spread: 'one' | 'all';
  seed: number;
  /** Pauses before the second and later attempts; their number is the number of retries. */
  retryMs: number[];
  onDelivered: (event: OutgoingEvent) => void;
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

/** After them the failover URL is used. */
const PRIMARY_ATTEMPTS = 2;

export function createDelivery(options: DeliveryOptions): Delivery {
  const { clock } = options;
  const posts = createWebhookPosts(options);
  const lanes = createLanes(clock);
  let open = 0;

  function send(event: OutgoingEvent): void {
    if (event.fate.lost) {
      event.booked.outcome = 'lost';
      return;
    }
    const own = options.urlsOf(event.connectionId);
    if ((own ?? options.urls).length === 0) {
      event.booked.outcome = 'given_up';
      return;
    }
    const spread = own === null && options.spread === 'all' ? options.urls : [null];
    for (const only of spread) {
      for (const [copy, { delayMs, held }] of event.fate.copies.entries()) {
        open += 1;
        const start = (): void => {
          lanes.start(event.callNumber, () => attempt(event, copy, 1, only));
        };
        if (delayMs > 0) clock.after(delayMs, start);
        else if (held) lanes.hold(event.callNumber, start);
        else start();
      }
    }
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
      options.onDelivered(event);
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

  function urlFor(event: OutgoingEvent, copy: number, number: number): string {
    const own = options.urlsOf(event.connectionId);
    // "Used if the primary URL fails after two consecutive delivery attempts."
    if (own !== null) return (number > PRIMARY_ATTEMPTS ? own[1] : own[0]) ?? own[0] ?? '';
    return ofReplicas(event, copy, number);
  }

  /** The first attempt uses a random URL, later ones the next in turn. */
  function ofReplicas(event: OutgoingEvent, copy: number, number: number): string {
    const { urls } = options;
    const count = urls.length;
    const first =
      count === 1
        ? 0
        : Math.floor(chance(options.seed, event.callNumber, 'url', event.id, copy) * count);
    return urls[(first + number - 1) % count] ?? '';
  }

  return {
    send,
    unfinished: () => open,
    close: posts.close,
  };
}
