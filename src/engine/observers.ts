/**
 * What is called after a commit must not throw: the event is stored, and a caller is waiting for
 * what comes next. So whatever throws here is logged, and the engine goes on.
 */
import type { Log } from '../log/log.ts';
import { onceForEach, onceUntilRecovered } from '../log/once.ts';
import type { Observer, Outlet } from './engine.ts';
import type { CommandObserver } from './sending/sender.ts';

/** For a receiver that nobody watches. */
export const NO_OBSERVER: Observer = {
  committed() {},
  duplicate() {},
  deadLetter() {},
  batch() {},
  counted() {},
};

/** For a receiver whose commands another process sends. */
export const NO_OUTLET: Outlet = { freeSlots: () => 0, offer() {}, wake() {}, cancel() {} };

/**
 * Calls each observer that has the method; the names are for the log. One that throws is logged,
 * and the others are still called.
 */
export function combineObservers(log: Log, named: Record<string, Partial<Observer>>): Observer {
  const guarded = createGuard(log);
  const tellAll = (tell: (observer: Partial<Observer>) => void): void => {
    for (const [name, observer] of Object.entries(named)) guarded(name, () => tell(observer));
  };
  return {
    committed: (...committed) => tellAll((each) => each.committed?.(...committed)),
    duplicate: (event) => tellAll((each) => each.duplicate?.(event)),
    deadLetter: (...deadLetter) => tellAll((each) => each.deadLetter?.(...deadLetter)),
    batch: (...batch) => tellAll((each) => each.batch?.(...batch)),
    counted: (final) => tellAll((each) => each.counted?.(final)),
  };
}

/**
 * The same for the dispatcher. Commands that it could not be given are in the store, and the outbox
 * claims them once their lease has expired. Without free slots they are stored unclaimed.
 */
export function guardOutlet(log: Log, outlet: Outlet): Outlet {
  const guarded = createGuard(log);
  return {
    freeSlots: () => guarded('dispatcher', outlet.freeSlots) ?? 0,
    offer: (...offered) => guarded('dispatcher', () => outlet.offer(...offered)),
    wake: () => guarded('dispatcher', outlet.wake),
    cancel: (ids) => guarded('dispatcher', () => outlet.cancel(ids)),
  };
}

/**
 * The same for what the dispatcher reports: a request was made, and its outcome must be recorded
 * whatever the log and the metrics do.
 */
export function guardCommands(
  log: Log,
  observer: CommandObserver | undefined,
): { log: Log; observer: CommandObserver } {
  const guarded = createGuard(log);
  const tell = (work: () => void) => guarded('commands', work);
  return {
    log: {
      emit: (...line) => tell(() => log.emit(...line)),
      lasts: (...line) => tell(() => log.lasts?.(...line)),
      shows: (event) => log.shows?.(event) ?? true,
    },
    observer: {
      command: (...outcome) => tell(() => observer?.command(...outcome)),
      retry: (action) => tell(() => observer?.retry?.(action)),
      waited: (...waited) => tell(() => observer?.waited?.(...waited)),
    },
  };
}

/** Returns what the function returns; undefined if it threw, which is logged. */
function createGuard(log: Log) {
  // Logged again only when it fails with another message: what is broken fails with every event.
  const failures = onceForEach((observer) =>
    onceUntilRecovered(log, 'observer.failed', { observer }),
  );
  return <T>(observer: string, tell: () => T): T | undefined => {
    try {
      return tell();
    } catch (error) {
      try {
        failures(observer).failed(error);
      } catch {
        // The log itself is broken.
      }
      return undefined;
    }
  };
}
