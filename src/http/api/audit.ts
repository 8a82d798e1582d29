/**
 * The audit: each action of an operator is a row in the store and a log line that say who did it,
 * to what, why, from where, and with what result. The row is written before the action, so that
 * neither a crash nor a failing store can leave an action unrecorded. Refused requests (wrong role,
 * unknown name, invalid body) get a row as well.
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
  /** The object of the action: a call, a switch, a route set; null: none in particular. */
  to: string | null;
  /** Further fields of the log line and the row. */
  more?: LogFields;
}

export interface Came {
  /** `ok`, or why it was refused. */
  result?: string;
  /** The object, if it is only known after the action. */
  to?: string;
  /** Replaces the fields of the request. */
  more?: LogFields;
}

export interface Audit {
  /** Writes the row, then calls `act`. Rejects without calling it if the row cannot be written. */
  record<T>(
    request: FastifyRequest,
    asked: Asked,
    act: () => Promise<T>,
    cameOf?: (value: T) => Came,
  ): Promise<T>;
  /**
   * Records an action that must work without the store: the page must open while the store is down.
   */
  done(request: FastifyRequest, action: Action): Promise<void>;
  /** Records what the scope's endpoints refuse without having called `record`. */
  recordRefusals(scope: ApiScope): void;
}

/** The result until the action ends. It stays if the process ends first. */
const UNKNOWN_RESULT = 'unknown';

export interface AuditOptions {
  log: Log;
  store: Pick<Store, 'addAudit' | 'endAudit'>;
}

export function createAudit({ log, store }: AuditOptions): Audit {
  const recorded = new WeakSet<FastifyRequest>();
  /** Limits rows for refused actions and sign-ins, so that a viewer cannot fill the store. */
  const unneeded = createWindows({
    windowMs: HTTP_LIMITS.auditWindowMs,
    keysMax: HTTP_LIMITS.auditPeopleMax,
  });

  return {
    async record(request, asked, act, cameOf = () => ({})) {
      recorded.add(request);
      const entry = entryOf(request, actionOf(request), asked, UNKNOWN_RESULT);
      const id = await store.addAudit(entry);
      const value = await act().catch((error: unknown) => {
        // The action may have taken effect, so the row keeps the result `unknown`.
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
        // Nothing was done because the store fails, so a row that is missing hides nothing.
        await addBounded(entry, reply.statusCode === 503);
      });
    },
  };

  /**
   * For actions that anybody may repeat at will. The log has all of them, the store only the first.
   */
  async function addBounded(entry: AuditEntry, mayBeMissing = false): Promise<void> {
    if (unneeded.add(entry.who).count > HTTP_LIMITS.auditPerPersonMax) return;
    if (mayBeMissing) await store.addAudit(entry).catch(() => {});
    else await unlessUnwritten(entry, () => store.addAudit(entry));
  }

  /**
   * If the row cannot be written, the action has happened anyway, and the previous log line says
   * so.
   */
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

/** Null if the request was not refused, is not an action, or comes from nobody we know. */
function refusedEntry(request: FastifyRequest, reply: FastifyReply) {
  const { action } = request.routeOptions.config;
  const reason = reasonSent(reply);
  if (action === undefined || reason === null || request.person === null) return null;
  const [to = null] = Object.values((request.params ?? {}) as Record<string, string>);
  return entryOf(request, action, { to }, reason);
}

/** Every action takes a `reason`. The body of a refused one may be invalid or absent. */
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
  const { to, more = {} } = asked;
  const { role = 'viewer' } = request.person ?? {};
  return {
    who: operatorOf(request),
    role,
    what,
    to,
    reason: reasonGiven(request.body),
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

/** Actions whose object is a call: the log has its id as `call_control_id`. */
const OF_A_CALL: ReadonlySet<Action> = new Set<Action>(['refer', 'hangup', 'next', 'acknowledge']);

/** The name of whoever sent the request, as the audit and overrides store it. */
export function operatorOf({ person }: FastifyRequest): string {
  return person?.name ?? 'nobody';
}
