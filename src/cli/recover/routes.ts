/** Makes a process that decides beside the servers decide by the same routes as they do. */
import { createActivation } from '../../engine/routes/activation.ts';
import { RefereeError } from '../../errors.ts';
import { shortHash } from '../../routing/files/content-hash.ts';
import type { Routes } from '../../routing/reload.ts';
import type { Replica } from '../../store/contract/settings.ts';
import type { Store } from '../../store/store.ts';

/**
 * The folder may hold other routes than the servers have loaded: an operator went back to a
 * version, or the files were changed and not loaded yet. Rejects if the routes of the servers
 * cannot be had.
 */
export async function useRoutesOf(
  servers: readonly Replica[],
  routes: Routes,
  store: Store,
): Promise<void> {
  const theirs = new Set(servers.flatMap(({ routeSet }) => routeSet ?? []));
  const [hash] = theirs;
  if (hash === undefined || theirs.has(routes.current().set.hash)) return;
  const by = { who: 'referee recover', at: Date.now() };
  const result = await createActivation(routes, store).activate(hash, by);
  if (result.ok) return;
  const why =
    'why' in result
      ? 'the store has not kept all of their files'
      : (result.problems[0]?.message ?? 'they are not valid here');
  throw new RefereeError(
    'OTHER_ROUTES',
    `the servers decide by the routes ${shortHash(hash)}, the folder ${routes.dir} holds others, and ${why}. Nothing was done: reload the routes of the servers, or run this with the folder that they have loaded`,
  );
}
