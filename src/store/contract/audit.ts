/** The audit log: what operators did, one row for each action. */

export interface AuditRows {
  /** Returns the row's id. The row is written before the action; `endAudit` adds its result. */
  addAudit(entry: AuditEntry): Promise<number>;
  endAudit(id: number, came: AuditCame): Promise<void>;
  /** Newest first. Rejects with BAD_CURSOR. */
  audit(filter: AuditFilter): Promise<AuditPage>;
  /** Removes at most `limit` rows from before this time; returns how many. */
  pruneAudit(before: number, limit: number): Promise<number>;
}

/** What somebody did; the store adds the time. */
export interface AuditEntry {
  who: string;
  role: string;
  what: string;
  to: string | null;
  reason: string | null;
  /** The remote address of the request. */
  from: string | null;
  result: string;
  detail: Readonly<Record<string, unknown>>;
}

/** What is known only after the action. */
export type AuditCame = Pick<AuditEntry, 'to' | 'result' | 'detail'>;

export interface AuditRow extends AuditEntry {
  id: number;
  at: number;
}

export interface AuditFilter {
  who?: string;
  what?: string;
  to?: string;
  /** At or after `since`, and before `until`; milliseconds. */
  since?: number;
  until?: number;
  limit: number;
  /** Opaque, from `next` of the page before. */
  cursor?: string;
}

export interface AuditPage {
  rows: AuditRow[];
  next: string | null;
}
