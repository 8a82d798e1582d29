/**
 * An SQLite store is for one server. Notices another one on the same file: nothing fails then, but
 * the two know nothing of each other.
 */
import type { Log } from '../log/log.ts';
import type { Store } from '../store/store.ts';
import { livingReplicas } from './other-replicas.ts';

export interface SharedFile {
  /** To be called after each heartbeat of ours. */
  look(): Promise<void>;
  /** In sentences, as long as another server shows that it is there. */
  warnings(): string[];
}

const SHARED =
  'Another server uses the same SQLite file. Whenever one starts, it sends again what the other is just sending, and their writes wait for each other. Stop one of them; for several replicas use PostgreSQL.';

interface SharedFileOptions {
  store: Pick<Store, 'kind' | 'replicas' | 'due'>;
  /** Our own name. */
  instance: string;
  log: Log;
}

export function watchSharedFile({ store, instance, log }: SharedFileOptions): SharedFile {
  /** The last heartbeats before our first look. One that was killed a moment ago has no newer. */
  let before: Map<string, number> | null = null;
  let shared = false;
  return {
    async look() {
      if (store.kind !== 'sqlite') return;
      const living = await livingReplicas(store, instance);
      const seen = before ?? new Map(living.map(({ id, seenAt }) => [id, seenAt]));
      before = seen;
      const found = living.some(({ id, seenAt }) => seen.get(id) !== seenAt);
      if (found && !shared) log.emit('store.shared');
      shared = found;
    },
    warnings: () => (shared ? [SHARED] : []),
  };
}
