/**
 * How replicas pass a reload on to each other: the setting `reload`, whose version grows with each
 * request.
 */
import type { Store } from '../store/store.ts';

/** The last reload, or a version that is live instead. */
export interface AskedReload {
  hash: string;
  /** Null: each replica reads its own folder. */
  activated: { who: string; at: number; folder: string } | null;
}

export interface AskedReloads {
  /** Asks the other replicas for the same. */
  passOn(asked: AskedReload): Promise<void>;
  /** What another replica has asked for since the last check; null: nothing. */
  look(): Promise<AskedReload | null>;
  /** What any replica asked for last; this counts as a check. */
  last(): Promise<AskedReload | null>;
}

export function createAskedReloads(store: Pick<Store, 'setting' | 'changeSetting'>): AskedReloads {
  let seen: number | null = null;
  /** Versions that this replica wrote; it has already done these reloads. */
  const own = new Set<number>();
  return {
    async passOn(asked) {
      own.add(await store.changeSetting('reload', () => asked));
    },
    async look() {
      const before = seen;
      const { version, asked } = await read();
      // Reading the folder at the start covers everything that was asked for before the first
      // check.
      if (before === null || version === before) return null;
      let others = version < before;
      for (let each = before + 1; each <= version; each += 1) {
        if (!own.delete(each)) others = true;
      }
      return others ? asked : null;
    },
    last: async () => (await read()).asked,
  };

  async function read(): Promise<{ version: number; asked: AskedReload | null }> {
    const { version, value } = await store.setting('reload');
    seen = version;
    const { hash, activated = null } = (value ?? {}) as Partial<AskedReload>;
    return { version, asked: hash === undefined ? null : { hash, activated } };
  }
}
