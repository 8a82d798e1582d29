/**
 * The API's documents, for commands to show: requested from the server that REFEREE_URL names,
 * otherwise made from the database. Both are the same, so commands need not know the source.
 */
import { existsSync } from 'node:fs';
import { BadValue, parseDatabaseUrl } from '../../config/values.ts';
import { type ReportGiven, reportAsked } from '../../core/history/report-asked.ts';
import { partyOf } from '../../core/rules/addresses/address.ts';
import type { Overrides } from '../../core/rules/override.ts';
import { RefereeError } from '../../errors.ts';
import {
  type CallDetail,
  type CallSummary,
  callDetail,
  callSummary,
} from '../../http/api/calls/calls-json.ts';
import type { ReportJson } from '../../http/api/stats/reports-csv.ts';
import { statsJson } from '../../http/api/stats/stats-json.ts';
import { HTTP_LIMITS } from '../../http/limits.ts';
import { searchedText } from '../../routing/numbers/national.ts';
import { type CallFilter, PARTIES } from '../../store/contract/list.ts';
import { currentOverrides } from '../../store/current-overrides.ts';
import type { Database } from '../../store/open.ts';
import { type Labels, readReport } from '../../store/read-report.ts';
import { openReader, type StoreReader } from '../../store/reader.ts';
import type { Io } from '../terminal/io.ts';
import { plainLines } from '../terminal/terminal.ts';
import { databaseUrl } from './database.ts';
import { serverOf } from './server.ts';
import { documentsOf } from './server-documents.ts';

export type StatsDocument = ReturnType<typeof statsJson>;

/**
 * The filter from the command line; `q` is the text as typed, `labelled` the numbers whose label
 * contains it, by the routes here. A server knows its own.
 */
export type CallsAsked = Omit<
  CallFilter,
  'q' | 'cursor' | 'sessionId' | 'parentId' | 'unacknowledged'
> & { q?: string; labelled?: string[] };

export interface Documents {
  /** The source of the documents, for messages. */
  source: string;
  calls(asked: CallsAsked): Promise<{ calls: CallSummary[]; next: string | null }>;
  call(id: string): Promise<CallDetail | null>;
  /** `since` null: of the last hour, by the clock of the source. */
  stats(since: number | null): Promise<StatsDocument>;
  /** Its default times are by the clock of the source. */
  report(given: ReportGiven): Promise<ReportJson>;
  /** The overrides that operators have set. */
  overrides(): Promise<Overrides>;
  close(): Promise<void>;
}

/** Rejects with a RefereeError that says what is wrong with setting, server or store. */
export async function withDocuments<T>(
  io: Io,
  use: (documents: Documents) => Promise<T>,
): Promise<T> {
  const server = serverOf(io);
  const documents =
    server === null ? documentsIn(await openReader(databaseOf(io))) : documentsOf(server);
  try {
    return await use(documents);
  } finally {
    await documents.close();
  }
}

/** Overrides that operators have set; null if no server has run yet, or if they cannot be read. */
export async function readOverrides(io: Io): Promise<Overrides | null> {
  try {
    if (serverOf(io) === null) {
      const database = databaseOf(io);
      if (database.kind === 'sqlite' && !existsSync(database.path)) return null;
    }
    return await withDocuments(io, (documents) => documents.overrides());
  } catch (error) {
    if (!(error instanceof RefereeError)) throw error;
    io.stderr.write(`overrides are not considered: ${plainLines(error)}\n`);
    return null;
  }
}

/** The API does not offer recorded events, so some commands need the database. */
export async function openRecordings(io: Io, what: string): Promise<StoreReader> {
  const server = serverOf(io);
  if (server !== null) {
    throw new NeedsDatabase(
      `${what} needs the database: ${server.url} does not offer recorded events. Run it where DATABASE_URL names the database, with REFEREE_URL empty`,
    );
  }
  return openReader(databaseOf(io));
}

export class NeedsDatabase extends RefereeError {
  constructor(message: string) {
    super('NEEDS_DATABASE', message);
  }
}

function databaseOf(io: Io): Database {
  try {
    return parseDatabaseUrl(databaseUrl(io));
  } catch (error) {
    if (!(error instanceof BadValue)) throw error;
    throw new RefereeError('BAD_DATABASE_URL', `DATABASE_URL: ${error.message}`);
  }
}

const MINUTE_MS = 60_000;

export function documentsIn(reader: StoreReader): Documents {
  return {
    source: 'the store that DATABASE_URL names',
    async calls(asked) {
      const { calls, next } = await reader.list(filterOf(asked));
      return { calls: calls.map(callSummary), next };
    },
    async call(id) {
      const found = await reader.find(id);
      if (found === null) return null;
      const legs = await reader.list({ parentId: id, limit: HTTP_LIMITS.legsMax });
      return callDetail(found.call, await reader.timeline(id), legs.calls);
    },
    async stats(given) {
      const since = given ?? Date.now() - HTTP_LIMITS.statsSpanMs;
      // Starts at a whole minute, because the server counts by minute.
      const from = Math.floor(since / MINUTE_MS) * MINUTE_MS;
      return statsJson(await reader.activity(from, HTTP_LIMITS.statsCallsMax));
    },
    async report(given) {
      const asked = reportAsked(given, await reader.now());
      if ('problem' in asked) throw new RefereeError('BAD_REPORT', asked.problem);
      return readReport(reader, asked, latestLabels(reader));
    },
    overrides: () => currentOverrides(reader),
    close: () => reader.close(),
  };
}

/** Each label takes a query, so only the busiest numbers are looked up. */
const LABELS_MAX = 500;

/** The database has no routes, but each call has stored the label of its number. */
function latestLabels(reader: Pick<StoreReader, 'list'>): Labels {
  let left = LABELS_MAX;
  return async (number) => {
    if (left === 0) return null;
    left -= 1;
    const { calls } = await reader.list({ to: number, limit: 1 });
    return calls[0]?.label ?? null;
  };
}

/** Makes the same filter as the API does. */
export function filterOf({ q, labelled = [], ...asked }: CallsAsked): CallFilter {
  const filter: CallFilter = asked;
  if (q !== undefined && q.trim() !== '') filter.q = { text: searchedText(q), numbers: labelled };
  for (const party of PARTIES) {
    const bare = partyOf(asked[party] ?? null);
    if (bare !== null) filter[party] = bare;
  }
  return filter;
}
