/** The live route set as the engine and the endpoints use it: decide, explain, reload. */
import { type Script, simulate } from '../core/dry-run/simulate.ts';
import type { TraceLine } from '../core/machine/plan.ts';
import { OTHERWISE } from '../core/prove/prove.ts';
import { type RuleReport, ruleReport } from '../core/prove/report.ts';
import { type TreeLine, treeLines } from '../core/prove/tree.ts';
import { inWords } from '../core/prove/words.ts';
import { withoutUserParameters } from '../core/rules/address.ts';
import { type CompiledRoutes, decide } from '../core/rules/decide.ts';
import type { Overrides, RouteSet } from '../core/rules/rule.ts';
import { isOpenAt } from '../core/rules/schedule.ts';
import type { Log } from '../log/log.ts';
import type { Metrics } from '../metrics.ts';
import { exampleCalls, proveInSlices } from '../routing/guarantees.ts';
import type { Reload, Routes } from '../routing/reload.ts';
import type { Store } from '../store/store.ts';
import type { Decider } from './engine.ts';

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

export interface LiveRoutes {
  current(): RouteSet;
  /** The last reload if it was refused; null after a successful one. */
  refusal(): { at: number; problems: LocatedProblem[] } | null;
  /** Reloads the folder, and makes every replica do the same. */
  reload(): Promise<Reloaded>;
  explain(question: ExplainQuestion): Promise<Explanation>;
  /** Every path of one rule of the current set (or `otherwise`); null where there is none of this name. */
  prove(rule: string): Promise<RuleProved | null>;
}

/** What compose.ts needs in addition to what endpoints may use. */
export interface ReloadableRoutes extends LiveRoutes {
  /** A reload requested by another replica or a signal; it is not passed on. */
  reloadLocally(): Promise<Reloaded>;
  report(reload: Reload): void;
  /** Which schedules are open. */
  schedules(now: number): Promise<{ name: string; open: boolean }[]>;
}

export function createDecider(routes: Routes): Decider {
  return {
    decide: (facts, moment, overrides) => decide(routes.current(), facts, moment, overrides),
    budgets() {
      const { refers, transfers } = routes.current().set.policy;
      return { refers, transfers };
    },
  };
}

export interface LiveRoutesOptions {
  routes: Routes;
  store: Store;
  log: Log;
  metrics: Metrics;
}

export function createLiveRoutes(options: LiveRoutesOptions): ReloadableRoutes {
  const { routes, store, log, metrics } = options;
  const proved = new WeakMap<CompiledRoutes, Map<string, Promise<RuleProved | null>>>();
  return {
    current: () => routes.current().set,
    refusal: () => routes.refusal(),
    async reload() {
      const result = await reloadLocally();
      // Every replica reads its own folder; the new version makes them reload.
      if (result.ok) await store.changeSetting('reload', () => ({ hash: result.hash }));
      return result;
    },
    reloadLocally,
    report,
    async schedules(now) {
      const { value } = await store.setting('overrides');
      const overrides = (value ?? {}) as Overrides;
      return [...routes.current().set.schedules.values()].map((schedule) => ({
        name: schedule.name,
        open: isOpenAt(schedule, now, overrides),
      }));
    },
    async explain(question) {
      const { value } = await store.setting('overrides');
      const { rule, path, attempts, ends, trace } = simulate(routes.current(), {
        ...scriptOf(question),
        overrides: (value ?? {}) as Overrides,
      });
      return { rule, path, attempts, ends, trace };
    },
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

  async function reloadLocally(): Promise<Reloaded> {
    const result = await routes.reload();
    report(result);
    return result;
  }

  function report(result: Reload): void {
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
  }
}

function scriptOf(question: ExplainQuestion): Script {
  const { from, to, direction, headers, at, verdicts, digits } = question;
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
    unscripted: 'completed',
    fullTrace: true,
  };
}
