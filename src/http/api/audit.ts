/**
 * Each action of an operator: a row in the store, and a line of the log, with who did it, to what,
 * why, from where, and what came of it. The row is there before anything is done, so that no crash
 * and no failing store leaves something done that nobody knows of. What was refused before it was
 * tried, for its role, a name that nothing has, or a body that says nothing, is a row as well.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Log, LogFields } from '../../log/log.ts';
import type { AuditEntry } from '../../store/contract/audit.ts';
import type { Store } from '../../store/store.ts';
import { HTTP_LIMITS } from '../limits.ts';
import type { Action } from '../people/roles.ts';
import { createWindows } from '../people/windows.ts';
import { reasonSent } from '../problem.ts';
import type { ApiScope } from './api.ts';

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
    asked: Asked,
    act: () => Promise<T>,
    cameOf?: (value: T) => Came,
  ): Promise<T>;
  /** Of what may not depend on the store: the page must open while the store is down. */
  done(request: FastifyRequest, action: Action): Promise<void>;
  /** What endpoints below refuse without having called `record`. */
  recordRefusals(scope: ApiScope): void;
}

/** Until it is known what came of it, and for ever if the process ended before it was. */
export const UNKNOWN_RESULT = 'unknown';

export interface AuditOptions {
  log: Log;
  store: Pick<Store, 'addAudit' | 'endAudit'>;
  now: () => number;
}

export function createAudit({ log, store, now }: AuditOptions): Audit {
  const recorded = new WeakSet<FastifyRequest>();
  /** Somebody who may only read must not be able to fill the store. */
  const unneeded = createWindows({
    windowMs: HTTP_LIMITS.auditWindowMs,
    keysMax: HTTP_LIMITS.auditPeopleMax,
    now,
  });

  return {
    async record(request, asked, act, cameOf = () => ({})) {
      recorded.add(request);
      const entry = entryOf(request, actionOf(request), asked, UNKNOWN_RESULT);
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
      await addBounded(entry);
    },

    recordRefusals(scope) {
      scope.addHook('onSend', async (request, reply) => {
        const entry = refusedEntry(request, reply);
        if (entry === null || recorded.has(request)) return;
        emit(log, entry, { result: entry.result });
        await addBounded(entry);
      });
    },
  };

  /** Of what everybody may do as often as they like: the log has all of it. */
  async function addBounded(entry: AuditEntry): Promise<void> {
    if (unneeded.add(entry.who).count > HTTP_LIMITS.auditPerPersonMax) return;
    await unlessUnwritten(entry, () => store.addAudit(entry));
  }

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

/** Null: nobody who is known asked for anything that is an action, or it was not refused. */
function refusedEntry(request: FastifyRequest, reply: FastifyReply) {
  const { action } = request.routeOptions.config;
  const reason = reasonSent(reply);
  if (action === undefined || reason === null || request.person === null) return null;
  const [to = null] = Object.values((request.params ?? {}) as Record<string, string>);
  return entryOf(request, action, { to, reason: reasonGiven(request.body) }, reason);
}

/** The body may be anything, or not be read at all. */
function reasonGiven(body: unknown): string | null {
  const { reason } = Object(body) as { reason?: unknown };
  if (typeof reason !== 'string') return null;
  return reason.trim().slice(0, HTTP_LIMITS.reasonCharsMax) || null;
}

function actionOf({ routeOptions: { config, url } }: FastifyRequest): Action {
  if (config.action === undefined) throw new Error(`${url} names no action`);
  return config.action;
}

function entryOf(request: FastifyRequest, what: Action, asked: Asked, result: string) {
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
const OF_A_CALL: ReadonlySet<Action> = new Set<Action>(['refer', 'hangup', 'next', 'acknowledge']);

/** Who does it, as it is kept with what they did. */
export function operatorOf({ person }: FastifyRequest): string {
  return person?.name ?? 'nobody';
}
