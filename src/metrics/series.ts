/** All series that are updated as things happen: name, description, labels. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export type Series = ReturnType<typeof defineSeries>;

export function defineSeries(registry: Registry) {
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name: `referee_${name}`, help, labelNames, registers: [registry] });
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: `referee_${name}`, help, labelNames, registers: [registry] });
  const histogram = (name: string, help: string, buckets: number[], labelNames: string[] = []) =>
    new Histogram({ name: `referee_${name}`, help, labelNames, buckets, registers: [registry] });

  return {
    webhooks: counter('webhooks_total', 'Webhooks, by event type and result.', ['type', 'result']),
    webhookSeconds: histogram(
      'webhook_duration_seconds',
      'Time from the first byte to the answer, of signed webhooks.',
      FAST,
    ),
    refusals: counter('webhook_refusals_total', 'Webhooks refused, by reason.', ['reason']),
    skew: gauge(
      'webhook_clock_skew_seconds',
      'Our clock minus the timestamp of the last genuine webhook.',
    ),
    events: counter('events_total', 'Events of calls, by source and result.', ['source', 'result']),
    decisions: counter('decisions_total', 'Decisions, by rule.', ['rule']),
    budgetRefusals: counter(
      'budget_refusals_total',
      'Attempts that were rejected before anything was sent, because a budget of the policy was used up.',
      ['budget'],
    ),
    build: gauge(
      'build_info',
      'The version that runs, and the git commit it was checked out at, or none.',
      ['version', 'commit'],
    ),
    attempts: counter('attempts_total', 'Attempts to move a caller.', ['kind', 'rule', 'target']),
    verdicts: counter('verdicts_total', 'Verdicts of attempts, once they are final.', [
      'rule',
      'target',
      'verdict',
    ]),
    ended: counter('calls_ended_total', 'Callers, by how their call ended, once that is final.', [
      'ends',
    ]),
    callers: counter(
      'callers_total',
      'Callers, by rule and by what became of them, once that is final.',
      ['rule', 'outcome'],
    ),
    arrivals: counter(
      'arrivals_total',
      'Callers whom we tried to move and who did not hang up first, by whether they arrived.',
      ['rule', 'arrived'],
    ),
    costs: counter('cost_total', 'What Telnyx charged for calls, by currency and part.', [
      'currency',
      'part',
    ]),
    commands: counter('commands_total', 'Requests to Telnyx, by action and outcome.', [
      'action',
      'outcome',
    ]),
    commandSeconds: histogram(
      'command_duration_seconds',
      'Time Telnyx took to answer a request.',
      REMOTE,
      ['action'],
    ),
    lookups: counter('lookups_total', 'Lookups, by name and result.', ['lookup', 'result']),
    lookupSeconds: histogram(
      'lookup_duration_seconds',
      'How long a decision waited for the answer of a lookup, cached answers left out.',
      REMOTE,
      ['lookup'],
    ),
    retries: counter('command_retries_total', 'Commands scheduled to be sent again.', ['action']),
    toCommand: histogram(
      'webhook_to_command_seconds',
      'Time from storing a command to its first request, lookups left out.',
      FAST,
    ),
    toVerdict: histogram(
      'command_to_verdict_seconds',
      'Time from when Telnyx accepted an attempt to its verdict.',
      [0.5, 1, 2, 5, 10, 15, 20, 30, 45, 60, 120],
      ['verdict'],
    ),
    deadlines: counter('deadlines_total', 'Due deadlines, by name.', ['name']),
    reconciliations: counter(
      'reconciliations_total',
      'Calls whose state differed from what we expected: hangup missed, wrong account, cannot be ended.',
      ['what'],
    ),
    reloads: counter('route_reloads_total', 'Reloads of the route set.', ['result']),
    routeSet: gauge('route_set_info', 'The live route set, by content hash.', ['hash']),
    reloadRefused: gauge(
      'route_reload_refused',
      '1 while the last reload was refused and an older route set is live.',
    ),
    routesActivated: gauge(
      'routes_activated',
      '1 while an older version of the routes, activated by an operator, is live instead of the folder.',
    ),
    nextRoutes: counter(
      'next_routes_decisions_total',
      'Decisions that the next route set (ROUTES_NEXT_DIR) also made, by whether they differ from those of the live set.',
      ['result'],
    ),
    storeSeconds: histogram(
      'store_duration_seconds',
      'How long the store took to load or commit a batch of events.',
      FAST,
      ['operation'],
    ),
    batches: histogram(
      'store_batch_events',
      'Events in one group commit.',
      [1, 2, 5, 10, 20, 50, 100, 200],
    ),
    recovered: counter(
      'recovered_events_total',
      'Webhooks that were missed and later recovered from Telnyx’s failed deliveries, by event type.',
      ['type'],
    ),
    handlerFailures: counter(
      'handler_failures_total',
      'Handlers that threw, were too slow or returned an invalid answer.',
    ),
  };
}

/**
 * In seconds. Telnyx waits 2 s for a webhook's answer; a group commit takes about a millisecond.
 */
const FAST = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2];
const REMOTE = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5];
