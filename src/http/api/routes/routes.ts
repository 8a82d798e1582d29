/** The live route set: its content, proving one of its rules, and reloading it. */
import { iso } from '../../../core/iso-time.ts';
import type { Overrides } from '../../../core/rules/override.ts';
import type { RouteSet } from '../../../core/rules/rule.ts';
import { templateText } from '../../../core/rules/texts/template.ts';
import type { LiveRoutes } from '../../../engine/live-routes.ts';
import { replicasSeen } from '../../../engine/other-replicas.ts';
import type { NextReport } from '../../../engine/routes/next-routes.ts';
import { problemsText } from '../../../routing/problem.ts';
import type { Replica } from '../../../store/contract/settings.ts';
import { currentOverrides } from '../../../store/current-overrides.ts';
import type { Store } from '../../../store/store.ts';
import { ADMIN, VIEWER } from '../../people/roles.ts';
import { sendProblem } from '../../problem.ts';
import type { ApiScope } from '../api.ts';
import { type Audit, operatorOf } from '../audit.ts';
import { scheduleOverrideJson } from '../overriding/schedules.ts';
import { switchesJson } from '../overriding/switches.ts';
import { ACT_BODY, PROBLEM } from '../schemas.ts';
import { PROVE_QUERY, PROVED, RELOADED, ROUTES } from './routes-schemas.ts';

export interface RoutesDeps {
  routes: LiveRoutes;
  store: Pick<Store, 'setting' | 'replicas' | 'due'>;
  audit: Audit;
  now: () => number;
}

export function registerRoutes(app: ApiScope, deps: RoutesDeps): void {
  app.get('/v1/routes', { schema: ROUTES_SCHEMA, config: VIEWER }, async () => {
    const [overrides, replicas] = await Promise.all([
      currentOverrides(deps.store),
      replicasSeen(deps.store),
    ]);
    const refusal = deps.routes.refusal();
    const activated = deps.routes.activated();
    return {
      ...routeSetJson(deps.routes.current(), overrides, deps.now()),
      last_refusal: refusal === null ? null : { at: iso(refusal.at), problems: refusal.problems },
      activated: activated === null ? null : { ...activated, at: iso(activated.at) },
      next: nextJson(deps.routes.next()),
      replicas: replicas.map(replicaJson),
    };
  });

  app.get('/v1/routes/prove', { schema: PROVE_SCHEMA, config: VIEWER }, async (request, reply) => {
    const { rule } = request.query;
    const proved = await deps.routes.prove(rule);
    if (proved !== null) return proved;
    return sendProblem(reply, {
      status: 404,
      reason: 'no_such_rule',
      detail: `The live route set has no rule ${JSON.stringify(rule)}; GET /v1/routes lists them, and otherwise is one.`,
    });
  });

  app.post(
    '/v1/routes/reload',
    { schema: RELOAD_SCHEMA, config: { ...ADMIN, action: 'reload' } },
    async (request, reply) => {
      const reloaded = await deps.audit.record(
        request,
        { to: null },
        () => deps.routes.reload(operatorOf(request)),
        ({ ok, hash }) => ({ result: ok ? 'ok' : ROUTES_REFUSED, to: hash }),
      );
      if (reloaded.ok) {
        const { hash, changed, warnings } = reloaded;
        return { ok: true as const, hash, changed, warnings };
      }
      return sendProblem(reply, {
        status: 422,
        reason: ROUTES_REFUSED,
        detail: `The call routes have ${problemsText(reloaded.problems)}; the set ${reloaded.hash.slice(0, 12)} stays live.`,
        problems: reloaded.problems,
        hash: reloaded.hash,
      });
    },
  );
}

const ROUTES_REFUSED = 'routes_refused';

function routeSetJson(set: RouteSet, overrides: Overrides, now: number) {
  return {
    hash: set.hash,
    files: set.files,
    rules: set.rules.map((rule) => ({
      name: rule.name,
      file: rule.file,
      line: rule.line,
      handler: 'handler' in rule.action ? rule.action.handler : null,
    })),
    targets: [...set.targets.values()].map((target) => ({
      name: target.name,
      sip: templateText(target.sip),
      timeout_ms: target.timeoutMs,
      bye_without_verdict: target.byeWithoutVerdict,
      via: target.via === null ? null : [...target.via],
    })),
    numbers: [...(set.numbers ?? [])].map(([number, label]) => ({ number, label })),
    schedules: [...set.schedules.values()].map((schedule) => ({
      name: schedule.name,
      zone: schedule.zone,
      override: scheduleOverrideJson(schedule, overrides, now),
    })),
    switches: switchesJson(set, overrides, now),
    lookups: [...set.lookups.values()].map(({ name, url, keep, timeoutMs, cacheMs }) => ({
      name,
      url: templateText(url),
      keep: keep.map((each) => each.name),
      timeout_ms: timeoutMs,
      cache_ms: cacheMs,
    })),
    lists: [...set.lists.values()].map((list) => ({
      name: list.name,
      entries: list.entries.length,
    })),
    tables: [...set.tables.values()].map(({ name, file, key, rows, columns }) => ({
      name,
      file,
      key,
      rows,
      columns: [...columns],
    })),
  };
}

function nextJson(next: NextReport | null) {
  if (next === null) return null;
  const { hash, percent, decided, differs, notCompared, since, changes, refusal } = next;
  return {
    hash,
    percent,
    decided,
    differs,
    not_compared: notCompared,
    since: iso(since),
    changes,
    last_refusal: refusal === null ? null : { at: iso(refusal.at), problems: refusal.problems },
  };
}

function replicaJson(replica: Replica & { gone: boolean }) {
  return {
    id: replica.id,
    started_at: iso(replica.startedAt),
    seen_at: iso(replica.seenAt),
    gone: replica.gone,
    route_set: replica.routeSet,
    refusal: replica.refusal,
  };
}

const ROUTES_SCHEMA = {
  tags: ['routes'],
  summary: 'The live route set, the last refused reload, and what every replica runs',
  response: { 200: ROUTES },
} as const;

const PROVE_SCHEMA = {
  tags: ['routes'],
  summary: 'Every path of one rule: what can happen to its callers, and the worst cases',
  querystring: PROVE_QUERY,
  response: { 200: PROVED, 400: PROBLEM, 404: PROBLEM },
} as const;

const RELOAD_SCHEMA = {
  tags: ['routes'],
  summary: 'Reload the routes folder; an invalid set is refused and the previous one stays live',
  body: ACT_BODY,
  response: { 200: RELOADED, 400: PROBLEM, 422: PROBLEM },
} as const;
