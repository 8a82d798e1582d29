/**
 * Which targets are down, kept in the store's setting `rest`, so that replicas agree without a
 * leader. A batch reads the setting only if its version changed. Failures are written as soon as
 * they are committed; answers are written only while their target has failures, at most once a
 * second, so a healthy target costs nothing. A crash in between loses an observation and nothing
 * else.
 */
import type { Call } from '../../core/machine/call.ts';
import type { Overrides } from '../../core/rules/override.ts';
import { noteRefusal } from '../../core/rules/targets/refer-refusals.ts';
import {
  type Health,
  healthOf,
  isTryDue,
  letThrough,
  type Observation,
  observe,
  type RestState,
  restState,
  tidied,
} from '../../core/rules/targets/rest.ts';
import { evidenceOf } from '../../core/rules/targets/rest-evidence.ts';
import type { Log } from '../../log/log.ts';
import type { Once } from '../../log/once.ts';
import type { Store } from '../../store/store.ts';
import type { Observer } from '../engine.ts';
import { type RestTrial, RestUse } from './rest-use.ts';
import { WaitingObservations } from './waiting-observations.ts';

const GATHER_MS = 1_000;
const TRY_AGAIN_MS = 5_000;
/** How many may wait for a store that does not answer. */
const REFUSALS_MAX = 2_000;
const METHOD_NOT_ALLOWED = 405;

export interface Resting {
  /** What a batch decides with. `version`: the version of the setting that the batch has loaded. */
  use(
    version: number,
    at: { now: number; overrides: Overrides; mayTry: boolean },
  ): Promise<RestUse>;
  /** False: another caller was let through first, so the batch must be decided again. */
  take(trials: readonly RestTrial[]): Promise<boolean>;
  /** Learns from the attempts that ended. */
  observer: Pick<Observer, 'committed'>;
  /** Resolves when everything worth writing was written or has failed. */
  settled(): Promise<void>;
  /** Writes what is worth writing one last time. */
  stop(): Promise<void>;
}

export interface RestingOptions {
  store: Pick<Store, 'setting' | 'changeSetting'>;
  rests(target: string): boolean;
  log: Pick<Log, 'emit'>;
  failures: Once;
}

interface ReferRefusal {
  connectionId: string;
  target: string;
}

class Overtaken extends Error {}

/** One closure over what is known and what waits: nearly all functions below share it. */
export function createResting(options: RestingOptions): Resting {
  const { store, rests, log, failures } = options;
  let known: { version: number; state: RestState } = { version: -1, state: restState(null) };
  const waiting = new WaitingObservations();
  let refusals: ReferRefusal[] = [];
  let working: Promise<void> | null = null;
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;

  return {
    async use(version, at) {
      if (version !== known.version) {
        const { version: read, value } = await store.setting('rest');
        known = { version: read, state: restState(value) };
      }
      return new RestUse({ ...at, state: known.state, rests });
    },
    take,
    observer: {
      committed(_event, before, call, notices) {
        for (const notice of notices) {
          if (notice.kind === 'attempt_ended') ended(before, call, notice.attempt.id);
        }
      },
    },
    settled: write,
    async stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
      await working;
      await write();
    },
  };

  async function take(trials: readonly RestTrial[]): Promise<boolean> {
    if (trials.length === 0) return true;
    try {
      await change((state, now) => {
        for (const { target, callId } of trials) {
          const health = healthOf(state, target);
          // It woke up meanwhile, so everybody may try it.
          if (health === undefined || health.rest === null) continue;
          if (!isTryDue(health.rest, now)) throw new Overtaken();
          state.targets[target] = letThrough(health, callId, now);
        }
        return state;
      });
      return true;
    } catch (error) {
      if (error instanceof Overtaken) return false;
      throw error;
    }
  }

  function ended(before: Call | null, call: Call, attemptId: string): void {
    const attempt = call.attempts.find(({ id }) => id === attemptId);
    if (attempt === undefined || attempt.target === null || !rests(attempt.target)) return;
    const { target, kind, verdict, sipNotifyResponse, startedAt, endedAt } = attempt;
    if (verdict === null) return;
    const { connectionId } = call.facts;
    const refused = kind === 'refer' && sipNotifyResponse === METHOD_NOT_ALLOWED;
    if (refused && verdict === 'not_allowed' && connectionId !== null) {
      refusals.push({ connectionId, target });
      void write();
    }
    const evidence = evidenceOf(call, attempt);
    if (evidence === null) return;
    const earlier = before?.attempts.find(({ id }) => id === attemptId);
    const was = before === null || earlier === undefined ? null : evidenceOf(before, earlier);
    // A corrected verdict counts only if it clears the target.
    if (was !== null && (was !== 'failed' || evidence === 'failed')) return;
    note({ target, evidence, verdict, at: endedAt ?? startedAt, startedAt, count: 1 });
  }

  function note(seen: Observation): void {
    waiting.add(seen);
    const health = healthOf(known.state, seen.target);
    const wakes = seen.evidence === 'answered' && health !== undefined && health.rest !== null;
    if (seen.evidence === 'failed' || wakes) void write();
    else if (health !== undefined) writeIn(GATHER_MS);
  }

  function writeIn(ms: number): void {
    if (stopped) return;
    timer ??= setTimeout(() => {
      timer = null;
      void write();
    }, ms).unref();
  }

  /** One write at a time; what arrives meanwhile is written together after it. */
  async function write(): Promise<void> {
    while (working !== null) {
      await working;
      if (!isWorthWriting()) return;
    }
    if (!isWorthWriting()) return;
    working = writeNow().finally(() => {
      working = null;
    });
    await working;
  }

  function isWorthWriting(): boolean {
    return refusals.length > 0 || waiting.worthWriting(known.state).length > 0;
  }

  async function writeNow(): Promise<void> {
    const taken = waiting.take(known.state);
    const refused = refusals;
    refusals = [];
    const changes: { name: string; before: Health | undefined; after: Health }[] = [];
    try {
      await change((state, now) => {
        changes.length = 0;
        for (const seen of taken.toSorted((a, b) => a.at - b.at)) {
          const before = healthOf(state, seen.target);
          const after = observe(before, seen, now);
          state.targets[seen.target] = after;
          changes.push({ name: seen.target, before, after });
        }
        let next = state;
        for (const each of refused) next = noteRefusal(next, each.connectionId, each.target, now);
        return tidied(next, now);
      });
      failures.worked();
      for (const each of changes) report(each.name, each.before, each.after);
    } catch (error) {
      waiting.putBack(taken);
      refusals = [...refused, ...refusals].slice(-REFUSALS_MAX);
      failures.failed(error);
      writeIn(TRY_AGAIN_MS);
    }
  }

  async function change(next: (state: RestState, now: number) => RestState): Promise<void> {
    let written = restState(null);
    const version = await store.changeSetting('rest', (value, now) => {
      written = next(restState(value), now);
      return written;
    });
    // A read in between may have seen a later version.
    if (version > known.version) known = { version, state: written };
  }

  function report(target: string, before: Health | undefined, after: Health): void {
    const was = before?.rest ?? null;
    const { rest } = after;
    if (was === null && rest !== null) {
      const next_try = new Date(rest.nextTryAt).toISOString();
      log.emit('target.resting', { target, reason: rest.why, next_try });
    } else if (was !== null && rest === null) {
      const rested_ms = (after.awake?.at ?? was.since) - was.since;
      log.emit('target.awake', { target, rested_ms, by: null });
    }
  }
}
