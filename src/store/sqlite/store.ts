/** The embedded store: one SQLite file, one connection, one transaction a batch. */

import { provesTime } from '../rows/unproven-time.ts';
import { PING_FRESH_MS, type Store, type StoreNotice } from '../store.ts';
import { readActivity } from './activity.ts';
import { ChangeRing } from './change-ring.ts';
import { openConnection } from './connection.ts';
import { listPage } from './list.ts';
import { readRecordings } from './recordings.ts';
import { type Clocks, systemClocks } from './store-time.ts';

export interface SqliteOptions {
  onNotice?: ((notice: StoreNotice) => void) | undefined;
  /** Set by tests. */
  clocks?: Clocks | undefined;
}

export async function openSqlite(
  path: string,
  codeVersion: number,
  { onNotice = () => {}, clocks = systemClocks }: SqliteOptions = {},
): Promise<Store> {
  const connection = openConnection(path, codeVersion, { onNotice, clocks });
  const { read, write } = connection;
  const ring = new ChangeRing();
  let pingedAt = Number.NEGATIVE_INFINITY;
  let closed = false;

  const store: Store = {
    kind: 'sqlite',
    load: (keys) => read(({ load }, time) => load.load(keys, time.now())),
    async commit(units, claim) {
      const { committed, time } = await write(({ commit }, time) => ({
        committed: commit(units, claim, time.now()),
        time,
      }));
      if (provesTime(units, committed)) time.proven();
      ring.committed(units, committed.results);
      return committed;
    },
    takeUncounted: (limit) => write(({ takeUncounted }, time) => takeUncounted(limit, time.now())),
    claim: (claim, limit) => write(({ outbox }, time) => outbox.claim(claim, limit, time.now())),
    stillToSend: (owner, ids) => read(({ outbox }) => outbox.stillToSend(owner, ids)),
    releaseLeases: (owner) => write(({ outbox }, time) => outbox.releaseLeases(owner, time.now())),

    async due(limit) {
      const found = await read(({ outbox }, time) => {
        const now = time.now();
        const due = outbox.due(limit, now);
        if (due.length === 0 && outbox.isIdle()) time.follow();
        return { now, due };
      });
      await connection.checkInPlace();
      return found;
    },

    find: (callId) => read(({ load }) => load.find(callId)),
    timeline: (callId) => read(({ list }) => list.timeline(callId)),
    recordings: (callIds) => readRecordings(callIds, read),
    list: (filter) => listPage(filter, read),
    activity: (since, callsMax) =>
      readActivity(read, () => read((_, time) => time.now()), since, callsMax),

    changes: (after, limit) => ring.changes(after, limit),
    outbox: () => read(({ outbox }, time) => outbox.health(time.now())),
    deadLetter: (event, error, command) =>
      write(({ letters }, time) => letters.add(event, error, command, time.now())),
    deadLetters: (limit, before) => read(({ letters }) => letters.list(limit, before)),
    findDeadLetter: (id) => read(({ letters }) => letters.find(id)),
    dropDeadLetter: (id) => write(({ letters }) => letters.drop(id)),
    outboxCommands: (limit) => read(({ outbox }) => outbox.list(limit)),
    addAudit: (entry) => write(({ audit }, time) => audit.add(entry, time.now())),
    endAudit: (id, came) => write(({ audit }) => audit.end(id, came)),
    audit: (filter) => read(({ audit }) => audit.list(filter)),
    pruneAudit: (before, limit) => write(({ audit }) => audit.prune(before, limit)),
    setting: (name) => read(({ records }) => records.setting(name)),
    changeSetting: (name, change) =>
      write(({ records }, time) => {
        return records.changeSetting(name, (value) => change(value, time.now()));
      }),
    heartbeat: (replica) => write(({ records }, time) => records.heartbeat(replica, time.now())),
    replicas: () => read(({ records }) => records.replicas()),
    provenNow: () => read((_, time) => time.provenNow()),
    prune: (before, limit) => write(({ prune }) => prune(before, limit)),
    keepRoutePart: (key, part, content) =>
      write(({ versions }, time) => versions.keepPart(key, part, content, time.now())),
    keepRouteVersion: (version, left) =>
      write(({ versions }, time) => versions.keep(version, left, time.now())),
    endRouteVersions: (role) => write(({ versions }, time) => versions.end(role, time.now())),
    routeVersions: (limit) => read(({ versions }) => versions.list(limit)),
    routeVersion: (hash) => read(({ versions }) => versions.find(hash)),
    routeFile: (key) => read(({ versions }) => versions.file(key)),
    pruneRouteVersions: (before, keep) =>
      write(({ versions }, time) => versions.prune(before, keep, time.now())),
    fold: (limit) => write(({ history }, time) => history.fold(limit, time.now())),
    sums: (from, to) => read(({ history }) => history.sums(from, to)),
    pruneSums: (before, limit) => write(({ history }) => history.pruneSums(before, limit)),

    async ping() {
      if (!closed && performance.now() - pingedAt < PING_FRESH_MS) return;
      await write(({ pulse }, time) => pulse.ping(time.base()), true);
      pingedAt = performance.now();
    },

    async close() {
      closed = true;
      await connection.close();
    },
  };

  try {
    await read(() => undefined);
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}
