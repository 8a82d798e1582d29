/** Reports lookups: each is counted, and failures of one kind are logged once a minute. */
import type { Notice } from '../../core/machine/notice.ts';
import type { Log, LogFields } from '../../log/log.ts';
import type { Metrics } from '../../metrics.ts';

const FAILED_EVERY_MS = 60_000;
/** Names come from route files, of which many may have been live. */
const KINDS_MAX = 1_000;

type LookupNotice = Extract<Notice, { kind: 'lookup' }>;

export function createLookupReport(
  log: Log,
  metrics: Pick<Metrics, 'lookup'>,
  now: () => number = () => performance.now(),
): (notice: LookupNotice, fields: LogFields) => void {
  const kinds = new Map<string, { loggedAt: number; unlogged: number }>();
  return ({ name, result, failed, ms }, fields) => {
    metrics.lookup(name, result, ms);
    if (failed === null) return;
    const key = `${name} ${result}`;
    const known = kinds.get(key);
    if (known !== undefined && now() - known.loggedAt < FAILED_EVERY_MS) {
      known.unlogged += 1;
      return;
    }
    if (known === undefined && kinds.size >= KINDS_MAX) kinds.clear();
    kinds.set(key, { loggedAt: now(), unlogged: 0 });
    const repeated = known?.unlogged ?? 0;
    log.emit('lookup.failed', { ...fields, lookup: name, result, detail: failed, ms, repeated });
  };
}
