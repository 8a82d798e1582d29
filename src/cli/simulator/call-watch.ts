/**
 * Watches calls placed at the simulator until each has ended, or until it is clear that no command
 * comes.
 */
import { counted } from '../../core/counted.ts';
import type { BookedWebhook, CallBook } from '../../simulator/books.ts';
import type { Activity, PlacedCall, Simulator } from '../../simulator/simulator.ts';

export interface CallWatch {
  heard(activity: Activity): void;
  add(call: PlacedCall): void;
  calls(): PlacedCall[];
  /**
   * Waits until every call has ended with its webhooks delivered, or has been given up. Resolves
   * with the number given up.
   */
  playOut(simulator: Simulator, signal: AbortSignal): Promise<number>;
  stop(): void;
}

/** How many times `waitMs` a live call may be silent: as long as its patience, 120 s by default. */
const SILENT_TIMES = 10;
const LOOK_EVERY_MS = 50;
/** Time for events after the hangup: late final events, delayed copies, retries. */
const TAIL_MS = 500;

/**
 * `waitMs`: how long to wait for the first command of a call; later ones may take ten times as
 * long.
 */
export function watchCalls(waitMs: number, tell: (problem: string) => void): CallWatch {
  const calls: PlacedCall[] = [];
  const heardAt = new Map<number, number>();
  const givenUp = new Set<PlacedCall>();

  const timer = setInterval(look, LOOK_EVERY_MS).unref();

  function look(): void {
    for (const call of calls) {
      if (call.book.endedAt !== null || givenUp.has(call)) continue;
      const silentMs = performance.now() - (heardAt.get(call.number) ?? 0);
      const why = whyNoCommand(call.book, silentMs, waitMs);
      if (why === null) continue;
      givenUp.add(call);
      tell(`#${call.number} ${why}`);
      call.hangUp();
    }
  }

  return {
    heard({ call }) {
      if (call !== null) heardAt.set(call.number, performance.now());
    },
    add(call) {
      calls.push(call);
      heardAt.set(call.number, performance.now());
    },
    calls: () => calls,
    async playOut(simulator, signal) {
      const wait = () => new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      while (!signal.aborted && calls.some(({ book }) => book.endedAt === null)) await wait();
      // Does not wait for the hangup of calls that were given up, because the server probably does
      // not accept it either.
      const graceUntil = performance.now() + (givenUp.size > 0 ? 0 : TAIL_MS);
      const tail = () =>
        performance.now() < graceUntil ||
        (givenUp.size === 0 && simulator.unfinishedDeliveries() > 0);
      while (!signal.aborted && tail()) await wait();
      return givenUp.size;
    },
    stop: () => clearInterval(timer),
  };
}

function whyNoCommand(book: CallBook, silentMs: number, waitMs: number): string | null {
  const own = book.webhooks.filter(({ leg }) => leg === book.callControlId);
  const failed = own.findLast(({ outcome }) => outcome === 'given_up');
  if (failed !== undefined && (!book.heardOf || cannotBeReached(failed))) {
    return `${failed.type} was not accepted: ${failureOf(failed)}. Is the server running, and is --webhook-url its address?`;
  }
  const seconds = Math.round(silentMs / 1_000);
  if (book.requests.length > 0) {
    return silentMs < waitMs * SILENT_TIMES
      ? null
      : `no command and no event for ${seconds} s, so the call is given up`;
  }
  if (silentMs < waitMs) return null;
  const pending = own.find(({ outcome }) => outcome === 'pending');
  if (pending !== undefined) {
    return `${pending.type} was not accepted within ${seconds} s: ${failureOf(pending)}. Is the server running, and is --webhook-url its address?`;
  }
  return book.heardOf
    ? `the webhooks were answered 200, but no command arrived within ${seconds} s: the routes ignore this call, or the server's TELNYX_API_URL is not this simulator`
    : `no command arrived within ${seconds} s: a fault lost the call's webhooks`;
}

function cannotBeReached({ deliveries }: BookedWebhook): boolean {
  return deliveries.at(-1)?.status === 0;
}

function failureOf({ deliveries }: BookedWebhook): string {
  const last = deliveries.at(-1);
  if (last === undefined) return 'no answer yet';
  const what = last.status === 0 ? (last.error ?? 'no answer') : `it was answered ${last.status}`;
  return `${what} (${last.url}, ${counted(deliveries.length, 'try', 'tries')})`;
}
