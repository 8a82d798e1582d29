import type { Metrics } from '../../src/metrics.ts';

/** Counts once in each series, because a series without any label values is not in a scrape. */
export function countSomethingEverywhere(metrics: Metrics): void {
  metrics.watchOutbox(async () => ({ pending: 0, oldestMs: 0 }));
  metrics.webhook('call.initiated', 'committed', 1);
  metrics.refusal('signature_wrong');
  metrics.clockSkew(0);
  metrics.event('webhook', 'committed');
  metrics.decision('support');
  metrics.build({ version: '1.2.3', commit: null });
  metrics.watchBudgets(() => [{ kind: 'refer', perHour: 100 }]);
  metrics.budgetRefused('refers.per_hour');
  metrics.attemptStarted('refer', 'support', 'pbx');
  metrics.verdict('support', 'pbx', 'completed');
  metrics.callEnded('referred');
  metrics.callerOutcome('support', 'reached');
  metrics.arrival('support', 'yes');
  metrics.cost('USD', 'call-control', '0.0020');
  metrics.watchOverrides(async () => [{ kind: 'switch', name: 'main-site' }]);
  metrics.watchReady(() => true);
  metrics.watchProblems(() => [{ kind: 'upkeep.failed', severity: 'warning' }]);
  metrics.watchResting(async () => ['support-us']);
  metrics.watchSchedules(async () => [{ name: 'office', open: true }]);
  metrics.command('refer', 'accepted', 1);
  metrics.lookup('crm', 'found', 1);
  metrics.retry('refer');
  metrics.webhookToCommand(1);
  metrics.commandToVerdict('completed', 1);
  metrics.deadline('attempt');
  metrics.reconciliation('found_dead');
  metrics.reload('ok', 'hash');
  metrics.routesActivated(false);
  metrics.nextRoutes('same', 1);
  metrics.storeLatency('commit', 1);
  metrics.batch(1);
  metrics.recovered('call.initiated');
  metrics.handlerFailed();
}
