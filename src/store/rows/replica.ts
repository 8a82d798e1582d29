/** A replica's heartbeat, to its row and from it, the same for every store. */
import type { Replica } from '../contract/settings.ts';

/** A replica that was silent for this long is forgotten. */
export const REPLICA_FORGOTTEN_MS = 60 * 60_000;

/** A heartbeat comes every few seconds, so a list of problems must not make it large. */
const TROUBLES_CHARS_MAX = 32_000;

export function troublesText(troubles: unknown): string | null {
  const text = JSON.stringify(troubles ?? null);
  return text === 'null' || text.length > TROUBLES_CHARS_MAX ? null : text;
}

export function replicaOf(row: Record<string, unknown>): Replica {
  return {
    id: String(row.id),
    startedAt: Number(row.started_at),
    seenAt: Number(row.seen_at),
    routeSet: row.route_set === null ? null : String(row.route_set),
    refusal: row.refusal === null ? null : String(row.refusal),
    troubles: row.troubles === null ? null : JSON.parse(String(row.troubles)),
  };
}
