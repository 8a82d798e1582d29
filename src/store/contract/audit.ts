/** What people did, row by row. */

export interface AuditRows {
  /** Returns its id. Written before it is done: what comes of it is added by `endAudit`. */
  addAudit(entry: AuditEntry): Promise<number>;
  endAudit(id: number, came: AuditCame): Promise<void>;
  /** Newest first. Rejects with BAD_CURSOR. */
  audit(filter: AuditFilter): Promise<AuditPage>;
  /** Removes at most `limit` from before; returns how many. */
  pruneAudit(before: number, limit: number): Promise<number>;
}

/** What somebody did; when it was is the store's to say. */
export interface AuditEntry {
  who: string;
  role: string;
  what: string;
  to: string | null;
  reason: string | null;
  /** The remote address. */
  from: string | null;
  result: string;
  detail: Readonly<Record<string, unknown>>;
}

/** What came of it. */
export type AuditCame = Pick<AuditEntry, 'to' | 'result' | 'detail'>;

export interface AuditRow extends AuditEntry {
  id: number;
  at: number;
}

export interface AuditFilter {
  who?: string;
  what?: string;
  to?: string;
  /** At or after, and before; milliseconds. */
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
