/**
 * Each action of an operator: a row in the store, and a line of the log, with who did it, to what,
 * why, from where, and what came of it. The row is there before anything is done, so that no crash
 * and no failing store leaves something done that nobody knows of.
 */
import type { FastifyRequest } from 'fastify';
import type { Log, LogFields } from '../../log/log.ts';
import type { Store } from '../../store/store.ts';

export interface Asked {
  /** What it is done to: a call, a switch, a route set; null: nothing in particular. */
  to: string | null;
  reason?: string | null;
  /** Further fields of the log line and the row. */
  more?: LogFields;
}

export interface Came {
  /** `ok`, or why it was refused. */
  result?: string;
  /** Where only the action tells what it was done to. */
  to?: string;
  /** Instead of those that were asked. */
  more?: LogFields;
}

export interface Audit {
  /** Does it once its row is kept, and rejects without doing it where that fails. */
  record<T>(
    request: FastifyRequest,
    action: string,
    asked: Asked,
    act: () => Promise<T>,
    cameOf?: (value: T) => Came,
  ): Promise<T>;
  /** Of what may not depend on the store: the page must open while the store is down. */
  done(request: FastifyRequest, action: string): Promise<void>;
}

/** Until it is known what came of it, and for ever if the process ended before it was. */
export const UNKNOWN_RESULT = 'unknown';

export function createAudit(log: Log, store: Pick<Store, 'addAudit' | 'endAudit'>): Audit {
  return {
    async record(request, action, asked, act, cameOf = () => ({})) {
      const entry = entryOf(request, action, asked, UNKNOWN_RESULT);
      const id = await store.addAudit(entry);
      const value = await act().catch((error: unknown) => {
        // It may have been done, so the row stays as it is.
        emit(log, entry, { result: UNKNOWN_RESULT });
        throw error;
      });
      const { result = 'ok', to = entry.to, more = entry.detail } = cameOf(value);
      emit(log, { ...entry, to }, { result, more });
      await unlessUnwritten(entry, () => store.endAudit(id, { to, result, detail: more }));
      return value;
    },
    async done(request, action) {
      const entry = entryOf(request, action, { to: null }, 'ok');
      emit(log, entry, { result: 'ok' });
      await unlessUnwritten(entry, () => store.addAudit(entry));
    },
  };

  /** It was done all the same, and the line before says so. */
  async function unlessUnwritten(
    { what, who }: { what: string; who: string },
    write: () => Promise<unknown>,
  ): Promise<void> {
    try {
      await write();
    } catch (err) {
      log.emit('audit.unwritten', { action: what, by: who, err });
    }
  }
}

function entryOf(request: FastifyRequest, what: string, asked: Asked, result: string) {
  const { to, reason = null, more = {} } = asked;
  const { role = 'viewer' } = request.person ?? {};
  return {
    who: operatorOf(request),
    role,
    what,
    to,
    reason,
    from: request.ip,
    result,
    detail: more,
  };
}

function emit(
  log: Log,
  { who, what, to, reason, from, detail }: ReturnType<typeof entryOf>,
  { result, more = detail }: Came,
): void {
  const object: LogFields =
    to !== null && OF_A_CALL.has(what) ? { call_control_id: to } : { object: to };
  log.emit('admin.action', {
    ...more,
    ...object,
    action: what,
    by: who,
    remote: from,
    reason,
    result,
  });
}

/** What the log names by the id of the call. */
const OF_A_CALL: ReadonlySet<string> = new Set(['refer', 'hangup', 'next', 'acknowledge']);

/** Who does it, as it is kept with what they did. */
export function operatorOf({ person }: FastifyRequest): string {
  return person?.name ?? 'nobody';
}
