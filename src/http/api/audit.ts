/**
 * Each action of an operator: a row in the store, and a line of the log, with who did it, to what,
 * why, from where, and what came of it.
 */
import type { FastifyRequest } from 'fastify';
import type { Log, LogFields } from '../../log/log.ts';
import type { Store } from '../../store/store.ts';

export interface Done {
  /** What it was done to: a call, a switch, a route set; null: nothing in particular. */
  to: string | null;
  reason?: string | null;
  /** `ok`, or why it was refused. */
  result?: string;
  /** Further fields of the log line and the row. */
  more?: LogFields;
}

/** Resolves when it is kept. */
export type Audit = (request: FastifyRequest, action: string, done: Done) => Promise<void>;

export function createAudit(log: Log, store: Pick<Store, 'addAudit'>): Audit {
  return async (request, action, { to, reason = null, result = 'ok', more = {} }) => {
    const by = operatorOf(request);
    const remote = request.ip;
    const object: LogFields =
      to !== null && OF_A_CALL.has(action) ? { call_control_id: to } : { object: to };
    log.emit('admin.action', { ...more, ...object, action, by, remote, reason, result });
    const { role = 'viewer' } = request.person ?? {};
    const entry = { who: by, role, what: action, to, reason, from: remote, result, detail: more };
    try {
      await store.addAudit(entry);
    } catch (err) {
      // It was done all the same, and the line above says so.
      log.emit('audit.unwritten', { action, by, err });
    }
  };
}

/** What the log names by the id of the call. */
const OF_A_CALL: ReadonlySet<string> = new Set(['refer', 'hangup', 'next', 'acknowledge']);

/** Who does it, as it is kept with what they did. */
export function operatorOf({ person }: FastifyRequest): string {
  return person?.name ?? 'nobody';
}
