/**
 * Connects recovery with Telnyx, the store and the receiver, and reports what it finds to the log
 * and the metrics.
 */
import type { Log } from '../../log/log.ts';
import { onceInARow } from '../../log/once.ts';
import type { Metrics } from '../../metrics.ts';
import type { Store } from '../../store/store.ts';
import type { Asking } from '../../telnyx/account/asking.ts';
import type { TelnyxClient } from '../../telnyx/client.ts';
import { createOutageSource } from '../../telnyx/outage-source.ts';
import type { Observer, Receiver } from '../engine.ts';
import { recoveryJson } from './json.ts';
import { knownOf } from './known.ts';
import { type Recovery, recover } from './recover.ts';
import { createRecoverySchedule, type RecoverySchedule } from './schedule.ts';

/** Whatever could not be asked within this time is asked the next time. */
const ASKING_MS_MAX = 5 * 60_000;

export interface RecoveryServiceOptions {
  store: Store;
  asking: Pick<Asking, 'get' | 'clockOffMs'>;
  client: Pick<TelnyxClient, 'send'>;
  receiver: Receiver;
  connectionIds: ReadonlySet<string> | null;
  storeFails(): boolean;
  log: Log;
  metrics: Metrics;
  now: () => number;
}

export function createRecoveryService(options: RecoveryServiceOptions): RecoverySchedule {
  const { store, asking, client, receiver, connectionIds, storeFails, log, metrics, now } = options;
  const { failed, worked } = onceInARow(log, 'recovery.failed');
  return createRecoverySchedule({
    store,
    storeFails,
    now,
    run: (since, signal) =>
      recover(
        {
          source: sourceOf(asking, client, signal),
          know: knownOf(store),
          receive: receiver.receive,
          connectionIds,
          servesCallers: true,
          signal,
          now,
          onRecovered: metrics.recovered,
        },
        since,
      ),
    onDone(recovery, ms) {
      if (recovery.failed !== null) failed(new Error(recovery.failed));
      else worked();
      if (recovery.failed === null || recovery.recovered > 0) {
        log.emit('recovery.done', { ...fieldsOf(recovery), secs: Math.round(ms / 100) / 10 });
      }
    },
    onFailed: failed,
  });
}

/**
 * If a probe finds that a leg has ended, its hangup never arrived, and other webhooks of that time
 * may be missing too.
 */
export function watchFoundDead(missed: (since: number) => void): Pick<Observer, 'committed'> {
  return {
    committed(event, before, _call, notices) {
      const probed = event.source === 'outcome' && event.action === 'probe';
      if (!probed || !notices.some(({ kind }) => kind === 'found_dead')) return;
      missed(before?.heardAt ?? event.receivedAt);
    },
  };
}

export function sourceOf(
  asking: Pick<Asking, 'get' | 'clockOffMs'>,
  client: Pick<TelnyxClient, 'send'>,
  signal: AbortSignal,
) {
  return createOutageSource(
    asking,
    (command) => client.send(command),
    AbortSignal.any([signal, AbortSignal.timeout(ASKING_MS_MAX)]),
  );
}

/**
 * As the API shows it, but with counts instead of lists, because callers' numbers do not belong in
 * the log.
 */
function fieldsOf(recovery: Recovery) {
  const { lost_callers: lost, unknown_live: unknown, failed: _, ...same } = recoveryJson(recovery);
  const { duplicates, unusable, foreign, postponed } = recovery;
  return {
    ...same,
    lost_callers: lost.length,
    unknown_live: unknown.length,
    duplicates,
    unusable,
    foreign,
    postponed,
  };
}
