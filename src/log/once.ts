/** Logs a lasting problem once when it begins and once when it ends, not once per request. */

import type { LogEventName } from './events.ts';
import type { Log, LogFields } from './log.ts';

export interface Once {
  failed(error: unknown): void;
  worked(): void;
}

/** The end is logged too. `fields`: what fails, for its lines. */
export function onceUntilRecovered(log: Log, event: LogEventName, fields?: LogFields): Once {
  const { failed, worked } = onceInARow(log, event, fields);
  return {
    failed,
    worked() {
      if (worked()) log.emit('store.recovered', { after: event });
    },
  };
}

/** A different message is logged; the same one again is not. `worked`: whether it had failed. */
export function onceInARow(
  log: Log,
  event: LogEventName,
  fields?: LogFields,
): Pick<Once, 'failed'> & { worked(): boolean } {
  let said: string | null = null;
  return {
    failed(error) {
      const message = error instanceof Error ? error.message : String(error);
      if (message === said) log.lasts?.(event, { ...fields, err: error });
      else log.emit(event, { ...fields, err: error });
      said = message;
    },
    worked() {
      const had = said !== null;
      said = null;
      return had;
    },
  };
}

/** The same for several kinds of problems, each with its own beginning and end. */
export function onceForEach(make: (kind: string) => Once): (kind: string) => Once {
  const known = new Map<string, Once>();
  return (kind) => {
    const once = known.get(kind) ?? make(kind);
    known.set(kind, once);
    return once;
  };
}
