/**
 * The current problems of all replicas, worst first: failing targets, logged problems, a refused
 * reload, overrides by operators, a store or Telnyx that does not answer. The list works without
 * the store and then reports that as a problem.
 */
import type { Verdict } from '../../core/machine/call.ts';
import { isJudged } from '../../core/machine/verdict.ts';
import { overridesOf } from '../../core/rules/override.ts';
import { healthOf, type RestState, restState } from '../../core/rules/rest.ts';
import type { RouteSet } from '../../core/rules/rule.ts';
import type { LiveRoutes } from '../../engine/live-routes.ts';
import type { Trouble } from '../../log/troubles.ts';
import type { Activity } from '../../store/contract/activity.ts';
import type { Replica } from '../../store/contract/settings.ts';
import type { Store } from '../../store/store.ts';
import { adviceFor } from '../../telnyx/advice.ts';
import type { StoreWatch } from '../health.ts';
import { HTTP_LIMITS } from '../limits.ts';
import { VIEWER } from '../people/roles.ts';
import type { ApiScope } from './api.ts';
import { iso } from './calls-json.ts';
import { csvText, JSON_OR_CSV, jsonOrCsv, members } from './csv.ts';
import { type ForcedTrouble, forcedProblems } from './forced-problems.ts';
import type { ReadActivity } from './stats.ts';
import { sum } from './stats-json.ts';
import { PROBLEMS } from './stats-schemas.ts';

export interface ProblemsDeps {
  store: Pick<Store, 'outbox' | 'replicas' | 'setting'>;
  storeWatch: StoreWatch;
  routes: Pick<LiveRoutes, 'refusal' | 'current'>;
  /** The problems of this process, and its name among the replicas. */
  troubles?: { instance: string; here: () => Trouble[] };
  now: () => number;
}

type Listed = Trouble & { replica: string | null; forced?: ForcedTrouble['forced'] };

export function registerProblems(app: ApiScope, deps: ProblemsDeps, read: ReadActivity): void {
  app.get('/v1/problems', { schema: SCHEMA, config: VIEWER }, async (request, reply) => {
    const here = deps.troubles?.here() ?? [];
    const store = await storeProblems(deps, read);
    const all = [...store, ...refusedReload(deps), ...here.map(own)].toSorted(worstFirst);
    return jsonOrCsv(
      request,
      reply,
      { problems: oneOfTheStore(all).map(problemJson) },
      problemsCsv,
    );
  });

  function own(trouble: Trouble): Listed {
    return { ...trouble, replica: null };
  }
}

/** A failing store causes many problems; only the most serious of them is shown. */
function oneOfTheStore(problems: Listed[]): Listed[] {
  const standing = problems.find(({ kind }) => kind === 'store.unavailable');
  const told = standing ?? problems.find(({ cause }) => cause === 'store');
  return problems.filter((problem) => problem === told || problem.cause !== 'store');
}

/** Problems found in the store, or the problem that it does not answer. */
async function storeProblems(deps: ProblemsDeps, read: ReadActivity): Promise<Listed[]> {
  const { store, storeWatch, routes, now } = deps;
  const failure = storeWatch.failure();
  if (failure !== null) return [storeTrouble(failure)];
  try {
    const [outbox, replicas, activity, overrides, rest] = await Promise.all([
      store.outbox(),
      store.replicas(),
      read(now() - HTTP_LIMITS.statsSpanMs),
      store.setting('overrides'),
      store.setting('rest'),
    ]);
    const forced = forcedProblems(routes.current(), overridesOf(overrides.value), now());
    return [
      ...failingTargets(activity),
      ...stuckOutbox(outbox),
      ...others(replicas, deps),
      ...forced,
      ...restingTargets(routes.current(), restState(rest.value), now()),
    ];
  } catch (error) {
    return [storeTrouble(error instanceof Error ? error.message : String(error))];
  }
}

/** Targets with fewer than half of their attempts completed. Abandoned attempts do not count. */
function failingTargets(activity: Activity): Listed[] {
  const byTarget = Map.groupBy(activity.attempts, ({ target }) => target);
  return [...byTarget].flatMap(([target, groups]) => {
    const judged = groups.filter(({ verdict }) => isJudged(verdict));
    const total = sum(judged);
    const failed = judged.filter(({ verdict }) => verdict !== 'completed');
    const failures = sum(failed);
    if (total < HTTP_LIMITS.failingAttemptsMin) return [];
    if ((total - failures) / total >= HTTP_LIMITS.failingSuccessRate) return [];
    const verdicts = [...Map.groupBy(failed, ({ verdict }) => verdict)]
      .map(([verdict, own]) => ({ verdict, count: sum(own) }))
      .toSorted((a, b) => b.count - a.count);
    const advice = adviceFor({ verdict: (verdicts[0]?.verdict ?? 'other') as Verdict });
    const list = verdicts.map(({ verdict, count }) => `${count} ${verdict}`).join(', ');
    return [
      {
        ...NOTHING,
        kind: 'target.failing',
        severity: failures === total ? ('error' as const) : ('warning' as const),
        title: `${failures} of ${total} attempts at ${target ?? 'literal destinations'} failed`,
        detail: `${list}. ${advice === null ? '' : `${advice.meaning} ${advice.cause}`}`.trim(),
        fix: advice?.fix ?? null,
        count: failures,
        target,
      },
    ];
  });
}

/** Targets that an operator has put to rest are listed with the overrides instead. */
function restingTargets({ targets, policy }: RouteSet, state: RestState, at: number): Listed[] {
  return [...targets.values()].flatMap(({ name, rest }) => {
    const down = (rest ?? policy.rest) ? healthOf(state, name)?.rest : null;
    if (!down) return [];
    const next =
      down.nextTryAt > at ? `next try at ${iso(down.nextTryAt)}` : 'the next caller tries it';
    return [
      {
        ...NOTHING,
        kind: 'target.resting',
        severity: 'warning' as const,
        title: `Target ${name} rests since ${iso(down.since)}, ${next}`,
        detail: `${down.why}. Hunts skip it while another target follows; it wakes when it answers.`,
        fix: `Look at the target: its PBX or trunk fails or does not answer. If it works again, run npx referee targets ${name} auto, or use the page.`,
        count: 1,
        firstAt: down.since,
        target: name,
      },
    ];
  });
}

function stuckOutbox({ pending, oldestMs }: { pending: number; oldestMs: number }): Listed[] {
  if (oldestMs < HTTP_LIMITS.outboxAgeWarnMs) return [];
  return [
    {
      ...NOTHING,
      kind: 'outbox.old',
      severity: 'error',
      title: `A command has waited ${Math.round(oldestMs / 1000)} s to be sent`,
      detail: `${pending} ${pending === 1 ? 'command waits' : 'commands wait'}. Callers are waiting.`,
      fix: 'Telnyx answers slowly or not at all, or no replica sends commands: look for command.retry and command.misconfigured in the log.',
      count: pending,
    },
  ];
}

function others(replicas: Replica[], { troubles, routes, now }: ProblemsDeps): Listed[] {
  const awake = replicas.filter(
    ({ id, seenAt }) => id !== troubles?.instance && now() - seenAt < HTTP_LIMITS.replicaSeenMs,
  );
  const said = new Set([routes.refusal()?.problems[0]?.message]);
  return awake.flatMap(({ id, troubles: seen, refusal, routeSet }) => {
    const listed: Listed[] = Array.isArray(seen)
      ? (seen as Trouble[]).map((trouble) => ({ ...NOTHING, ...trouble, replica: id }))
      : [];
    // Replicas refuse the same folder for the same reason, so it is shown once.
    if (refusal !== null) {
      if (!said.has(refusal)) listed.push({ ...refused(refusal, null), replica: id });
      said.add(refusal);
    } else if (troubles !== undefined && routeSet !== null && routeSet !== routes.current().hash) {
      listed.push({
        ...NOTHING,
        kind: 'routes.differ',
        severity: 'warning',
        title: 'Two replicas run different route sets',
        detail: `This one runs ${routes.current().hash.slice(0, 12)}, the other ${routeSet.slice(0, 12)}.`,
        fix: 'Copy the same routes folder to every replica, then reload.',
        replica: id,
      });
    }
    return listed;
  });
}

function refusedReload({ routes }: ProblemsDeps): Listed[] {
  const refusal = routes.refusal();
  if (refusal === null) return [];
  const [first] = refusal.problems;
  const where = first === undefined ? '' : `${first.file}:${first.line}: ${first.message}`;
  return [{ ...refused(where, refusal.at), count: Math.max(1, refusal.problems.length) }];
}

function refused(detail: string, at: number | null): Listed {
  return {
    ...NOTHING,
    kind: 'routes.refused',
    severity: 'error',
    title: 'The last reload of the call routes was refused; the previous routes are live',
    detail,
    fix: 'Run npx referee check on the routes folder, fix what it reports, and reload.',
    lastAt: at,
  };
}

function storeTrouble(detail: string): Listed {
  return {
    ...NOTHING,
    kind: 'store.unavailable',
    severity: 'error',
    title: 'The store does not answer; webhooks are answered 503 and Telnyx delivers them again',
    cause: 'store',
    detail,
    fix: 'Check the database (disk, permissions, connections). No restart is needed afterwards.',
  };
}

const NOTHING = {
  detail: null,
  fix: null,
  count: 1,
  firstAt: null,
  lastAt: null,
  target: null,
  replica: null,
} as const;

function worstFirst(a: Listed, b: Listed): number {
  if (a.severity !== b.severity) return a.severity === 'error' ? -1 : 1;
  return (b.lastAt ?? Number.POSITIVE_INFINITY) - (a.lastAt ?? Number.POSITIVE_INFINITY) || 0;
}

function problemJson({ firstAt, lastAt, cause: _, forced, ...problem }: Listed) {
  return {
    ...problem,
    forced: forced ?? null,
    first_at: firstAt === null ? null : iso(firstAt),
    last_at: lastAt === null ? null : iso(lastAt),
  };
}

type ProblemRow = Omit<ReturnType<typeof problemJson>, 'forced'>;

const COLUMNS = [
  ...members<ProblemRow>('kind', 'severity', 'title', 'detail', 'fix', 'count'),
  ...members<ProblemRow>('first_at', 'last_at', 'target', 'replica'),
];

export function problemsCsv({ problems }: { problems: readonly ProblemRow[] }): string {
  return csvText(COLUMNS, problems);
}

const SCHEMA = {
  tags: ['health'],
  summary: 'The current problems of all replicas, worst first',
  produces: JSON_OR_CSV,
  response: { 200: PROBLEMS },
} as const;
