/**
 * The current problems of all replicas, worst first: failing targets, logged problems, a refused
 * reload, overrides by operators, a store or Telnyx that does not answer. The list works without
 * the store and then reports that as a problem.
 */
import { iso } from '../../../core/iso-time.ts';
import { restState } from '../../../core/rules/targets/rest.ts';
import type { LiveRoutes } from '../../../engine/live-routes.ts';
import { livingReplicas } from '../../../engine/other-replicas.ts';
import { TooBusy } from '../../../errors.ts';
import type { Trouble } from '../../../log/troubles.ts';
import { countOf } from '../../../routing/problem.ts';
import type { Replica } from '../../../store/contract/settings.ts';
import { currentOverrides } from '../../../store/current-overrides.ts';
import type { Store } from '../../../store/store.ts';
import type { StoreWatch } from '../../health.ts';
import { VIEWER } from '../../people/roles.ts';
import type { ApiScope } from '../api.ts';
import { csvText, JSON_OR_CSV, jsonOrCsv, members } from '../csv.ts';
import type { ReadActivity } from '../stats/stats.ts';
import { PROBLEMS } from '../stats/stats-schemas.ts';
import { overrideProblems } from './override-problems.ts';
import {
  differing,
  failingTargets,
  type Listed,
  NOTHING,
  refused,
  restingTargets,
  storeTrouble,
  stuckOutbox,
} from './problem-kinds.ts';

export interface ProblemsDeps {
  store: Pick<Store, 'outbox' | 'replicas' | 'due' | 'setting'>;
  storeWatch: StoreWatch;
  routes: Pick<LiveRoutes, 'refusal' | 'current'>;
  /** The problems of this process, and its name among the replicas. */
  troubles?: { instance: string; here: () => Trouble[] };
  now: () => number;
}

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
  const shown = standing ?? problems.find(({ cause }) => cause === 'store');
  return problems.filter((problem) => problem === shown || problem.cause !== 'store');
}

/** Problems found in the store, or the problem that it does not answer. */
async function storeProblems(deps: ProblemsDeps, read: ReadActivity): Promise<Listed[]> {
  const { store, storeWatch, routes, troubles, now } = deps;
  const failure = storeWatch.failure();
  if (failure !== null) return [storeTrouble(failure)];
  try {
    const [outbox, living, activity, overrides, rest] = await Promise.all([
      store.outbox(),
      livingReplicas(store, troubles?.instance),
      read(null),
      currentOverrides(store),
      store.setting('rest'),
    ]);
    const overridden = overrideProblems(routes.current(), overrides, now());
    return [
      ...failingTargets(activity),
      ...stuckOutbox(outbox),
      ...others(living, deps),
      ...overridden,
      ...restingTargets(routes.current(), restState(rest.value), now()),
    ];
  } catch (error) {
    // Only too many lists are being read: the store works, and the client may ask again.
    if (error instanceof TooBusy) throw error;
    return [storeTrouble(error instanceof Error ? error.message : String(error))];
  }
}

function others(living: Replica[], { troubles, routes }: ProblemsDeps): Listed[] {
  const said = new Set([routes.refusal()?.problems[0]?.message]);
  return living.flatMap(({ id, troubles: seen, refusal, routeSet }) => {
    const listed: Listed[] = Array.isArray(seen)
      ? (seen as Trouble[]).map((trouble) => ({ ...NOTHING, ...trouble, replica: id }))
      : [];
    // Replicas refuse the same folder for the same reason, so it is shown once.
    if (refusal !== null) {
      if (!said.has(refusal)) listed.push({ ...refused(refusal, null), replica: id });
      said.add(refusal);
    } else if (troubles !== undefined && routeSet !== null && routeSet !== routes.current().hash) {
      listed.push({ ...differing(routes.current().hash, routeSet), replica: id });
    }
    return listed;
  });
}

function refusedReload({ routes }: ProblemsDeps): Listed[] {
  const refusal = routes.refusal();
  if (refusal === null) return [];
  const [first] = refusal.problems;
  const where = first === undefined ? '' : `${first.file}:${first.line}: ${first.message}`;
  const others = countOf(refusal.problems) - 1;
  const more = others < 1 ? '' : ` (and ${others} more ${others === 1 ? 'problem' : 'problems'})`;
  // One reload was refused, however many problems it had.
  return [refused(`${where}${more}`, refusal.at)];
}

function worstFirst(a: Listed, b: Listed): number {
  if (a.severity !== b.severity) return a.severity === 'error' ? -1 : 1;
  return (b.lastAt ?? Number.POSITIVE_INFINITY) - (a.lastAt ?? Number.POSITIVE_INFINITY) || 0;
}

function problemJson({ firstAt, lastAt, cause: _, forced, ...problem }: Listed) {
  return {
    ...problem,
    forced: forced ?? null,
    first_at: iso(firstAt),
    last_at: iso(lastAt),
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
