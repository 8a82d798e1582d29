/**
 * Events that wait for their commit. One batch is processed at a time; events that arrive meanwhile
 * form the next batch.
 */
import type { CallEvent } from '../../core/machine/event.ts';
import { TooBusy } from '../../errors.ts';
import { BriefMap } from '../../store/brief-map.ts';
import type { Settlement } from '../../store/contract/calls.ts';
import type { Received } from '../engine.ts';
import { deliveryKey } from './timeline.ts';

const BATCH_EVENTS_MAX = 256;
/** Webhooks are refused while as many events as this are waiting: about a second of work. */
const WAITING_EVENTS_MAX = 4_096;

export interface QueuedEvent {
  event: CallEvent;
  settle: Settlement | null;
  /** How often another replica changed the call before our commit. */
  lostRaces: number;
  resolve(received: Received): void;
  reject(error: unknown): void;
}

export interface EventQueue {
  /** Resolves or rejects when the event has been processed. */
  add(event: CallEvent, settle: Settlement | null): Promise<Received>;
  /** Called by `process` only: these are processed again before any newer event. */
  putBack(events: QueuedEvent[]): void;
  /** Resolves when nothing is waiting any more. */
  drained(): Promise<void>;
}

export interface EventQueueOptions {
  /** Resolves or rejects each event, or puts it back. Never rejects itself. */
  process(events: QueuedEvent[]): Promise<void>;
  waitingMax?: number | undefined;
}

export function createEventQueue(options: EventQueueOptions): EventQueue {
  const waitingMax = options.waitingMax ?? WAITING_EVENTS_MAX;
  let waiting: QueuedEvent[] = [];
  /** First deliveries in flight. A second delivery waits for the first one's commit. */
  const inFlight = new BriefMap<string, Promise<Received>>();
  let running: Promise<void> | null = null;

  return {
    add(event, settle) {
      const key = deliveryKey(event);
      const first = inFlight.get(key);
      if (first !== undefined) return first.then(asDuplicate);
      if (waiting.length >= waitingMax && event.source === 'webhook') {
        return Promise.reject(new TooBusy(`${waiting.length} events wait for the store already`));
      }
      const received = new Promise<Received>((resolve, reject) => {
        waiting.push({ event, settle, lostRaces: 0, resolve, reject });
      });
      start();
      inFlight.set(key, received);
      const forget = () => inFlight.delete(key);
      received.then(forget, forget);
      return received;
    },
    putBack(events) {
      waiting = [...events, ...waiting];
    },
    async drained() {
      if (waiting.length > 0) start();
      while (running !== null) await running;
    },
  };

  function start(): void {
    // Not in this tick, so that events of the same packet share a batch.
    running ??= new Promise<void>((done) => setImmediate(() => done(run())));
  }

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      const events = waiting.slice(0, BATCH_EVENTS_MAX);
      waiting = waiting.slice(BATCH_EVENTS_MAX);
      await options.process(events);
    }
    running = null;
  }
}

function asDuplicate(first: Received): Received {
  return first.result === 'committed' ? { result: 'duplicate' } : first;
}
