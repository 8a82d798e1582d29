/**
 * Prometheus metrics. The rest of the program calls one method per fact and does not know
 * prom-client. Every label is bounded: values that an outsider or an operator chooses freely (event
 * types, rules, targets) count as `other` beyond a limit, so that they cannot exhaust our memory or
 * Prometheus'.
 */
import { collectDefaultMetrics, Registry } from 'prom-client';
import { ENDS, type Ends } from './core/machine/call.ts';
import { CALLER_OUTCOMES, type CallerOutcome } from './core/machine/caller-outcome.ts';
import { isNegative } from './core/machine/decimal.ts';
import { boundedLabel } from './metrics/label.ts';
import {
  watchBudgets,
  watchEventLoop,
  watchOutbox,
  watchOverrides,
  watchProblems,
  watchReady,
  watchResting,
  watchSchedules,
} from './metrics/scraped.ts';
import { defineSeries, type Series } from './metrics/series.ts';
import type { OutboxHealth } from './store/contract/outbox.ts';

/** For labels whose values come from our own code. */
const OWN_VALUES_MAX = 50;

export type WebhookResult =
  | 'committed'
  | 'duplicate'
  | 'ignored'
  | 'foreign'
  | 'without_call'
  | 'dead_letter'
  | 'unavailable';

export interface Metrics {
  readonly contentType: string;
  text(): Promise<string>;
  /** Gauges read from the store when scraped. */
  watchOutbox(read: () => Promise<OutboxHealth>): void;
  watchSchedules(read: () => Promise<{ name: string; open: boolean }[]>): void;
  watchOverrides(read: () => Promise<{ kind: string; name: string }[]>): void;
  watchBudgets(read: () => { kind: string; perHour: number | null }[]): void;
  /** Names of targets that rest. */
  watchResting(read: () => Promise<string[]>): void;
  /** Whether `/health/ready` answers 200. */
  watchReady(read: () => boolean): void;
  /** The current problems of this process, as in the list of problems. */
  watchProblems(read: () => { kind: string; severity: string }[]): void;

  webhook(type: string, result: WebhookResult, ms: number): void;
  refusal(reason: string): void;
  clockSkew(seconds: number): void;
  /** `source` is where the event came from; the state machine decides what is late or ignored. */
  event(source: string, result: 'committed' | 'duplicate' | 'late' | 'ignored' | 'dead'): void;
  /** `rule` null is `otherwise`. */
  decision(rule: string | null): void;
  build(build: { version: string; commit: string | null }): void;
  /** `budget` as in a policy: `refers.per_hour`. */
  budgetRefused(budget: string): void;
  attemptStarted(kind: 'refer' | 'transfer', rule: string | null, target: string | null): void;
  /** Called once per verdict and per end, when it is final. */
  verdict(rule: string | null, target: string | null, verdict: string): void;
  callEnded(ends: Ends): void;
  /** The same in a caller's words; `rule` null is `otherwise`, or none. */
  callerOutcome(rule: string | null, outcome: CallerOutcome): void;
  /** Called for each caller whom we tried to move and who did not hang up first. */
  arrival(rule: string | null, arrived: 'yes' | 'no'): void;
  /** What Telnyx charged, once for each report. Credits are left out: a counter only grows. */
  cost(currency: string, part: string, amount: string): void;
  /** One request to Telnyx and its outcome. */
  command(action: string, outcome: string, ms: number): void;
  /** Called once for each lookup of a call. */
  lookup(name: string, result: string, ms: number): void;
  retry(action: string): void;
  webhookToCommand(ms: number): void;
  commandToVerdict(verdict: string, ms: number): void;
  deadline(name: string): void;
  reconciliation(what: string): void;
  /** `hash` is that of the live route set, even after a refused reload. */
  reload(result: 'ok' | 'refused' | 'unchanged', hash: string): void;
  /** Whether a kept version is live instead of the folder's set. */
  routesActivated(activated: boolean): void;
  /** The next route set decided as well; 0: there is one, so that the series is there. */
  nextRoutes(result: 'same' | 'differs', count: number): void;
  storeLatency(operation: string, ms: number): void;
  batch(events: number): void;
  /** A webhook that was missed was recovered and stored. */
  recovered(type: string): void;
  /** A handler threw, was too slow or returned an invalid answer; successes count as decisions. */
  handlerFailed(): void;
  close(): void;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  // `promtool check metrics` rejects these gauges, whose names end in _total. The gauges by type
  // remain.
  for (const kind of ['handles', 'requests', 'resources']) {
    registry.removeSingleMetric(`nodejs_active_${kind}_total`);
  }
  const series = defineSeries(registry);
  const endLoop = watchEventLoop(registry);
  const typeLabel = boundedLabel();
  const ruleLabel = boundedLabel();
  const targetLabel = boundedLabel();
  const lookupLabel = boundedLabel();
  beginWithZero(series, typeLabel('call.initiated'));
  const labels = new Map<string, (value: string) => string>();
  const bounded = (label: string, value: string) => {
    const bound = labels.get(label) ?? boundedLabel(OWN_VALUES_MAX);
    labels.set(label, bound);
    return bound(value);
  };
  const rule = (name: string | null) => (name === null ? 'otherwise' : ruleLabel(name));
  const target = (name: string | null) => (name === null ? 'literal' : targetLabel(name));

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    watchOutbox: (read) => watchOutbox(registry, read),
    watchSchedules: (read) => watchSchedules(registry, read),
    watchOverrides: (read) => watchOverrides(registry, read),
    watchResting: (read) => watchResting(registry, read),
    watchBudgets: (read) => watchBudgets(registry, read),
    watchReady: (read) => watchReady(registry, read),
    watchProblems: (read) => watchProblems(registry, read),
    webhook(type, result, ms) {
      series.webhooks.inc({ type: typeLabel(type), result });
      series.webhookSeconds.observe(ms / 1000);
    },
    refusal: (reason) => series.refusals.inc({ reason: bounded('reason', reason) }),
    clockSkew: (seconds) => series.skew.set(seconds),
    event: (source, result) => series.events.inc({ source, result }),
    decision(name) {
      const label = rule(name);
      series.decisions.inc({ rule: label });
      for (const arrived of ['yes', 'no']) series.arrivals.inc({ rule: label, arrived }, 0);
      for (const outcome of CALLER_OUTCOMES) series.callers.inc({ rule: label, outcome }, 0);
    },
    build: ({ version, commit }) => series.build.set({ version, commit: commit ?? 'none' }, 1),
    budgetRefused: (budget) => series.budgetRefusals.inc({ budget: bounded('budget', budget) }),
    attemptStarted: (kind, ruleName, targetName) =>
      series.attempts.inc({ kind, rule: rule(ruleName), target: target(targetName) }),
    verdict: (ruleName, targetName, verdict) =>
      series.verdicts.inc({ rule: rule(ruleName), target: target(targetName), verdict }),
    callEnded: (ends) => series.ended.inc({ ends }),
    callerOutcome: (name, outcome) => series.callers.inc({ rule: rule(name), outcome }),
    arrival: (name, arrived) => series.arrivals.inc({ rule: rule(name), arrived }),
    cost(currency, part, amount) {
      if (isNegative(amount)) return;
      const labels = { currency: bounded('currency', currency), part: bounded('part', part) };
      series.costs.inc(labels, Number(amount));
    },
    command(action, outcome, ms) {
      series.commands.inc({ action, outcome });
      series.commandSeconds.observe({ action }, ms / 1000);
    },
    lookup(name, result, ms) {
      const lookup = lookupLabel(name);
      series.lookups.inc({ lookup, result });
      if (result !== 'cached') series.lookupSeconds.observe({ lookup }, ms / 1000);
    },
    retry: (action) => series.retries.inc({ action }),
    webhookToCommand: (ms) => series.toCommand.observe(ms / 1000),
    commandToVerdict: (verdict, ms) => series.toVerdict.observe({ verdict }, ms / 1000),
    deadline: (name) => series.deadlines.inc({ name: bounded('deadline', name) }),
    reconciliation: (what) => series.reconciliations.inc({ what: bounded('what', what) }),
    reload(result, hash) {
      series.reloads.inc({ result });
      series.reloadRefused.set(result === 'refused' ? 1 : 0);
      series.routeSet.reset();
      series.routeSet.set({ hash }, 1);
    },
    routesActivated: (activated) => series.routesActivated.set(activated ? 1 : 0),
    nextRoutes: (result, count) => series.nextRoutes.inc({ result }, count),
    storeLatency: (operation, ms) =>
      series.storeSeconds.observe({ operation: bounded('operation', operation) }, ms / 1000),
    batch: (count) => series.batches.observe(count),
    recovered: (type) => series.recovered.inc({ type: typeLabel(type) }),
    handlerFailed: () => series.handlerFailures.inc(),
    close() {
      endLoop();
      registry.clear();
    },
  };
}

function beginWithZero(series: Series, callInitiated: string): void {
  // Rare values have alerts, and Prometheus sees no increase in a series that begins with 1.
  for (const what of ['found_dead', 'contradiction', 'release_stuck']) {
    series.reconciliations.inc({ what }, 0);
  }
  series.events.inc({ source: 'webhook', result: 'dead' }, 0);
  for (const budget of ['refers.per_hour', 'transfers.per_hour']) {
    series.budgetRefusals.inc({ budget }, 0);
  }
  // Without these, the first call after a start would not count as an increase: see
  // RefereeNoWebhooks.
  for (const ends of ENDS) series.ended.inc({ ends }, 0);
  series.webhooks.inc({ type: callInitiated, result: 'committed' }, 0);
}
