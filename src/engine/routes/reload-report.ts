/** What is logged, counted and kept of each reload, of the live set and of the next one. */
import type { Overrides } from '../../core/rules/override.ts';
import { listOverrides } from '../../core/rules/override.ts';
import type { Log } from '../../log/log.ts';
import type { Trouble } from '../../log/troubles.ts';
import type { Metrics } from '../../metrics.ts';
import { countOf } from '../../routing/problem.ts';
import type { Reload, Routes } from '../../routing/reload.ts';
import type { NextSet } from './next-routes.ts';
import type { RouteVersions } from './route-versions.ts';

export interface ReloadReport {
  /** `who` made the current set live. */
  live(reload: Reload, who: string): void;
  next(reload: Reload): void;
}

export interface ReloadReportOptions {
  routes: Routes;
  next: NextSet | null;
  log: Log;
  metrics: Metrics;
  versions: RouteVersions;
  now: () => number;
  overrides(): Promise<Overrides>;
  /** Whether a kept version is live instead of the folder's. */
  isActivated(): boolean;
}

export function createReloadReport(options: ReloadReportOptions): ReloadReport {
  const { routes, next, log, metrics, versions } = options;
  /** The set that was kept last as the live one. */
  let keptHash: string | null = null;
  let keptNextHash: string | null = null;
  if (next === null || next.percent === 0) versions.endNext();
  return {
    live(result, who) {
      metrics.routesActivated(options.isActivated());
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
    },
    next(result) {
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
    },
  };

  function keep(hash: string, who: string): void {
    const files = routes.takeFiles();
    versions.keep({ hash, role: 'live', who, left: keptHash, dir: routes.dir, files });
    keptHash = hash;
    // The next set may have been kept as the live one until now, and some callers still follow it.
    if (next !== null) keepNext(next);
  }

  /** A set that nobody follows need not be kept, because no call names it. */
  function keepNext({ folder, percent }: NextSet): void {
    const hash = folder.current()?.set.hash;
    if (hash === undefined || percent === 0) return;
    const { dir } = folder;
    const files = folder.takeFiles();
    versions.keep({ hash, role: 'next', who: 'next', left: keptNextHash, dir, files });
    keptNextHash = hash;
  }

  /** A store that does not answer is reported elsewhere, and the overview shows the same. */
  async function reportUnknown(): Promise<void> {
    const overrides = await options.overrides().catch(() => ({}));
    for (const override of listOverrides(routes.current().set, overrides, options.now())) {
      if (override.known) continue;
      const { kind, name, state, reason = null, by = null } = override;
      log.emit('override.unknown', { kind, name, state, reason, by });
    }
  }
}

/** A refused next folder. */
export function nextTroubles(next: NextSet | null): Trouble[] {
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
      count: Math.max(1, countOf(refusal.problems)),
      firstAt: refusal.at,
      lastAt: refusal.at,
      target: null,
    },
  ];
}
