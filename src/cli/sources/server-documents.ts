/** The documents of a running server, through its API. */
import type { Override, Overrides } from '../../core/rules/override.ts';
import type { CallDetail, CallSummary } from '../../http/api/calls/calls-json.ts';
import { CALL_DETAIL, CALLS_PAGE } from '../../http/api/calls/calls-schemas.ts';
import type { OverrideJson } from '../../http/api/overriding/overrides.ts';
import { SCHEDULES, SWITCHES } from '../../http/api/overriding/overrides-schemas.ts';
import { TARGETS } from '../../http/api/overriding/targets-schemas.ts';
import { REPORT } from '../../http/api/stats/reports.ts';
import type { ReportJson } from '../../http/api/stats/reports-csv.ts';
import { STATS } from '../../http/api/stats/stats-schemas.ts';
import type { Documents, StatsDocument } from './documents.ts';
import type { Server } from './server.ts';

/** The client validates answers with the schemas, which match the types. */
export function documentsOf(server: Server): Documents {
  return {
    source: server.url,
    async calls({ since, until, q, labelled: _, ...filter }) {
      const times = { since: isoOf(since), until: isoOf(until) };
      const text = q?.trim() ? { q } : {};
      const page = await server.get('/v1/calls', { ...filter, ...text, ...times }, CALLS_PAGE);
      return page as { calls: CallSummary[]; next: string | null };
    },
    async call(id) {
      const path = `/v1/calls/${encodeURIComponent(id)}`;
      return (await server.find(path, CALL_DETAIL)) as CallDetail | null;
    },
    async stats(since) {
      return (await server.get(
        '/v1/stats',
        { since: isoOf(since ?? undefined) },
        STATS,
      )) as StatsDocument;
    },
    async report({ from, to, by, compare, zone }) {
      const times = { from: isoOf(from ?? undefined), to: isoOf(to ?? undefined) };
      const asked = { ...times, by, compare: compare ?? undefined, zone };
      return (await server.get('/v1/reports', asked, REPORT)) as ReportJson;
    },
    async overrides() {
      const [{ schedules }, { switches }, { targets }] = await Promise.all([
        server.get('/v1/schedules', {}, SCHEDULES),
        server.get('/v1/switches', {}, SWITCHES),
        server.get('/v1/targets', {}, TARGETS),
      ]);
      return {
        schedules: byName(schedules, (override) => ({ open: override.open })),
        switches: byName(switches, (override) => ({ on: override.on })),
        targets: byName(targets, (override) => ({ rest: override.on })),
      } satisfies Overrides;
    },
    async close() {},
  };
}

/** The overrides, by name. */
function byName<Given extends OverrideJson, State>(
  listed: { name: string; override: Given | null }[],
  stateOf: (override: Given) => State,
): Record<string, Override & State> {
  return Object.fromEntries(
    listed.flatMap(({ name, override }) => {
      if (override === null) return [];
      const { until, since, reason, by } = override;
      const stored = {
        untilMs: until === null ? null : Date.parse(until),
        ...(since === null ? {} : { sinceMs: Date.parse(since) }),
        reason,
        by,
        ...stateOf(override),
      };
      return [[name, stored] as const];
    }),
  );
}

function isoOf(ms: number): string;
function isoOf(ms: number | undefined): string | undefined;
function isoOf(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}
