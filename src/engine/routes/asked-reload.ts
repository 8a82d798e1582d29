/**
 * How replicas pass a reload on to each other: the setting `reload`, whose version grows with each
 * request.
 */
import { StoreUnavailable } from '../../errors.ts';
import type { Store } from '../../store/store.ts';

/** The last reload, or a version that is live instead. */
export interface AskedReload {
  hash: string;
  /** Null: each replica reads its own folder. */
  activated: { who: string; at: number; folder: string } | null;
}

export interface AskedReloads {
  /** Asks the other replicas for the same. */
  passOn(asked: AskedReload): Promise<void>;
  /**
   * Does what another replica has asked for since the last check. It is done again the next time if
   * it fails because the store is not available: otherwise this replica would go on with other
   * routes than the rest.
   */
  follow(work: (asked: AskedReload) => Promise<void>): Promise<void>;
  /** What any replica asked for last; the first time, this counts as a check. */
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
    async follow(work) {
      const { version, asked } = await read();
      // Reading the folder at the start covers everything that was asked for before the first
      // check.
      const before = seen ?? version;
      let others = version < before;
      for (let each = before + 1; each <= version; each += 1) {
        if (!own.delete(each)) others = true;
      }
      try {
        if (others && asked !== null) await work(asked);
        seen = version;
      } catch (error) {
        seen = error instanceof StoreUnavailable ? before : version;
        throw error;
      }
    },
    async last() {
      const { version, asked } = await read();
      seen ??= version;
      return asked;
    },
  };

  async function read(): Promise<{ version: number; asked: AskedReload | null }> {
    const { version, value } = await store.setting('reload');
    const { hash, activated = null } = (value ?? {}) as Partial<AskedReload>;
    return { version, asked: hash === undefined ? null : { hash, activated } };
  }
}
