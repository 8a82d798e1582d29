/** The live route set as the engine and the endpoints use it: decide, explain, reload. */
import { type Script, simulate } from '../core/dry-run/simulate.ts';
import type { TraceLine } from '../core/machine/plan.ts';
import { OTHERWISE } from '../core/prove/prove.ts';
import { type RuleReport, ruleReport } from '../core/prove/report.ts';
import { type TreeLine, treeLines } from '../core/prove/tree.ts';
import { inWords } from '../core/prove/words.ts';
import type { RecordedCall } from '../core/recording/recorded-call.ts';
import { type Explained, explainNow, explainThen } from '../core/replay/replay.ts';
import { withoutUserParameters } from '../core/rules/address.ts';
import { type CompiledRoutes, decide } from '../core/rules/decide.ts';
import {
  type ForcedThing,
  forcedThings,
  type Overrides,
  withSwitches,
} from '../core/rules/override.ts';
import { restState, standingOf } from '../core/rules/rest.ts';
import type { RouteSet } from '../core/rules/rule.ts';
import { isOpenAt } from '../core/rules/schedule.ts';
import type { Log } from '../log/log.ts';
import type { Trouble } from '../log/troubles.ts';
import type { Metrics } from '../metrics.ts';
import { shortHash } from '../routing/folder.ts';
import { exampleCalls, proveInSlices } from '../routing/guarantees.ts';
import { askedNumber } from '../routing/national.ts';
import type { Reload, Routes } from '../routing/reload.ts';
import type { Store } from '../store/store.ts';
import type { Decider } from './engine.ts';
import { readVersion } from './kept-files.ts';
import type { NextReport, NextSet } from './next-routes.ts';
import type { RouteVersions } from './route-versions.ts';

export interface LocatedProblem {
  file: string;
  line: number;
  column: number;
  message: string;
  hint: string | null;
}

export type Reloaded =
  | { ok: true; hash: string; changed: boolean; warnings: LocatedProblem[] }
  | { ok: false; hash: string; problems: LocatedProblem[] };

export interface ExplainQuestion {
  from: string | null;
  to: string | null;
  direction: 'incoming' | 'outgoing';
  headers: { name: string; value: string }[];
  /** Milliseconds since the epoch. */
  at: number;
  /** Scripted verdicts by target; several for repeated attempts. */
  verdicts: Record<string, string[]>;
  digits: string | null;
  /** As if these were on or off. */
  switches?: Record<string, boolean>;
  /** What lookups answer, by name; none is really asked. */
  lookups: Record<string, Record<string, string>>;
}

/** The same as `referee route --json` prints. */
export interface Explanation {
  rule: string | null;
  path: string[];
  attempts: { target: string | null; sip_address: string; verdict: string }[];
  ends: string | null;
  trace: TraceLine[];
}

/** What can become of a rule's callers, and what happens on the worst paths, in words. */
export interface RuleProved extends RuleReport {
  hash: string;
  patience_secs: number | null;
  words: { wait: string; silence: string; moves: string } | null;
  tree: TreeLine[];
}

/** A kept version is live, and the folder holds another set. */
export interface Activated {
  hash: string;
  who: string;
  at: number;
  /** Hash of the folder's set. */
  folder: string;
}

export type ActivationResult =
  | Reloaded
  | { ok: false; why: 'no_such_version' }
  | { ok: false; why: 'incomplete'; missing: { name: string; bytes: number }[] };

export interface LiveRoutes {
  current(): RouteSet;
  /** The last reload if it was refused; null after a successful one. */
  refusal(): { at: number; problems: LocatedProblem[] } | null;
  /** Reloads the folder, and makes every replica do the same. */
  reload(who: string): Promise<Reloaded>;
  /** Makes a kept version live in every replica, until the next reload. */
  activate(hash: string, who: string): Promise<ActivationResult>;
  /** Null while the folder's set is live. */
  activated(): Activated | null;
  /** Null without ROUTES_NEXT_DIR. */
  next(): NextReport | null;
  explain(question: ExplainQuestion): Promise<Explanation>;
  /** A recorded call as it went, and as it would go under the current set. */
  explainAgain(recorded: RecordedCall): { before: Explained; after: Explained };
  /** Every path of one rule of the current set (or `otherwise`); null where there is none of this name. */
  prove(rule: string): Promise<RuleProved | null>;
}

/** What compose.ts needs in addition to what endpoints may use. */
export interface ReloadableRoutes extends LiveRoutes {
  /** What another replica wrote into the setting `reload`; it is not passed on. */
  follow(asked: unknown): Promise<unknown>;
  /** At the start: what the other replicas run instead of the same folder, if anything. */
  join(instance: string): Promise<void>;
  /** `who` made the current set live. */
  report(reload: Reload, who: string): void;
  /** The same for the next set. */
  reportNext(reload: Reload): void;
  /** What is wrong with the routes, besides a refused reload. */
  troubles(): Trouble[];
  /** Which schedules are open. */
  schedules(now: number): Promise<{ name: string; open: boolean }[]>;
  /** What operators have forced. */
  forced(now: number): Promise<ForcedThing[]>;
  /** Names of the targets that rest. */
  resting(now: number): Promise<string[]>;
}

export function createDecider(routes: Routes, next: NextSet | null = null): Decider {
  return {
    decide: (facts, moment, overrides, routeSet) =>
      next === null
        ? decide(routes.current(), facts, moment, overrides)
        : next.decide(facts, moment, overrides, routeSet),
    // Budgets are shared by all callers, so the live set's hold for those of the next one too.
    budgets() {
      const { refers, transfers } = routes.current().set.policy;
      return { refers, transfers };
    },
    rests(name) {
      const { policy, targets } = routes.current().set;
      return targets.get(name)?.rest ?? policy.rest;
    },
  };
}

/** Whoever asked for a reload finds the version listed; a store that is slow is not waited for. */
const KEPT_WITHIN_MS = 1_000;
/** A replica not heard of for so long is not there. */
const REPLICA_LIVES_MS = 20_000;

export interface LiveRoutesOptions {
  routes: Routes;
  next: NextSet | null;
  store: Store;
  log: Log;
  metrics: Metrics;
  versions: RouteVersions;
  now: () => number;
}

/** The value of the setting `reload`: the last reload, or a version that is live instead. */
interface AskedReload {
  hash: string;
  activated?: Omit<Activated, 'hash'>;
}

export function createLiveRoutes(options: LiveRoutesOptions): ReloadableRoutes {
  const { routes, next, store, log, metrics, versions, now } = options;
  let activated: Omit<Activated, 'folder'> | null = null;
  /** The set that was kept last as the live one. */
  let keptHash: string | null = null;
  let keptNextHash: string | null = null;
  if (next === null || next.percent === 0) versions.endNext();
  const proved = new WeakMap<CompiledRoutes, Map<string, Promise<RuleProved | null>>>();
  return {
    current: () => routes.current().set,
    refusal: () => routes.refusal(),
    async reload(who) {
      const result = await reloadLocally(who);
      // Every replica reads its own folder; the new version makes them reload.
      if (result.ok) {
        const asked: AskedReload = { hash: result.hash };
        await store.changeSetting('reload', () => asked);
        await versions.settled(KEPT_WITHIN_MS);
      }
      return result;
    },
    async activate(hash, who) {
      const at = now();
      const result = await activateLocally(hash, { who, at });
      if (result.ok) {
        const by = { who, at, folder: routes.folderHash() ?? '' };
        const asked: AskedReload = { hash, activated: by };
        await store.changeSetting('reload', () => asked);
        await versions.settled(KEPT_WITHIN_MS);
      }
      return result;
    },
    activated: inForce,
    next: () => next?.report() ?? null,
    async follow(asked) {
      const { hash, activated: by } = (asked ?? {}) as Partial<AskedReload>;
      if (hash === undefined || by === undefined) return reloadLocally('replica');
      return activateLocally(hash, by);
    },
    join,
    report,
    reportNext,
    troubles,
    async forced(at) {
      return forcedThings(routes.current().set, await readOverrides(), at);
    },
    async resting(at) {
      const [overrides, { value }] = await Promise.all([readOverrides(), store.setting('rest')]);
      const state = restState(value);
      const { targets, policy } = routes.current().set;
      return [...targets.values()].flatMap(({ name, rest }) => {
        const facts = { now: at, callId: '', rests: rest ?? policy.rest };
        return standingOf(name, state, overrides, facts) === 'awake' ? [] : [name];
      });
    },
    async schedules(at) {
      const overrides = await readOverrides();
      return [...routes.current().set.schedules.values()].map((schedule) => ({
        name: schedule.name,
        open: isOpenAt(schedule, at, overrides),
      }));
    },
    async explain(question) {
      const overrides = withSwitches(await readOverrides(), question.switches ?? {});
      const current = routes.current();
      const { country } = current.set.policy;
      const meant = (party: string | null) => (party === null ? null : askedNumber(party, country));
      const { from, to } = question;
      const { rule, path, attempts, ends, trace } = simulate(current, {
        ...scriptOf({ ...question, from: meant(from), to: meant(to) }),
        overrides,
      });
      return { rule, path, attempts, ends, trace };
    },
    explainAgain: (recorded) => ({
      before: explainThen(recorded),
      after: explainNow(recorded, routes.current()),
    }),
    prove(rule) {
      const set = routes.current();
      const exists = rule === OTHERWISE || set.set.rules.some(({ name }) => name === rule);
      if (!exists) return Promise.resolve(null);
      const known = proved.get(set) ?? new Map<string, Promise<RuleProved | null>>();
      proved.set(set, known);
      const found = known.get(rule) ?? proveRule(set, rule);
      // A failure is not kept: it is asked again.
      known.set(rule, found);
      found.catch(() => known.delete(rule));
      return found;
    },
  };

  async function readOverrides(): Promise<Overrides> {
    const { value } = await store.setting('overrides');
    return (value ?? {}) as Overrides;
  }

  async function proveRule(set: CompiledRoutes, rule: string): Promise<RuleProved | null> {
    const examples = exampleCalls(routes.examples(), Date.now());
    const [proof] = await proveInSlices(set, { rules: [rule], examples });
    if (proof === undefined) return null;
    const { wait, silence, moves } = proof.summary;
    const known = wait !== null && silence !== null && moves !== null;
    return {
      hash: set.set.hash,
      ...ruleReport(proof),
      patience_secs: proof.patienceMs === null ? null : proof.patienceMs / 1000,
      words: known
        ? { wait: inWords(wait), silence: inWords(silence), moves: inWords(moves) }
        : null,
      tree: treeLines(proof),
    };
  }

  async function reloadLocally(who: string): Promise<Reloaded> {
    const result = await routes.reload();
    report(result, who);
    if (next !== null) reportNext(await next.folder.reload());
    return result;
  }

  async function activateLocally(
    hash: string,
    by: { who: string; at: number },
  ): Promise<ActivationResult> {
    const version = await store.routeVersion(hash);
    if (version === null) return { ok: false, why: 'no_such_version' };
    const read = await readVersion(store, version);
    if ('missing' in read) return { ok: false, why: 'incomplete', missing: read.missing };
    const result = await routes.activate(read.files);
    if (result.ok) {
      activated = { hash, who: by.who, at: by.at };
      // They are in the store already.
      routes.takeFiles();
    }
    report(result, by.who);
    const { folder = null } = inForce() ?? {};
    if (result.ok) log.emit('routes.activated', { route_set: hash, folder, who: by.who });
    return result;
  }

  /**
   * Others run a version instead of the folder that we have just read, and one of them lives: a
   * replica that starts again must not bring back what an operator went back from.
   */
  async function join(instance: string): Promise<void> {
    const { value } = await store.setting('reload');
    const { hash, activated: by } = (value ?? {}) as Partial<AskedReload>;
    if (hash === undefined || by === undefined || by.folder !== routes.folderHash()) return;
    const others = (await store.replicas()).filter(
      ({ id, seenAt }) => id !== instance && now() - seenAt < REPLICA_LIVES_MS,
    );
    if (others.some(({ routeSet }) => routeSet === hash)) await activateLocally(hash, by);
  }

  function inForce(): Activated | null {
    const folder = routes.folderHash() ?? '';
    const { hash } = routes.current().set;
    if (hash === folder || activated?.hash !== hash) return null;
    return { ...activated, folder };
  }

  /** A store that does not answer is reported elsewhere, and the overview shows the same. */
  async function reportUnknown(): Promise<void> {
    const overrides = await readOverrides().catch(() => ({}));
    for (const thing of forcedThings(routes.current().set, overrides, now())) {
      if (thing.known) continue;
      const { kind, name, state, reason = null, by = null } = thing;
      log.emit('override.unknown', { kind, name, state, reason, by });
    }
  }

  function report(result: Reload, who: string): void {
    metrics.routesActivated(inForce() !== null);
    if (!result.ok) {
      metrics.reload('refused', result.hash);
      log.emit('routes.refused', { live: result.hash, problems: result.problems });
      return;
    }
    metrics.reload(result.changed ? 'ok' : 'unchanged', result.hash);
    const { set } = routes.current();
    log.emit('routes.loaded', {
      route_set: set.hash,
      changed: result.changed,
      rules: set.rules.length,
      files: set.files,
    });
    for (const warning of result.warnings) log.emit('routes.warning', { ...warning });
    if (!result.changed) return;
    keep(set.hash, who);
    void reportUnknown();
  }

  function keep(hash: string, who: string): void {
    const files = routes.takeFiles();
    versions.keep({ hash, role: 'live', who, left: keptHash, dir: routes.dir, files });
    keptHash = hash;
    // It may have been kept as the live set until now, and callers follow it still.
    if (next !== null) keepNext(next);
  }

  function reportNext(result: Reload): void {
    if (next === null) return;
    if (!result.ok) {
      log.emit('routes.next_refused', { next: result.hash || null, problems: result.problems });
      return;
    }
    log.emit('routes.next_loaded', {
      route_set: result.hash,
      changed: result.changed,
      percent: next.percent,
    });
    if (result.changed) keepNext(next);
  }

  /** A set that nobody follows is named by no call. */
  function keepNext({ folder, percent }: NextSet): void {
    const hash = folder.current()?.set.hash;
    if (hash === undefined || percent === 0) return;
    const { dir } = folder;
    const files = folder.takeFiles();
    versions.keep({ hash, role: 'next', who: 'next', left: keptNextHash, dir, files });
    keptNextHash = hash;
  }

  function troubles(): Trouble[] {
    return [...activationTroubles(), ...nextTroubles()];
  }

  function nextTroubles(): Trouble[] {
    const refusal = next?.folder.refusal() ?? null;
    if (refusal === null) return [];
    const [first] = refusal.problems;
    return [
      {
        kind: 'routes.next_refused',
        severity: 'warning',
        title: 'The next call routes (ROUTES_NEXT_DIR) have problems; nothing changes for callers',
        detail: first === undefined ? null : `${first.file}:${first.line}: ${first.message}`,
        fix: `Run npx referee check ${next?.folder.dir}, fix what it reports, and reload.`,
        count: Math.max(1, refusal.problems.length),
        firstAt: refusal.at,
        lastAt: refusal.at,
        target: null,
      },
    ];
  }

  function activationTroubles(): Trouble[] {
    const standing = inForce();
    if (standing === null) return [];
    return [
      {
        kind: 'routes.activated',
        severity: 'error',
        title: `An older version of the call routes is live: ${shortHash(standing.hash)}, not what the folder holds`,
        detail: `${standing.who} went back to it; the folder holds ${shortHash(standing.folder)}. It lasts until a reload or a restart.`,
        fix: 'Put the routes that should be live into the folder, then reload.',
        count: 1,
        firstAt: standing.at,
        lastAt: null,
        target: null,
      },
    ];
  }
}

function scriptOf(question: ExplainQuestion): Script {
  const { from, to, direction, headers, at, verdicts, digits, lookups } = question;
  return {
    facts: {
      callId: 'explain',
      sessionId: 'explain',
      legId: null,
      connectionId: null,
      from: withoutUserParameters(from),
      to: withoutUserParameters(to),
      direction,
      callerName: null,
      callerType: from?.includes('@') ? 'sip' : 'pstn',
      attestation: null,
      attestationValidated: false,
      headers,
      tags: [],
    },
    at,
    verdicts: verdicts as Script['verdicts'],
    digits: digits === null ? [] : [digits],
    hangupAfter: null,
    lookups,
    unscripted: 'completed',
    fullTrace: true,
  };
}
