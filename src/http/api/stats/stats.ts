/** Recent statistics, read from the store and so from every replica. */
import { iso, readMoment } from '../../../core/iso-time.ts';
import type { Activity } from '../../../store/contract/activity.ts';
import type { Store } from '../../../store/store.ts';
import { HTTP_LIMITS } from '../../limits.ts';
import { VIEWER } from '../../people/roles.ts';
import { sendProblem } from '../../problem.ts';
import type { ApiScope } from '../api.ts';
import { badField, badMoment } from '../bad-field.ts';
import { JSON_OR_CSV, jsonOrCsv } from '../csv.ts';
import { PROBLEM } from '../schemas.ts';
import { statsCsv } from './stats-csv.ts';
import { statsJson } from './stats-json.ts';
import { STATS, STATS_QUERY } from './stats-schemas.ts';

export interface StatsDeps {
  store: Pick<Store, 'activity' | 'due'>;
  now: () => number;
}

/** `since` null: of the last hour. */
export type ReadActivity = (since: number | null) => Promise<Activity>;

export function registerStats(app: ApiScope, deps: StatsDeps, read: ReadActivity): void {
  app.get('/v1/stats', { schema: SCHEMA, config: VIEWER }, async (request, reply) => {
    const { since } = request.query;
    const asked = since === undefined ? null : readMoment(since);
    if (since !== undefined && asked === null) {
      return sendProblem(reply, badMoment('querystring', 'since', since));
    }
    const now = deps.now();
    if (asked !== null && asked < now - HTTP_LIMITS.statsSpanMaxMs - HTTP_LIMITS.statsLatenessMs) {
      const why = `${JSON.stringify(since)} is before ${iso(now - HTTP_LIMITS.statsSpanMaxMs)}; statistics cover the last ${HTTP_LIMITS.statsSpanMaxMs / 3_600_000} hours. Ask GET /v1/calls for older ones.`;
      return sendProblem(reply, badField('querystring', 'since', why));
    }
    return jsonOrCsv(request, reply, statsJson(await read(asked)), statsCsv);
  });
}

/** The store is queried only once every few seconds, however many pages are open. */
export function sharedActivity({ store, now }: StatsDeps): ReadActivity {
  const looks = new Map<number, { at: number; look: Promise<Activity> }>();
  return async (given) => {
    // Calls have the store's time, which is behind after the system clock was set ahead.
    const asked = given ?? Math.min(now(), (await store.due(1)).now) - HTTP_LIMITS.statsSpanMs;
    // The wall clock may be set back, and what was read before would then be fresh for hours.
    const at = performance.now();
    const earliest = now() - HTTP_LIMITS.statsSpanMaxMs;
    const since = Math.floor(Math.max(asked, earliest) / 60_000) * 60_000;
    for (const [key, known] of looks) {
      if (at - known.at >= HTTP_LIMITS.statsFreshMs) looks.delete(key);
    }
    const known = looks.get(since);
    if (known !== undefined) return known.look;
    const look = store.activity(since, HTTP_LIMITS.statsCallsMax);
    looks.set(since, { at, look });
    look.catch(() => looks.delete(since));
    return look;
  };
}

const SCHEMA = {
  tags: ['calls'],
  summary: 'Recent calls and attempts by rule, target and verdict',
  produces: JSON_OR_CSV,
  querystring: STATS_QUERY,
  response: { 200: STATS, 400: PROBLEM },
} as const;
