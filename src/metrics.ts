/**
 * Prometheus metrics. The rest of the program calls one method per fact and does not know
 * prom-client. Every label is bounded: values that an outsider or an operator chooses freely (event
 * types, rules, targets) count as `other` beyond a limit, so that they cannot exhaust our memory or
 * Prometheus'.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { ENDS, type Ends } from './core/machine/call.ts';
import { isNegative } from './core/machine/decimal.ts';
import type { OutboxHealth } from './store/store.ts';

export const LABEL_VALUES_MAX = 200;
/** For labels whose values come from our own code. */
const OWN_VALUES_MAX = 50;
const LABEL_CHARS_MAX = 120;
const SCRAPE_STORE_TIMEOUT_MS = 1_000;

export type WebhookResult =
  | 'committed'
  | 'duplicate'
  | 'ignored'
  | 'foreign'
  | 'dead_letter'
  | 'unavailable';

export interface Metrics {
  readonly contentType: string;
  text(): Promise<string>;
  /** Gauges read from the store when scraped. */
  watchOutbox(read: () => Promise<OutboxHealth>): void;
  watchSchedules(read: () => Promise<{ name: string; open: boolean }[]>): void;

  webhook(type: string, result: WebhookResult, ms: number): void;
  refusal(reason: string): void;
  clockSkew(seconds: number): void;
  /** `source` is where the event came from; the state machine decides what is late or ignored. */
  event(source: string, result: 'committed' | 'duplicate' | 'late' | 'ignored' | 'dead'): void;
  /** `rule` null is `otherwise`. */
  decision(rule: string | null): void;
  attemptStarted(kind: 'refer' | 'transfer', rule: string | null, target: string | null): void;
  /** Called once per verdict and per end, when it is final. */
  verdict(rule: string | null, target: string | null, verdict: string): void;
  callEnded(ends: Ends): void;
  /** Called for each caller whom we tried to move and who did not hang up first. */
  arrival(rule: string | null, arrived: 'yes' | 'no'): void;
  /** What Telnyx charged, once for each report. Credits are left out: a counter only grows. */
  cost(currency: string, part: string, amount: string): void;
  /** One request to Telnyx and its outcome. */
  command(action: string, outcome: string, ms: number): void;
  retry(action: string): void;
  webhookToCommand(ms: number): void;
  commandToVerdict(verdict: string, ms: number): void;
  deadline(name: string): void;
  reconciliation(what: string): void;
  /** `hash` is that of the live route set, even after a refused reload. */
  reload(result: 'ok' | 'refused' | 'unchanged', hash: string): void;
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
  const loopDelay = monitorEventLoopDelay({ resolution: 10 });
  loopDelay.enable();
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name: `referee_${name}`, help, labelNames, registers: [registry] });
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: `referee_${name}`, help, labelNames, registers: [registry] });
  const histogram = (name: string, help: string, buckets: number[], labelNames: string[] = []) =>
    new Histogram({ name: `referee_${name}`, help, labelNames, buckets, registers: [registry] });

  const typeLabel = boundedLabel();
  const ruleLabel = boundedLabel();
  const targetLabel = boundedLabel();

  const webhooks = counter('webhooks_total', 'Webhooks, by event type and result.', [
    'type',
    'result',
  ]);
  const webhookSeconds = histogram(
    'webhook_duration_seconds',
    'Time from the first byte to the answer, of signed webhooks.',
    FAST,
  );
  const refusals = counter('webhook_refusals_total', 'Webhooks refused, by reason.', ['reason']);
  const skew = gauge(
    'webhook_clock_skew_seconds',
    'Our clock minus the timestamp of the last genuine webhook.',
  );
  const events = counter('events_total', 'Events of calls, by source and result.', [
    'source',
    'result',
  ]);
  const decisions = counter('decisions_total', 'Decisions, by rule.', ['rule']);
  const attempts = counter('attempts_total', 'Attempts to move a caller.', [
    'kind',
    'rule',
    'target',
  ]);
  const verdicts = counter('verdicts_total', 'Verdicts of attempts, once they are final.', [
    'rule',
    'target',
    'verdict',
  ]);
  const ended = counter(
    'calls_ended_total',
    'Callers, by how their call ended, once that is final.',
    ['ends'],
  );
  const arrivals = counter(
    'arrivals_total',
    'Callers whom we tried to move and who did not hang up first, by whether they arrived.',
    ['rule', 'arrived'],
  );
  const costs = counter('cost_total', 'What Telnyx charged for calls, in the currency named.', [
    'currency',
    'part',
  ]);
  const commands = counter('commands_total', 'Requests to Telnyx, by action and outcome.', [
    'action',
    'outcome',
  ]);
  const commandSeconds = histogram(
    'command_duration_seconds',
    'Time Telnyx took to answer a request.',
    REMOTE,
    ['action'],
  );
  const retries = counter('command_retries_total', 'Commands scheduled to be sent again.', [
    'action',
  ]);
  const toCommand = histogram(
    'webhook_to_command_seconds',
    'Time from a webhook to the first request of the command it caused.',
    FAST,
  );
  const toVerdict = histogram(
    'command_to_verdict_seconds',
    'Time from the acceptance of an attempt by Telnyx to its verdict.',
    [0.5, 1, 2, 5, 10, 15, 20, 30, 45, 60, 120],
    ['verdict'],
  );
  const deadlines = counter('deadlines_total', 'Due deadlines, by name.', ['name']);
  const reconciliations = counter(
    'reconciliations_total',
    'Calls whose real state differed from ours: hangup missed, wrong account, cannot be ended.',
    ['what'],
  );
  // Rare values have alerts, and Prometheus sees no increase in a series that begins with 1.
  for (const what of ['found_dead', 'contradiction', 'release_stuck']) {
    reconciliations.inc({ what }, 0);
  }
  events.inc({ source: 'webhook', result: 'dead' }, 0);
  // Without these, the first call after a start would not count as an increase: see
  // RefereeNoWebhooks.
  for (const ends of ENDS) ended.inc({ ends }, 0);
  webhooks.inc({ type: typeLabel('call.initiated'), result: 'committed' }, 0);
  const reloads = counter('route_reloads_total', 'Reloads of the route set.', ['result']);
  const routeSet = gauge('route_set_info', 'The live route set, by content hash.', ['hash']);
  const reloadRefused = gauge(
    'route_reload_refused',
    '1 while the last reload was refused and an older route set is live.',
  );
  const storeSeconds = histogram('store_duration_seconds', 'Duration of store operations.', FAST, [
    'operation',
  ]);
  const batches = histogram(
    'store_batch_events',
    'Events in one group commit.',
    [1, 2, 5, 10, 20, 50, 100, 200],
  );
  const recovered = counter(
    'recovered_events_total',
    'Webhooks that were missed and later recovered from Telnyx’s failed deliveries, by event type.',
    ['type'],
  );
  const handlerFailures = counter(
    'handler_failures_total',
    'Handlers that threw, were too slow or returned an invalid answer.',
  );
  new Gauge({
    name: 'referee_event_loop_delay_seconds',
    help: 'Event-loop delay since the last scrape.',
    // Not `quantile`, which Prometheus reserves for summaries.
    labelNames: ['percentile'],
    registers: [registry],
    collect() {
      for (const percentile of [50, 99, 100]) {
        this.set({ percentile: `${percentile}` }, loopDelay.percentile(percentile) / 1e9);
      }
      loopDelay.reset();
    },
  });

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
    webhook(type, result, ms) {
      webhooks.inc({ type: typeLabel(type), result });
      webhookSeconds.observe(ms / 1000);
    },
    refusal: (reason) => refusals.inc({ reason: bounded('reason', reason) }),
    clockSkew: (seconds) => skew.set(seconds),
    event: (source, result) => events.inc({ source, result }),
    decision(name) {
      const label = rule(name);
      decisions.inc({ rule: label });
      for (const arrived of ['yes', 'no']) arrivals.inc({ rule: label, arrived }, 0);
    },
    attemptStarted: (kind, ruleName, targetName) =>
      attempts.inc({ kind, rule: rule(ruleName), target: target(targetName) }),
    verdict: (ruleName, targetName, verdict) =>
      verdicts.inc({ rule: rule(ruleName), target: target(targetName), verdict }),
    callEnded: (ends) => ended.inc({ ends }),
    arrival: (name, arrived) => arrivals.inc({ rule: rule(name), arrived }),
    cost(currency, part, amount) {
      if (isNegative(amount)) return;
      const labels = { currency: bounded('currency', currency), part: bounded('part', part) };
      costs.inc(labels, Number(amount));
    },
    command(action, outcome, ms) {
      commands.inc({ action, outcome });
      commandSeconds.observe({ action }, ms / 1000);
    },
    retry: (action) => retries.inc({ action }),
    webhookToCommand: (ms) => toCommand.observe(ms / 1000),
    commandToVerdict: (verdict, ms) => toVerdict.observe({ verdict }, ms / 1000),
    deadline: (name) => deadlines.inc({ name: bounded('deadline', name) }),
    reconciliation: (what) => reconciliations.inc({ what: bounded('what', what) }),
    reload(result, hash) {
      reloads.inc({ result });
      reloadRefused.set(result === 'refused' ? 1 : 0);
      routeSet.reset();
      routeSet.set({ hash }, 1);
    },
    storeLatency: (operation, ms) =>
      storeSeconds.observe({ operation: bounded('operation', operation) }, ms / 1000),
    batch: (count) => batches.observe(count),
    recovered: (type) => recovered.inc({ type: typeLabel(type) }),
    handlerFailed: () => handlerFailures.inc(),
    close() {
      loopDelay.disable();
      registry.clear();
    },
  };
}

/** The first `max` values keep their names; every later one is `other`. */
export function boundedLabel(max = LABEL_VALUES_MAX): (value: string) => string {
  const known = new Set<string>();
  return (value) => {
    if (known.has(value)) return value;
    if (known.size >= max || value.length > LABEL_CHARS_MAX) return 'other';
    known.add(value);
    return value;
  };
}

/**
 * Both gauges share one query per scrape. If the store does not answer, the gauges are absent and
 * the scrape still succeeds.
 */
function watchOutbox(registry: Registry, read: () => Promise<OutboxHealth>): void {
  let looking: Promise<OutboxHealth | null> | null = null;
  const look = () => {
    looking ??= Promise.race([read().catch(() => null), timeLimit()]).finally(() => {
      looking = null;
    });
    return looking;
  };
  const fromOutbox = (name: string, help: string, value: (health: OutboxHealth) => number) =>
    new Gauge({
      name: `referee_outbox_${name}`,
      help,
      registers: [registry],
      async collect() {
        const health = await look();
        if (health === null) this.remove();
        else this.set(value(health));
      },
    });
  fromOutbox(
    'pending',
    'Commands that are stored and have no outcome yet.',
    ({ pending }) => pending,
  );
  fromOutbox(
    'oldest_seconds',
    'Age of the oldest pending command; 0 if there is none.',
    ({ oldestMs }) => oldestMs / 1000,
  );
}

/** RefereeNoWebhooks is silent while all schedules are closed. */
function watchSchedules(
  registry: Registry,
  read: () => Promise<{ name: string; open: boolean }[]>,
): void {
  const label = boundedLabel();
  new Gauge({
    name: 'referee_schedule_open',
    help: '1 while a schedule of the live call routes is open, overrides included.',
    labelNames: ['schedule'],
    registers: [registry],
    async collect() {
      const schedules = await Promise.race([read().catch(() => null), timeLimit()]);
      this.reset();
      for (const { name, open } of schedules ?? []) {
        this.set({ schedule: label(name) }, open ? 1 : 0);
      }
    },
  });
}

function timeLimit(): Promise<null> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(null), SCRAPE_STORE_TIMEOUT_MS).unref();
  });
}

/**
 * In seconds. Telnyx waits 2 s for a webhook's answer; a group commit takes about a millisecond.
 */
const FAST = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2];
const REMOTE = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5];
