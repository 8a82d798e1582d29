/** Several observers as one that never throws: what they are told of is committed already. */
import type { Log } from '../log/log.ts';
import { onceForEach, onceUntilRecovered } from '../log/once.ts';
import type { Observer } from './engine.ts';

/** Each is told what it wants to know; the names are for the log. One that throws is reported there, and the others are told as well. */
export function combineObservers(log: Log, named: Record<string, Partial<Observer>>): Observer {
  // Until an observer fails with another message: one that is broken fails with every event.
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
      // The log is what is broken. A caller is waiting for what comes after the observers.
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
