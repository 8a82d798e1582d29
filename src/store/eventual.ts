/**
 * A store that is not there yet: until it could be opened every call of it fails as unavailable, so
 * webhooks get 503 and the health endpoints can say why. Opening is tried again until it succeeds.
 */
import { StoreUnavailable } from '../errors.ts';
import type { Store } from './store.ts';

const REOPEN_EVERY_MS = 1_000;

export interface EventualStore {
  store: Store;
  /** Resolves when it is open; never rejects. */
  opened: Promise<void>;
  /** Gives up opening, closes what is open. */
  close(): Promise<void>;
}

export function openEventually(
  kind: Store['kind'],
  open: () => Promise<Store>,
  onFailure: (error: unknown) => void,
  everyMs: number = REOPEN_EVERY_MS,
): EventualStore {
  let real: Store | null = null;
  let failure: unknown = null;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let wake: () => void = () => {};
  const opened = tryOpening();

  const store = new Proxy({ kind } as Store, {
    get(target, name) {
      if (name === 'kind') return target.kind;
      if (real !== null) {
        const member = Reflect.get(real, name, real);
        return typeof member === 'function' ? member.bind(real) : member;
      }
      if (name === 'then') return undefined;
      return () => Promise.reject(notYet());
    },
  });

  return {
    store,
    opened,
    async close() {
      closed = true;
      clearTimeout(timer);
      wake();
      await opened;
      await real?.close();
    },
  };

  async function tryOpening(): Promise<void> {
    while (!closed && real === null) {
      try {
        real = await open();
      } catch (error) {
        failure = error;
        onFailure(error);
        await new Promise<void>((resolve) => {
          wake = resolve;
          timer = setTimeout(resolve, everyMs);
        });
      }
    }
  }

  function notYet(): StoreUnavailable {
    if (failure instanceof StoreUnavailable) return failure;
    if (failure === null) return new StoreUnavailable('is being opened');
    return new StoreUnavailable('cannot be opened; the log says why', {
      said: failure instanceof Error ? failure.message : String(failure),
      cause: failure,
    });
  }
}
