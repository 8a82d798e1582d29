/**
 * Lost callers: they called during an outage and had hung up before Telnyx's list of failed
 * deliveries revealed them.
 */
import { Type } from 'typebox';
import type { AcknowledgedEvent } from '../../../core/machine/event.ts';
import type { Receiver } from '../../../engine/engine.ts';
import { liveLegJson, lostCallerJson } from '../../../engine/recovery/json.ts';
import { lostCaller } from '../../../engine/recovery/recover.ts';
import type { RecoveryFound } from '../../../engine/recovery/schedule.ts';
import type { Store } from '../../../store/store.ts';
import { HTTP_LIMITS } from '../../limits.ts';
import { OPERATOR, VIEWER } from '../../people/roles.ts';
import { sendProblem } from '../../problem.ts';
import type { ApiScope } from '../api.ts';
import type { Audit } from '../audit.ts';
import { JSON_OR_CSV, jsonOrCsv } from '../csv.ts';
import { ACT_BODY, CALL_ID_PARAMS, orNull, PROBLEM } from '../schemas.ts';
import { lostCallersCsv } from './calls-csv.ts';

export interface LostCallersDeps {
  store: Pick<Store, 'find' | 'list' | 'setting'>;
  receiver: Receiver;
  audit: Audit;
  now: () => number;
}

export function registerLostCallers(app: ApiScope, deps: LostCallersDeps): void {
  const { store, receiver, audit, now } = deps;

  app.get('/v1/lost-callers', { schema: LIST_SCHEMA, config: VIEWER }, async (request, reply) => {
    const { cursor, limit = HTTP_LIMITS.callsPageDefault } = request.query;
    const [{ calls, next }, found] = await Promise.all([
      store.list({
        ends: 'missed',
        unacknowledged: true,
        limit,
        ...(cursor === undefined ? {} : { cursor }),
      }),
      store.setting('recovery'),
    ]);
    const { unknownLive = [] } = (found.value ?? {}) as Partial<RecoveryFound>;
    const lost = {
      lost_callers: calls.map((call) => lostCallerJson(lostCaller(call))),
      next,
      unknown_live: unknownLive.map(liveLegJson),
    };
    return jsonOrCsv(request, reply, lost, lostCallersCsv);
  });

  app.post(
    '/v1/lost-callers/:call_control_id/ack',
    { schema: ACK_SCHEMA, config: { ...OPERATOR, action: 'acknowledge' } },
    async (request, reply) => {
      const id = request.params.call_control_id;
      const found = await store.find(id);
      // Acknowledging twice changes nothing and is not recorded in the audit.
      if (found !== null && found.call.acknowledgedAt !== null) {
        return { call_control_id: id, acknowledged: true as const };
      }
      const received = await audit.record(
        request,
        { to: id },
        () => receiver.receive(acknowledged(id, now())),
        ({ result }) => ({ result: ACKNOWLEDGED[result] }),
      );
      if (received.result === 'refused') {
        return sendProblem(reply, {
          status: 404,
          reason: 'no_such_lost_caller',
          detail: `No lost caller with call_control_id ${id.slice(0, 200)} is known: /v1/lost-callers lists them.`,
        });
      }
      return { call_control_id: id, acknowledged: true as const };
    },
  );
}

const ACKNOWLEDGED = {
  committed: 'ok',
  duplicate: 'acknowledged_before',
  refused: 'no_such_lost_caller',
  dead_letter: 'dead_letter',
} as const;

function acknowledged(callId: string, now: number): AcknowledgedEvent {
  return {
    source: 'acknowledged',
    type: 'operator.acknowledged',
    id: `acknowledged:${callId}`,
    callId,
    receivedAt: now,
    occurredAt: now,
  };
}

const text = Type.String();
export const LOST_CALLERS = Type.Object({
  lost_callers: Type.Array(
    Type.Object({
      from: orNull(text),
      to: orNull(text),
      at: Type.String({ format: 'date-time', description: 'When they called' }),
      call_control_id: text,
    }),
  ),
  next: orNull(text),
  unknown_live: Type.Array(
    Type.Object({
      call_control_id: text,
      call_session_id: orNull(text),
      connection_id: text,
      secs: orNull(Type.Integer()),
    }),
    { description: 'Legs that were live at the last recovery and are otherwise unknown' },
  ),
});

const LIST_SCHEMA = {
  tags: ['calls'],
  summary:
    'Callers who had hung up before we heard of them, newest first, until somebody took note of them',
  produces: JSON_OR_CSV,
  querystring: Type.Object(
    {
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: HTTP_LIMITS.callsPageMax })),
      cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    },
    { additionalProperties: false },
  ),
  response: {
    200: LOST_CALLERS,
    400: PROBLEM,
  },
} as const;

const ACK_SCHEMA = {
  tags: ['calls'],
  summary: 'Take note of a lost caller, who is then no longer listed',
  params: CALL_ID_PARAMS,
  body: ACT_BODY,
  response: {
    200: Type.Object({ call_control_id: text, acknowledged: Type.Literal(true) }),
    404: PROBLEM,
  },
} as const;
