/**
 * Each route set that comes into use is kept in the store, so that a call can show the rules it was
 * decided by, and an operator can go back. Keeping never delays a reload: what the store cannot
 * take now is tried again.
 */
import { setTimeout } from 'node:timers/promises';
import { StoreUnavailable } from '../errors.ts';
import type { Once } from '../log/once.ts';
import { readGitCommit } from '../routing/git-commit.ts';
import type { RouteVersion } from '../store/contract/route-versions.ts';
import type { Store } from '../store/store.ts';
import { pack, writeParts } from './kept-files.ts';

/** Of versions that ceased longer than RETENTION_DAYS ago, so many are left in any case. */
export const VERSIONS_KEPT = 50;
const TRY_AGAIN_MS = 5_000;
/** Sets that wait for the store; beyond that the oldest are given up. */
const WAITING_MAX = 20;

export interface NewVersion {
  hash: string;
  role: RouteVersion['role'];
  who: string;
  /** What this replica ran in that role until now. */
  left: string | null;
  dir: string;
  /** Null: they are kept already. */
  files: ReadonlyMap<string, Uint8Array> | null;
}

export interface RouteVersions {
  keep(version: NewVersion): void;
  /** There is no next set any more. */
  endNext(): void;
  /** The store is open; what was to be kept until now has waited. */
  start(): void;
  /** Resolves when everything was kept, or after that time. */
  settled(withinMs: number): Promise<void>;
  /** What still waits for the store is given up. */
  stop(): Promise<void>;
}

export function createRouteVersions(
  store: Store,
  failures: Once,
  tryAgainMs = TRY_AGAIN_MS,
): RouteVersions {
  const stopping = new AbortController();
  const waiting: (() => Promise<void>)[] = [];
  let started = false;
  let working: Promise<void> | null = null;
  return {
    start() {
      started = true;
      goOn();
    },
    keep(version) {
      const packed = version.files === null ? null : pack(version.files);
      // Told when it is awaited.
      packed?.catch(() => {});
      add(() => write(version, packed));
    },
    endNext: () => add(() => store.endRouteVersions('next')),
    async settled(withinMs) {
      if (working === null) return;
      const waited = new AbortController();
      const late = setTimeout(withinMs, undefined, { signal: waited.signal }).catch(() => {});
      await Promise.race([working, late]);
      waited.abort();
    },
    async stop() {
      stopping.abort();
      await working;
    },
  };

  function add(job: () => Promise<void>): void {
    waiting.push(job);
    if (waiting.length > WAITING_MAX) waiting.splice(0, 1);
    goOn();
  }

  function goOn(): void {
    if (!started || stopping.signal.aborted || waiting.length === 0) return;
    working ??= work().finally(() => {
      working = null;
      // Something may have come after the last look.
      goOn();
    });
  }

  async function work(): Promise<void> {
    for (let job = waiting[0]; job !== undefined; job = waiting[0]) {
      if (stopping.signal.aborted) return;
      try {
        await job();
        failures.worked();
      } catch (error) {
        failures.failed(error, { job: 'route versions' });
        if (error instanceof StoreUnavailable) {
          await setTimeout(tryAgainMs, undefined, { signal: stopping.signal, ref: false }).catch(
            () => {},
          );
          continue;
        }
      }
      if (waiting[0] === job) waiting.shift();
    }
  }

  async function write(
    { hash, role, who, left, dir }: NewVersion,
    packed: ReturnType<typeof pack> | null,
  ): Promise<void> {
    if (packed === null) {
      const known = await store.routeVersion(hash);
      if (known === null) return;
      const { commit, files } = known;
      await store.keepRouteVersion({ hash, role, who, commit, files }, left);
      return;
    }
    const contents = await packed;
    // The version comes last: it is whole, or not there.
    for (const file of contents) await writeParts(store, file);
    const files = contents.map(({ content: _, ...file }) => file);
    await store.keepRouteVersion(
      { hash, role, who, commit: await readGitCommit(dir), files },
      left,
    );
  }
}
