/**
 * An older version of the routes that an operator went back to: it is live in every replica,
 * instead of what the folder holds, until the next reload.
 */
import type { Trouble } from '../../log/troubles.ts';
import { shortHash } from '../../routing/files/content-hash.ts';
import type { Reload, Routes } from '../../routing/reload.ts';
import type { Store } from '../../store/store.ts';
import { livingReplicas } from '../other-replicas.ts';
import { readVersion } from './kept-files.ts';

/** A kept version is live, and the folder holds another set. */
export interface Activated {
  hash: string;
  who: string;
  at: number;
  /** Hash of the folder's set. */
  folder: string;
}

export type ActivationResult =
  | Reload
  | { ok: false; why: 'no_such_version' }
  | { ok: false; why: 'incomplete'; missing: { name: string; bytes: number }[] };

export interface Activation {
  /** Null while the folder's set is live. */
  inForce(): Activated | null;
  /** In this replica alone. */
  activate(hash: string, by: { who: string; at: number }): Promise<ActivationResult>;
  /** Whether a live replica runs it instead of the folder that this one has just read. */
  isRunByOthers(activated: Activated, instance: string): Promise<boolean>;
  troubles(): Trouble[];
}

export function createActivation(routes: Routes, store: Store): Activation {
  let last: Omit<Activated, 'folder'> | null = null;
  return {
    inForce,
    async activate(hash, { who, at }) {
      const version = await store.routeVersion(hash);
      if (version === null) return { ok: false, why: 'no_such_version' };
      const read = await readVersion(store, version);
      if ('missing' in read) return { ok: false, why: 'incomplete', missing: read.missing };
      const result = await routes.activate(read.files);
      if (!result.ok) return result;
      last = { hash, who, at };
      // They are in the store already.
      routes.takeFiles();
      return result;
    },
    async isRunByOthers({ hash, folder }, instance) {
      if (folder !== routes.folderHash()) return false;
      const others = await livingReplicas(store, instance);
      return others.some(({ routeSet }) => routeSet === hash);
    },
    troubles() {
      const activated = inForce();
      return activated === null ? [] : [troubleOf(activated)];
    },
  };

  function inForce(): Activated | null {
    const folder = routes.folderHash() ?? '';
    const { hash } = routes.current().set;
    if (hash === folder || last?.hash !== hash) return null;
    return { ...last, folder };
  }
}

function troubleOf({ hash, who, at, folder }: Activated): Trouble {
  return {
    kind: 'routes.activated',
    severity: 'error',
    title: `An older version of the call routes is live: ${shortHash(hash)}, not what the folder holds`,
    detail: `${who} went back to it; the folder holds ${shortHash(folder)}. It lasts until a reload or a restart.`,
    fix: 'Put the routes that should be live into the folder, then reload.',
    count: 1,
    firstAt: at,
    lastAt: null,
    target: null,
  };
}
