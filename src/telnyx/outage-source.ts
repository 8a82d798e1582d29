/** What Telnyx knows about an outage of ours: failed deliveries, and which legs are live. */
import type { Reading } from '../core/account/account.ts';
import type { Outcome, TelnyxCommand } from '../core/machine/command.ts';
import type { LiveLeg } from '../core/recovery.ts';
import { RefereeError } from '../errors.ts';
import { type Asking, PAGE_SIZE_MAX, type Query } from './account/asking.ts';
import { deliveryQuery } from './account/deliveries.ts';
import { readActiveCalls } from './active-calls.ts';
import { asObject, type Fields } from './fields.ts';
import { CALL_EVENT_TYPES, type MissedPage, readMissed } from './missed-webhooks.ts';
import { nextPage } from './pages.ts';
import { pathSegment } from './request.ts';

export interface OutageSource {
  /** Yields page by page; `since` is in milliseconds since the epoch, by our clock. */
  failedDeliveries(since: number): AsyncIterable<MissedPage>;
  /** Ids of the account's Call Control Applications. */
  connections(): Promise<string[]>;
  activeCalls(connectionId: string): Promise<LiveLeg[]>;
  /** Null if Telnyx did not say. */
  isAlive(callId: string): Promise<boolean | null>;
}

/** Telnyx gave no answer, or an unreadable one: the recovery is tried again later. */
export class NotToldByTelnyx extends RefereeError {
  /** Telnyx does not know what was asked for (404). */
  readonly missing: boolean;

  constructor(message: string, missing = false) {
    super('NOT_TOLD_BY_TELNYX', message);
    this.missing = missing;
  }
}

const DELIVERIES = '/webhook_deliveries';
/** Small, because a page holds the request and answer of every attempt and is parsed in one go. */
const DELIVERIES_PAGE = '50';
const PAGES_MAX = 1_000;
/** A smaller difference between Telnyx's clock and ours is the time that its answer took. */
const CLOCKS_AGREE_MS = 10_000;

export function createOutageSource(
  asking: Pick<Asking, 'get' | 'clockOffMs'>,
  send: (command: TelnyxCommand) => Promise<Outcome>,
  signal: AbortSignal,
): OutageSource {
  return {
    async *failedDeliveries(since) {
      const asked = byItsClock(since);
      for await (const body of deliveriesFrom(asked)) {
        // Each answer says what Telnyx's clock is. If ours is ahead, that was the wrong time.
        if (byItsClock(since) < asked - CLOCKS_AGREE_MS) break;
        yield readMissedOf(body);
      }
      const right = byItsClock(since);
      if (right >= asked - CLOCKS_AGREE_MS) return;
      for await (const body of deliveriesFrom(right)) yield readMissedOf(body);
    },

    async connections() {
      const path = '/call_control_applications';
      const ids: string[] = [];
      for await (const body of pagesOf(path, { 'page[size]': PAGE_SIZE_MAX })) {
        if (!Array.isArray(body.data)) throw unreadable(path);
        for (const entry of body.data) {
          const id = asObject(entry)?.id;
          if (typeof id === 'string') ids.push(id);
        }
      }
      return ids;
    },

    async activeCalls(connectionId) {
      const path = `/connections/${pathSegment(connectionId)}/active_calls`;
      const legs: LiveLeg[] = [];
      for await (const body of pagesOf(path, { 'page[size]': PAGE_SIZE_MAX })) {
        for (const { callControlId, ...leg } of readable(path, readActiveCalls(body))) {
          legs.push({ callId: callControlId, connectionId, ...leg });
        }
      }
      return legs;
    },

    async isAlive(callId) {
      const outcome = await unlessStopped(send(probeOf(callId))).catch(() => null);
      if (outcome?.kind === 'accepted') return outcome.alive;
      if (outcome?.kind === 'rejected') return false;
      // Telnyx forgets a leg ten minutes after it ends.
      const reading = await got(`/calls/${pathSegment(callId)}`, {}).catch(() => null);
      return reading?.end === 'missing' ? false : null;
    },
  };

  /** Only ever earlier: to ask for too long a time does no harm. */
  function byItsClock(at: number): number {
    return at + Math.min(0, asking.clockOffMs() ?? 0);
  }

  function deliveriesFrom(since: number): AsyncGenerator<Fields> {
    const filter = { failed: true, eventTypes: CALL_EVENT_TYPES, startedFrom: since };
    return pagesOf(DELIVERIES, { ...deliveryQuery(filter), 'page[size]': DELIVERIES_PAGE });
  }

  function readMissedOf(body: Fields): MissedPage {
    return readable(DELIVERIES, readMissed(body, Date.now()));
  }

  async function* pagesOf(path: string, first: Query): AsyncGenerator<Fields> {
    const seen = new Set<string>();
    for (let query: Query | null = first; query !== null; ) {
      const key = JSON.stringify(query);
      if (seen.has(key)) throw new NotToldByTelnyx(`${path} gives the same page again and again`);
      if (seen.size === PAGES_MAX)
        throw new NotToldByTelnyx(`${path}: more than ${PAGES_MAX} pages`);
      seen.add(key);
      const reading = await got(path, query);
      if (reading.end !== 'value') {
        const why = `${path}: ${reasonOf(reading)}`;
        throw new NotToldByTelnyx(why, reading.end === 'missing');
      }
      yield reading.value;
      const next = nextPage(reading.value);
      query = next === null ? null : { ...query, ...next };
    }
  }

  function got(path: string, query: Query): Promise<Reading<Fields>> {
    return unlessStopped(asking.get(path, query));
  }

  /** When the process stops, it does not wait for this answer. */
  function unlessStopped<T>(asked: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) reject(signal.reason);
      const stopped = () => reject(signal.reason);
      signal.addEventListener('abort', stopped, { once: true });
      asked.then(resolve, reject).finally(() => signal.removeEventListener('abort', stopped));
    });
  }
}

function probeOf(callId: string): TelnyxCommand {
  return {
    action: 'probe',
    id: `recover:${callId}`,
    callId,
    legId: callId,
    attemptId: null,
    giveUpAt: null,
    clientState: null,
  };
}

function reasonOf(reading: Exclude<Reading<Fields>, { end: 'value' }>): string {
  switch (reading.end) {
    case 'denied':
      return `${reading.why}; TELNYX_API_KEY may not read it`;
    case 'missing':
      return `${reading.why}; look at TELNYX_CONNECTION_IDS and TELNYX_API_URL`;
    case 'unreachable':
      return reading.why;
  }
}

function readable<T>(path: string, page: T | null): T {
  if (page === null) throw unreadable(path);
  return page;
}

function unreadable(path: string): NotToldByTelnyx {
  return new NotToldByTelnyx(`${path} gave an undocumented answer`);
}
