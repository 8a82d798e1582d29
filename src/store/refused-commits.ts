/**
 * Whether the store refuses what webhooks and deadlines write. A ping cannot know: it writes over
 * one row, for which there is room on a full disk, and which another table's rights, lock or quota
 * does not concern.
 */
import { StoreUnavailable } from '../errors.ts';
import type { Store } from './store.ts';

/** Commits refused for this long, with none that succeeded between, are no passing conflict. */
const REFUSED_MS = 2_000;
/**
 * A refusal counts for this long. Where a load balancer sends nothing to a server that is not
 * ready, only its next webhook shows whether the store works again.
 */
const COUNTS_MS = 10_000;

export interface WatchedCommits<S> {
  /** The same store. */
  store: S;
  /** Why the last commits were refused; null if one has succeeded since, or none was tried. */
  refusal(): StoreUnavailable | null;
  /** The whole store was away and is back: what was refused meanwhile says nothing any more. */
  forget(): void;
}

/** `now`: a clock in milliseconds that is never set back. */
export function watchCommits<S extends Pick<Store, 'commit'>>(
  store: S,
  now: () => number = () => performance.now(),
): WatchedCommits<S> {
  let refused: { first: number; last: number; error: StoreUnavailable } | null = null;
  return {
    store: {
      ...store,
      async commit(units, claim) {
        try {
          const committed = await store.commit(units, claim);
          refused = null;
          return committed;
        } catch (error) {
          if (error instanceof StoreUnavailable) {
            refused = { first: refused?.first ?? now(), last: now(), error };
          }
          throw error;
        }
      },
    },
    refusal() {
      if (refused === null || refused.last - refused.first < REFUSED_MS) return null;
      return now() - refused.last < COUNTS_MS ? refused.error : null;
    },
    forget() {
      refused = null;
    },
  };
}
