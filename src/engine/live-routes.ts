/** The live route set as endpoints and upkeep use it: they ask it, reload it, go back from it. */
import type { RecordedCall } from '../core/recording/recorded-call.ts';
import { type Explained, explainNow, explainThen } from '../core/replay/replay.ts';
import type { CompiledRoutes } from '../core/rules/compiled-routes.ts';
import { type ListedOverride, listOverrides } from '../core/rules/override.ts';
import type { RouteSet } from '../core/rules/rule.ts';
import { isOpenAt } from '../core/rules/schedules/schedule.ts';
import { BUDGET_WINDOW_MS, countMax } from '../core/rules/targets/budget.ts';
import { mayRest, restState, standingOf } from '../core/rules/targets/rest.ts';
import { StoreUnavailable } from '../errors.ts';
import type { Log } from '../log/log.ts';
import type { Trouble } from '../log/troubles.ts';
import type { Metrics } from '../metrics.ts';
import type { Problem } from '../routing/problem.ts';
import type { Reload, Routes } from '../routing/reload.ts';
import { loadKeys } from '../store/contract/calls.ts';
import { currentOverrides } from '../store/current-overrides.ts';
import type { Store } from '../store/store.ts';
import { type Activated, type ActivationResult, createActivation } from './routes/activation.ts';
import { type AskedReload, createAskedReloads } from './routes/asked-reload.ts';
import {
  type ExplainQuestion,
  type Explanation,
  explain,
  partyOf,
  type StateNow,
} from './routes/explanation.ts';
import type { NextReport, NextSet } from './routes/next-routes.ts';
import { createReloadReport, nextTroubles } from './routes/reload-report.ts';
import type { RouteVersions } from './routes/route-versions.ts';
import { createRuleProofs, type RuleProved } from './routes/rule-proofs.ts';

export interface LiveRoutes {
  current(): RouteSet;
  /** The last reload if it was refused; null after a successful one. */
  refusal(): { at: number; problems: Problem[] } | null;
  /** Reloads the folder, and makes every replica do the same. */
  reload(who: string): Promise<Reload>;
  /** Makes a kept version live in every replica, until the next reload. */
  activate(hash: string, who: string): Promise<ActivationResult>;
  /** Null while the folder's set is live. */
  activated(): Activated | null;
  /** Null without ROUTES_NEXT_DIR. */
  next(): NextReport | null;
  explain(question: ExplainQuestion): Promise<Explanation>;
  /** A recorded call as it went, and as it would go under the current set. */
  explainAgain(recorded: RecordedCall): { before: Explained; after: Explained };
  /**
   * Every path of one rule of the current set (or `otherwise`); null if there is no rule of this
   * name.
   */
  prove(rule: string): Promise<RuleProved | null>;
}

/** What compose.ts needs in addition to what endpoints may use. */
export interface ReloadableRoutes extends LiveRoutes {
  /** Does what another replica has asked for since this was called last; it is not passed on. */
  follow(): Promise<void>;
  /**
   * At the start: what the other replicas run instead of the same folder, if anything. If the store
   * is not available, `follow` tries it again.
   */
  join(instance: string): Promise<void>;
  /** `who` made the current set live. */
  report(reload: Reload, who: string): void;
  /** The same for the next set. */
  reportNext(reload: Reload): void;
  /** What is wrong with the routes, besides a refused reload. */
  troubles(): Trouble[];
  /** Which schedules are open. */
  schedules(now: number): Promise<{ name: string; open: boolean }[]>;
  overrides(now: number): Promise<ListedOverride[]>;
  /** Names of the targets that rest. */
  resting(now: number): Promise<string[]>;
}

export interface LiveRoutesOptions {
  routes: Routes;
  next: NextSet | null;
  store: Store;
  log: Log;
  metrics: Metrics;
  versions: RouteVersions;
  now: () => number;
}

/** Looks of `follow`, one a second: heartbeats, which show what a replica runs, come every 5 s. */
const JOIN_LOOKS = 15;
/** A reload waits this long for the store, so that its version is already listed afterwards. */
const KEPT_WITHIN_MS = 1_000;

/** A question about "now" may have been on its way for this long. */
const ASKED_SINCE_MS = 60_000;

export function createLiveRoutes(options: LiveRoutesOptions): ReloadableRoutes {
  const { routes, next, store, log, versions, now } = options;
  const activation = createActivation(routes, store);
  const askedReloads = createAskedReloads(store);
  const proofs = createRuleProofs(routes);
  /**
   * The name under which this replica is to join the others: the store was not available, or their
   * heartbeats may not yet show what they run.
   */
  let toJoin: string | null = null;
  let joinLooks = 0;
  const overrides = () => currentOverrides(store);
  async function stateNow(): Promise<Omit<StateNow, 'used'>> {
    const [given, { value }] = await Promise.all([overrides(), store.setting('rest')]);
    const nextShare = next === null || next.folder.current() === null ? 0 : next.percent;
    return { overrides: given, rest: restState(value), nextShare };
  }
  /** The moves that count against the budgets of the hour for a call that comes at this time. */
  async function usedBefore({ facts, at }: ExplainQuestion, { set }: CompiledRoutes) {
    const limit = countMax(set.policy);
    // The store counts up to now, so it cannot tell what was used at an earlier time.
    if (limit === null || at < now() - ASKED_SINCE_MS) return null;
    const from = partyOf(facts.from, { set });
    const budget = { callers: from === null ? [] : [from], limit, since: at - BUDGET_WINDOW_MS };
    return (await store.load(loadKeys({ budget }))).budget;
  }
  const isActivated = () => activation.inForce() !== null;
  const report = createReloadReport({ ...options, overrides, isActivated });
  return {
    current: () => routes.current().set,
    refusal: () => routes.refusal(),
    async reload(who) {
      const result = await reloadLocally(who);
      // Every replica reads its own folder; the new version makes them reload.
      if (result.ok) await passOn({ hash: result.hash, activated: null });
      return result;
    },
    async activate(hash, who) {
      const at = now();
      const result = await activateLocally(hash, { who, at });
      const folder = routes.folderHash() ?? '';
      if (result.ok) await passOn({ hash, activated: { who, at, folder } });
      return result;
    },
    activated: activation.inForce,
    next: () => next?.report() ?? null,
    async follow() {
      if (toJoin !== null) await join(toJoin);
      await askedReloads.follow(async ({ hash, activated: by }) => {
        if (by === null) await reloadLocally('replica');
        else await activateLocally(hash, by);
      });
    },
    join,
    report: report.live,
    reportNext: report.next,
    troubles: () => [...activation.troubles(), ...nextTroubles(next)],
    overrides: async (at) => listOverrides(routes.current().set, await overrides(), at),
    resting: async (at) => restingTargets(routes.current().set, await stateNow(), at),
    async schedules(at) {
      const given = await overrides();
      return [...routes.current().set.schedules.values()].map((schedule) => ({
        name: schedule.name,
        open: isOpenAt(schedule, at, given),
      }));
    },
    async explain(question) {
      const current = routes.current();
      const [state, used] = await Promise.all([stateNow(), usedBefore(question, current)]);
      return explain(current, question, { ...state, used });
    },
    explainAgain: (recorded) => ({
      before: explainThen(recorded),
      after: explainNow(recorded, routes.current()),
    }),
    prove: proofs.of,
  };

  async function join(instance: string): Promise<void> {
    try {
      toJoin = null;
      const { hash = '', activated: by = null } = (await askedReloads.last()) ?? {};
      if (by === null) return;
      if (await activation.isRunByOthers({ hash, ...by }, instance)) {
        // A replica that starts again must not bring back what an operator went back from.
        await activateLocally(hash, by);
      } else if (joinLooks < JOIN_LOOKS) {
        joinLooks += 1;
        toJoin = instance;
      }
    } catch (error) {
      if (error instanceof StoreUnavailable) toJoin = instance;
      throw error;
    }
  }

  async function reloadLocally(who: string): Promise<Reload> {
    const result = await routes.reload();
    report.live(result, who);
    if (next !== null) report.next(await next.folder.reload());
    return result;
  }

  async function activateLocally(
    hash: string,
    by: { who: string; at: number },
  ): Promise<ActivationResult> {
    const result = await activation.activate(hash, by);
    if ('why' in result) return result;
    report.live(result, by.who);
    const { folder = null } = activation.inForce() ?? {};
    if (result.ok) log.emit('routes.activated', { route_set: hash, folder, who: by.who });
    return result;
  }

  /** To the other replicas. */
  async function passOn(asked: AskedReload): Promise<void> {
    await askedReloads.passOn(asked);
    await versions.settled(KEPT_WITHIN_MS);
  }
}

function restingTargets(
  set: RouteSet,
  { overrides, rest }: Pick<StateNow, 'overrides' | 'rest'>,
  at: number,
): string[] {
  return [...set.targets.keys()].filter((name) => {
    const facts = { now: at, callId: '', rests: mayRest(set, name) };
    return standingOf(name, rest, overrides, facts) !== 'awake';
  });
}
