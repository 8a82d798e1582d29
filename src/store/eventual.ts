/**
 * A store that may not be open yet: until it is, every call is rejected as unavailable, so webhooks
 * get 503 and the health endpoints can say why. Opening is tried again until it succeeds.
 */
import { StoreUnavailable } from '../errors.ts';
import type { Store } from './store.ts';

const REOPEN_EVERY_MS = 1_000;

export interface EventualStore {
  store: Store;
  /** Resolves when it is open; never rejects. */
  opened: Promise<void>;
  /** Stops trying to open, and closes the store if it is open. */
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

  const store: Store = {
    kind,
    load: async (keys) => theStore().load(keys),
    commit: async (units, claim) => theStore().commit(units, claim),
    takeUncounted: async (limit) => theStore().takeUncounted(limit),
    claim: async (claim, limit) => theStore().claim(claim, limit),
    stillToSend: async (owner, commandIds) => theStore().stillToSend(owner, commandIds),
    releaseLeases: async (owner) => theStore().releaseLeases(owner),
    due: async (limit) => theStore().due(limit),
    find: async (callId) => theStore().find(callId),
    timeline: async (callId) => theStore().timeline(callId),
    recordings: async (callIds) => theStore().recordings(callIds),
    list: async (filter) => theStore().list(filter),
    activity: async (since, callsMax) => theStore().activity(since, callsMax),
    changes: async (after, limit) => theStore().changes(after, limit),
    outbox: async () => theStore().outbox(),
    deadLetter: async (event, error, command) => theStore().deadLetter(event, error, command),
    deadLetters: async (limit, before) => theStore().deadLetters(limit, before),
    findDeadLetter: async (id) => theStore().findDeadLetter(id),
    dropDeadLetter: async (id) => theStore().dropDeadLetter(id),
    outboxCommands: async (limit) => theStore().outboxCommands(limit),
    addAudit: async (entry) => theStore().addAudit(entry),
    endAudit: async (id, came) => theStore().endAudit(id, came),
    audit: async (filter) => theStore().audit(filter),
    pruneAudit: async (before, limit) => theStore().pruneAudit(before, limit),
    setting: async (name) => theStore().setting(name),
    changeSetting: async (name, change) => theStore().changeSetting(name, change),
    heartbeat: async (replica) => theStore().heartbeat(replica),
    replicas: async () => theStore().replicas(),
    provenNow: async () => theStore().provenNow(),
    prune: async (before, limit) => theStore().prune(before, limit),
    keepRoutePart: async (key, part, content) => theStore().keepRoutePart(key, part, content),
    keepRouteVersion: async (version, left) => theStore().keepRouteVersion(version, left),
    endRouteVersions: async (role) => theStore().endRouteVersions(role),
    routeVersions: async (limit) => theStore().routeVersions(limit),
    routeVersion: async (hash) => theStore().routeVersion(hash),
    routeFile: async (key) => theStore().routeFile(key),
    pruneRouteVersions: async (before, keep) => theStore().pruneRouteVersions(before, keep),
    fold: async (limit) => theStore().fold(limit),
    sums: async (from, to) => theStore().sums(from, to),
    pruneSums: async (before, limit) => theStore().pruneSums(before, limit),
    ping: async () => theStore().ping(),
    close: async () => theStore().close(),
  };

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

  function theStore(): Store {
    if (real === null) throw notYet();
    return real;
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
