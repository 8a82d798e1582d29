/** Combines observers into one that never throws, because what it reports is already committed. */
import type { Log } from '../log/log.ts';
import { onceForEach, onceUntilRecovered } from '../log/once.ts';
import type { Observer } from './engine.ts';

/**
 * Calls each observer that has the method; the names are for the log. One that throws is logged,
 * and the others are still called.
 */
export function combineObservers(log: Log, named: Record<string, Partial<Observer>>): Observer {
  // Logged again only when it fails with another message: a broken observer fails with every event.
  const failures = onceForEach(() => onceUntilRecovered(log, 'observer.failed'));
  const tellAll = (tell: (observer: Partial<Observer>) => void): void => {
    for (const [name, observer] of Object.entries(named)) {
      try {
        tell(observer);
      } catch (error) {
        reportFailure(name, error);
      }
    }
  };
  const reportFailure = (name: string, error: unknown): void => {
    try {
      failures(name).failed(error, { observer: name });
    } catch {
      // The log itself is broken. A caller is waiting for what comes after the observers.
    }
  };
  return {
    committed: (...committed) => tellAll((each) => each.committed?.(...committed)),
    duplicate: (event) => tellAll((each) => each.duplicate?.(event)),
    deadLetter: (...deadLetter) => tellAll((each) => each.deadLetter?.(...deadLetter)),
    batch: (...batch) => tellAll((each) => each.batch?.(...batch)),
    counted: (final) => tellAll((each) => each.counted?.(final)),
  };
}
