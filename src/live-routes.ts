/** The live route set as the engine and the endpoints use it: decide, explain, refer by hand, reload. */
import { decide } from './core/decide.ts';
import type { Overrides } from './core/rule.ts';
import { type Script, simulate } from './core/simulate.ts';
import type { Decider } from './engine/engine.ts';
import type { ExplainQuestion, LiveRoutes, Reloaded } from './http/live-routes.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { Reload, Routes } from './routing/reload.ts';
import type { Store } from './store/store.ts';

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

/** `told` is for reloads asked elsewhere or by a signal: they are not passed on to other replicas again. */
export function createLiveRoutes(options: LiveRoutesOptions): LiveRoutes & {
  told(): Promise<Reloaded>;
  report(reload: Reload): void;
} {
  const { routes, store, log, metrics } = options;
  return {
    current: () => routes.current().set,
    refusal: () => routes.refusal(),
    async reload() {
      const result = await told();
      // Every replica reads its own folder; the new version tells them to look.
      if (result.ok) await store.changeSetting('reload', () => ({ hash: result.hash }));
      return result;
    },
    told,
    report,
    async explain(question) {
      const { value } = await store.setting('overrides');
      const { rule, path, attempts, ends, trace } = simulate(routes.current(), {
        ...scriptOf(question),
        overrides: (value ?? {}) as Overrides,
      });
      return { rule, path, attempts, ends, trace };
    },
  };

  async function told(): Promise<Reloaded> {
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
      from,
      to,
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
