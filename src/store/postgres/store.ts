/**
 * The store for several replicas. Any replica takes any event of any call; they agree on the rows,
 * and on the server's clock.
 */
import { StoreUnavailable } from '../../errors.ts';
import { RecentRows } from '../rows/recent-rows.ts';
import { provesTime, UnprovenTime } from '../rows/unproven-time.ts';
import { PING_FRESH_MS, type Store, type StoreNotice } from '../store.ts';
import { readActivity } from './activity.ts';
import { createAside } from './aside.ts';
import * as audit from './audit.ts';
import { changedCalls, FIRST_CHANGE } from './changes.ts';
import { ClockSteps } from './clock-steps.ts';
import { commitUnits } from './commit.ts';
import * as letters from './dead-letters.ts';
import { DueDeadlines } from './due-deadlines.ts';
import { foldCalls, pruneSums, readSums } from './history.ts';
import { callTimeline, listCalls } from './list.ts';
import { findCall, LOAD, type LoadRow, loadedFrom, loadValues } from './load.ts';
import { LowestCommand } from './lowest-command.ts';
import { migratePostgres } from './migrate.ts';
import { claimCommands, listCommands, outboxHealth, releaseLeases, stillToSend } from './outbox.ts';
import { explain } from './pg-errors.ts';
import { openPool, type Query } from './pool.ts';
import { dropCancelled, hasOldCalls, pruneCalls } from './pruning.ts';
import { readRecordings } from './recordings.ts';
import * as records from './records.ts';
import * as versions from './route-versions.ts';
import { takeUncounted } from './uncounted.ts';

export interface PostgresOptions {
  timeoutMs?: number | undefined;
  onNotice?: ((notice: StoreNotice) => void) | undefined;
}

export async function openPostgres(
  url: string,
  codeVersion: number,
  { timeoutMs, onNotice = () => {} }: PostgresOptions = {},
): Promise<Store> {
  const pool = openPool(url, timeoutMs);
  const steps = new ClockSteps();
  const unproven = new UnprovenTime();
  const due = new DueDeadlines(steps, (stepMs) => {
    unproven.add(stepMs);
    onNotice({ kind: 'clock_stepped', clock: 'database', stepMs, offMs: 0 });
  });
  const lowest = new LowestCommand();
  const recent = new RecentRows();
  let pinging: Promise<void> | null = null;
  let pingedAt = Number.NEGATIVE_INFINITY;
  let closed = false;
  /** Changes of earlier transactions are gone. */
  let changesFrom = FIRST_CHANGE;

  /** One statement, which is its own transaction. */
  async function ask<T>(work: (query: Query) => Promise<T>): Promise<T> {
    try {
      return await work(pool.query);
    } catch (error) {
      throw explain(error, pool.where);
    }
  }

  const aside = createAside(pool);
  /** For whoever looks: no caller waits for the answer. */
  const look = <T>(work: (query: Query) => Promise<T>) => ask(() => aside(work));

  const store: Store = {
    kind: 'postgres',

    load: (keys) =>
      ask(async (query) => {
        const rows = await query(LOAD, loadValues(keys));
        return loadedFrom(rows as unknown[] as LoadRow[], keys, recent, codeVersion);
      }),

    async commit(units, claim) {
      if (closed) throw new StoreUnavailable('the store is closed', { where: pool.where });
      if (units.length === 0) return { results: [], claimed: [], counted: [] };
      const committed = await commitUnits(pool, units, claim, recent, codeVersion).finally(() =>
        due.wereSet(units),
      );
      if (provesTime(units, committed)) unproven.proven();
      return committed;
    },

    takeUncounted: (limit) => ask((query) => takeUncounted(query, limit, codeVersion)),
    claim: (claim, limit) =>
      ask(async (query) => {
        try {
          const from = await lowest.read(query);
          return await claimCommands(query, claim, limit, codeVersion, steps, from);
        } catch (error) {
          lowest.forget();
          throw error;
        }
      }),
    stillToSend: (owner, ids) => ask((query) => stillToSend(query, owner, ids)),
    releaseLeases: (owner) => ask((query) => releaseLeases(query, owner)),
    due: (limit) => ask((query) => due.read(query, limit, codeVersion)),
    find: (callId) => ask((query) => findCall(query, callId)),
    timeline: (callId) => look((query) => callTimeline(query, callId)),
    recordings: (callIds) => look((query) => readRecordings(query, callIds, codeVersion)),
    list: (filter) => look((query) => listCalls(query, filter)),
    activity: (since, callsMax) => look((query) => readActivity(query, since, callsMax)),
    outbox: () => ask(outboxHealth),
    changes: (after, limit) => look((query) => changedCalls(query, after, limit, changesFrom)),
    deadLetter: (event, error, command) =>
      ask((query) => letters.addLetter(query, event, error, command)),
    deadLetters: (limit, before) => look((query) => letters.listLetters(query, limit, before)),
    findDeadLetter: (id) => ask((query) => letters.findLetter(query, id)),
    dropDeadLetter: (id) => ask((query) => letters.dropLetter(query, id)),
    outboxCommands: (limit) => look((query) => listCommands(query, limit)),
    addAudit: (entry) => ask((query) => audit.addAudit(query, entry)),
    endAudit: (id, came) => ask((query) => audit.endAudit(query, id, came)),
    audit: (filter) => look((query) => audit.listAudit(query, filter)),
    pruneAudit: (before, limit) => ask((query) => audit.pruneAudit(query, before, limit)),
    setting: (name) => ask((query) => records.readSetting(query, name)),
    changeSetting: (name, change) =>
      ask(() => pool.transaction((query) => records.changeSetting(query, name, change))),
    provenNow: async () => (await ask(records.readNow)) - unproven.ms,
    async heartbeat(replica) {
      const from = changesFrom;
      // After a failure the numbers may be those of another server.
      changesFrom = FIRST_CHANGE;
      changesFrom = (await ask((query) => records.beat(query, replica, from))) ?? from;
    },
    replicas: () => ask(records.allReplicas),

    prune: (before, limit) =>
      ask(async (query) => {
        await dropCancelled(query);
        if (!(await hasOldCalls(query, before, codeVersion))) return 0;
        return pool.transaction((alone) => pruneCalls(alone, before, limit, codeVersion));
      }),
    fold: (limit) => ask(() => pool.transaction((query) => foldCalls(query, limit, codeVersion))),
    sums: (from, to) => look((query) => readSums(query, from, to)),
    pruneSums: (before, limit) => ask((query) => pruneSums(query, before, limit)),

    keepRoutePart: (key, part, content) =>
      ask((query) => versions.keepPart(query, key, part, content)),
    keepRouteVersion: (version, left) =>
      ask(() => pool.transaction((query) => versions.keepVersion(query, version, left))),
    endRouteVersions: (role) => ask((query) => versions.endVersions(query, role)),
    routeVersions: (limit) => look((query) => versions.listVersions(query, limit)),
    routeVersion: (hash) => ask((query) => versions.findVersion(query, hash)),
    // Callers are decided by what it brings back.
    routeFile: (key) => ask((query) => versions.readFile(query, key)),
    pruneRouteVersions: (before, keep) =>
      ask(() => pool.transaction((query) => versions.pruneVersions(query, before, keep))),

    async ping() {
      if (!closed && performance.now() - pingedAt < PING_FRESH_MS) return;
      pinging ??= ask(records.pulse)
        .then(() => {
          pingedAt = performance.now();
        })
        .finally(() => {
          pinging = null;
        });
      await pinging;
    },

    async close() {
      closed = true;
      await pool.close();
    },
  };

  try {
    await ask(() => migratePostgres(pool, codeVersion));
    const seen = await ask(records.readLastSeen);
    if (seen !== null) {
      unproven.add(seen.now - seen.at);
      steps.wasSetBack(seen.at, seen.now);
    }
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}
