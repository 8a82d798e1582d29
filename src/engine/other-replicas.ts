/**
 * The replicas, as their heartbeats show them. Heartbeats have the store's time, and are compared
 * with nothing else: our own clock may be wrong.
 */
import type { Replica } from '../store/contract/settings.ts';
import type { Store } from '../store/store.ts';

/** A heartbeat comes every 5 s; a replica without one for this long has stopped. */
const LIVES_MS = 20_000;

export async function replicasSeen(
  store: Pick<Store, 'replicas' | 'due'>,
): Promise<(Replica & { gone: boolean })[]> {
  const { now } = await store.due(1);
  const replicas = await store.replicas();
  return replicas.map((replica) => ({ ...replica, gone: now - replica.seenAt >= LIVES_MS }));
}

/** `but`: our own name. */
export async function livingReplicas(
  store: Pick<Store, 'replicas' | 'due'>,
  but: string | undefined,
): Promise<Replica[]> {
  return (await replicasSeen(store)).filter(({ id, gone }) => id !== but && !gone);
}

/**
 * Whether a replica that had been running for `longerThanMs` has shown since this time that it is
 * still there.
 */
export async function othersServe(
  store: Pick<Store, 'replicas'>,
  but: string,
  { since, longerThanMs }: { since: number; longerThanMs: number },
): Promise<boolean> {
  const replicas = await store.replicas();
  return replicas.some(({ id, startedAt, seenAt }) => {
    return id !== but && seenAt > since && seenAt - startedAt > longerThanMs;
  });
}
