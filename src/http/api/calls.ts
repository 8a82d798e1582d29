/** The calls, and the manual refer. */
import { randomUUID } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import { notAMoment, readMoment } from '../../core/iso-time.ts';
import type { Attempt, Call } from '../../core/machine/call.ts';
import type { ManualEvent } from '../../core/machine/event.ts';
import { whyNotMovable } from '../../core/machine/movable.ts';
import type { ReferStep } from '../../core/machine/plan.ts';
import { withoutUserParameters } from '../../core/rules/address.ts';
import { resolveManual } from '../../core/rules/target.ts';
import type { Receiver } from '../../engine/engine.ts';
import type { LiveRoutes } from '../../engine/live-routes.ts';
import type { CallFilter, Store } from '../../store/store.ts';
import { HTTP_LIMITS } from '../limits.ts';
import { type Problem, sendProblem } from '../problem.ts';
import type { ApiScope } from './api.ts';
import type { Audit } from './audit.ts';
import { attemptJson, attemptToCome, callDetail, callSummary } from './calls-json.ts';
import {
  CALL_DETAIL,
  CALL_ID_PARAMS,
  CALLS_PAGE,
  CALLS_QUERY,
  PROBLEM,
  REFER_ACCEPTED,
  REFER_BODY,
} from './calls-schemas.ts';

export interface CallsDeps {
  store: Pick<Store, 'find' | 'timeline' | 'list'>;
  receiver: Receiver;
  routes: Pick<LiveRoutes, 'current'>;
  audit: Audit;
  now: () => number;
}

export function registerCalls(app: ApiScope, deps: CallsDeps): void {
  app.get('/v1/calls', { schema: LIST_SCHEMA }, async (request, reply) => {
    const { since, until, session, ...query } = request.query;
    const filter: CallFilter = { ...query, limit: query.limit ?? HTTP_LIMITS.callsPageDefault };
    if (session !== undefined) filter.sessionId = session;
    for (const party of ['from', 'to'] as const) {
      const bare = withoutUserParameters(query[party] ?? null);
      if (bare !== null) filter[party] = bare;
    }
    for (const [field, given] of Object.entries({ since, until })) {
      if (given === undefined) continue;
      const ms = readMoment(given);
      if (ms === null) return badTime(reply, field, given);
      filter[field as 'since' | 'until'] = ms;
    }
    const page = await deps.store.list(filter);
    return { calls: page.calls.map(callSummary), next: page.next };
  });

  app.get('/v1/calls/:call_control_id', { schema: DETAIL_SCHEMA }, async (request, reply) => {
    const id = request.params.call_control_id;
    const found = await deps.store.find(id);
    if (found === null) return noSuchCall(reply, id);
    const [timeline, legs] = await Promise.all([
      deps.store.timeline(id),
      deps.store.list({ parentId: id, limit: HTTP_LIMITS.legsMax }),
    ]);
    return callDetail(found.call, timeline, legs.calls);
  });

  app.post('/v1/calls/:call_control_id/refer', { schema: REFER_SCHEMA }, async (request, reply) => {
    const id = request.params.call_control_id;
    const found = await deps.store.find(id);
    if (found === null) return noSuchCall(reply, id);
    const standing = whyNotMovable(found.call);
    if (standing !== null) return cannotMove(reply, standing, found.call);

    const { target, sip_address: sipAddress = '' } = request.body;
    const wanted = target === undefined ? { sipAddress } : { target };
    const resolved = resolveManual(deps.routes.current(), found.call.facts, wanted);
    if ('problem' in resolved) {
      deps.audit(request, 'refer', {
        call_control_id: id,
        ...request.body,
        refused: resolved.kind,
      });
      return sendProblem(
        reply,
        unresolved(resolved, target === undefined ? 'sip_address' : 'target'),
      );
    }

    // The machine checks again, on the call as it is at the commit.
    const event = manualEvent(id, resolved.step, deps.now());
    const received = await deps.receiver.receive(event);
    if (received.result === 'refused') {
      return received.why === 'no_such_call'
        ? noSuchCall(reply, id)
        : cannotMove(reply, received.why === 'ended' ? 'ended' : 'being_moved', found.call);
    }
    const call = received.result === 'committed' ? received.call : found.call;
    const attempt = newAttempt(found.call, call);
    deps.audit(request, 'refer', {
      call_control_id: id,
      target: resolved.step.target,
      sip_address: resolved.step.sipAddress,
      attempt: attempt?.id ?? null,
      verdict: attempt?.verdict ?? null,
      event: event.id,
    });
    if (attempt?.verdict === 'rejected') return sendProblem(reply, overBudget(attempt));
    reply.code(202);
    return {
      attempt: attempt === null ? attemptToCome(resolved.step) : attemptJson(attempt),
      call: callSummary(call),
    };
  });
}

function manualEvent(callId: string, step: ReferStep, now: number): ManualEvent {
  return {
    source: 'manual',
    type: 'manual.refer',
    id: `manual:${randomUUID()}`,
    callId,
    receivedAt: now,
    occurredAt: now,
    step,
  };
}

function newAttempt(before: Call, call: Call): Attempt | null {
  const known = new Set(before.attempts.map(({ id }) => id));
  return call.attempts.findLast(({ id, manual }) => manual && !known.has(id)) ?? null;
}

type Unresolved = Extract<ReturnType<typeof resolveManual>, { problem: string }>;

function unresolved({ kind, problem }: Unresolved, field: string): Problem {
  const reason = kind === 'policy' ? 'against_policy' : kind;
  return { status: 422, reason, detail: problem, field };
}

/** Budgets are checked at the commit: the attempt is recorded, and nothing was sent. */
function overBudget(attempt: Attempt): Problem {
  return {
    status: 422,
    reason: 'against_policy',
    detail: attempt.reason ?? 'The attempt was rejected before anything was sent.',
  };
}

function cannotMove(reply: FastifyReply, why: 'ended' | 'being_moved', call: Call): FastifyReply {
  return sendProblem(reply, {
    status: 409,
    reason: why === 'ended' ? 'call_ended' : 'call_being_moved',
    detail:
      why === 'ended'
        ? 'The call has ended, so nobody can be moved.'
        : `The call is already being moved (phase ${call.phase}); wait for the verdict.`,
  });
}

function noSuchCall(reply: FastifyReply, id: string): FastifyReply {
  return sendProblem(reply, {
    status: 404,
    reason: 'no_such_call',
    detail: `There is no call with call_control_id ${id.slice(0, 200)}. Ended calls are kept for RETENTION_DAYS.`,
  });
}

function badTime(reply: FastifyReply, field: string, given: string): FastifyReply {
  const { problem, hint } = notAMoment(given);
  return sendProblem(reply, {
    status: 400,
    reason: 'invalid_parameter',
    field,
    detail: `querystring field "${field}": ${problem}; ${hint}`,
  });
}

const LIST_SCHEMA = {
  tags: ['calls'],
  summary: 'Callers, newest first; with legs=all also the B-legs of their transfers',
  querystring: CALLS_QUERY,
  response: { 200: CALLS_PAGE, 400: PROBLEM },
} as const;

const DETAIL_SCHEMA = {
  tags: ['calls'],
  summary: 'One call: its attempts, its timeline, and the reasons',
  params: CALL_ID_PARAMS,
  response: { 200: CALL_DETAIL, 404: PROBLEM },
} as const;

const REFER_SCHEMA = {
  tags: ['calls'],
  summary: 'Manual refer: moves the caller with a plan of one step',
  params: CALL_ID_PARAMS,
  body: REFER_BODY,
  response: { 202: REFER_ACCEPTED, 400: PROBLEM, 404: PROBLEM, 409: PROBLEM, 422: PROBLEM },
} as const;
