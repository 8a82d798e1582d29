/**
 * Keeps each route set that comes into use in the store, so that a call can show the rules it was
 * decided by and an operator can go back. This never delays a reload: what the store cannot take
 * now is tried again.
 */
import { setTimeout } from 'node:timers/promises';
import { StoreUnavailable } from '../../errors.ts';
import type { Once } from '../../log/once.ts';
import { readGitCommit } from '../../routing/files/git-commit.ts';
import type { RouteVersion } from '../../store/contract/route-versions.ts';
import type { Store } from '../../store/store.ts';
import { pack, writeParts } from './kept-files.ts';

/**
 * Versions that went out of use more than RETENTION_DAYS ago are removed, but this many always
 * stay.
 */
export const VERSIONS_KEPT = 50;
const TRY_AGAIN_MS = 5_000;
/** How many sets may wait for the store; then the oldest are dropped. */
const WAITING_MAX = 20;

export interface NewVersion {
  hash: string;
  role: RouteVersion['role'];
  who: string;
  /** The set that this replica ran in that role until now. */
  left: string | null;
  dir: string;
  /** Null if they are kept already. */
  files: ReadonlyMap<string, Uint8Array> | null;
}

export interface RouteVersions {
  keep(version: NewVersion): void;
  /** There is no next set any more. */
  endNext(): void;
  /** The store is open, so everything that waited for it can be kept. */
  start(): void;
  /** Resolves when everything was kept, or after this time. */
  settled(withinMs: number): Promise<void>;
  /** Drops whatever still waits for the store. */
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
      // The error is reported where the promise is awaited.
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
      // Something may have been added after the last check.
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
        failures.failed(error);
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
    // The version is written last, so it is complete or absent.
    for (const file of contents) await writeParts(store, file);
    const files = contents.map(({ content: _, ...file }) => file);
    await store.keepRouteVersion(
      { hash, role, who, commit: await readGitCommit(dir), files },
      left,
    );
  }
}
