/** The calls, and the manual refer. */
import type { Call } from '../../../core/machine/call.ts';
import { partyOf } from '../../../core/rules/addresses/address.ts';
import { labelledWith } from '../../../core/rules/label.ts';
import type { Receiver } from '../../../engine/engine.ts';
import type { LiveRoutes } from '../../../engine/live-routes.ts';
import { type ManualRefer, referManually } from '../../../engine/manual-refer.ts';
import { askedNumber, searchedText } from '../../../routing/numbers/national.ts';
import { type CallFilter, PARTIES } from '../../../store/contract/list.ts';
import type { Store } from '../../../store/store.ts';
import { HTTP_LIMITS } from '../../limits.ts';
import { OPERATOR, VIEWER } from '../../people/roles.ts';
import { type Problem, sendProblem } from '../../problem.ts';
import type { ApiScope } from '../api.ts';
import type { Audit, Came } from '../audit.ts';
import { momentsIn } from '../bad-field.ts';
import { JSON_OR_CSV, jsonOrCsv } from '../csv.ts';
import { CALL_ID_PARAMS, PROBLEM } from '../schemas.ts';
import { callsCsv } from './calls-csv.ts';
import { attemptJson, attemptToCome, callDetail, callSummary } from './calls-json.ts';
import {
  CALL_DETAIL,
  CALLS_PAGE,
  CALLS_QUERY,
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
  app.get('/v1/calls', { schema: LIST_SCHEMA, config: VIEWER }, async (request, reply) => {
    const { since, until, session, q, ...query } = request.query;
    const filter: CallFilter = { ...query, limit: query.limit ?? HTTP_LIMITS.callsPageDefault };
    if (session !== undefined) filter.sessionId = session;
    if (q !== undefined && q.trim() !== '') {
      filter.q = { text: searchedText(q), numbers: labelledWith(deps.routes.current(), q) };
    }
    for (const party of PARTIES) {
      const bare = partyOf(withPlus(query[party] ?? ''));
      if (bare !== null) filter[party] = askedNumber(bare, deps.routes.current().policy.country);
    }
    const span = momentsIn({ since, until });
    if ('problem' in span) return sendProblem(reply, span.problem);
    const { calls, next } = await deps.store.list({ ...filter, ...span.moments });
    return jsonOrCsv(request, reply, { calls: calls.map(callSummary), next }, callsCsv);
  });

  app.get(
    '/v1/calls/:call_control_id',
    { schema: DETAIL_SCHEMA, config: VIEWER },
    async (request, reply) => {
      const id = request.params.call_control_id;
      const found = await deps.store.find(id);
      if (found === null) return sendProblem(reply, noSuchCall(id));
      const [timeline, legs] = await Promise.all([
        deps.store.timeline(id),
        deps.store.list({ parentId: id, limit: HTTP_LIMITS.legsMax }),
      ]);
      return callDetail(found.call, timeline, legs.calls);
    },
  );

  app.post(
    '/v1/calls/:call_control_id/refer',
    { schema: REFER_SCHEMA, config: { ...OPERATOR, action: 'refer' } },
    async (request, reply) => {
      const id = request.params.call_control_id;
      const { target, sip_address: sipAddress = '' } = request.body;
      if ((target === undefined) === (request.body.sip_address === undefined)) {
        return sendProblem(reply, ONE_DESTINATION);
      }
      if ((await deps.store.find(id)) === null) return sendProblem(reply, noSuchCall(id));
      const wanted = target === undefined ? { sipAddress } : { target };
      const more = { target: target ?? null, sip_address: request.body.sip_address ?? null };
      const refer = await deps.audit.record(
        request,
        { to: id, more },
        () => referManually(id, wanted, { ...deps, routeSet: deps.routes.current }),
        (came) => cameOf(came, id, request.body),
      );
      if (!isUnderWay(refer)) return sendProblem(reply, refusalOf(refer, id, request.body));
      reply.code(202);
      const attempt =
        refer.result === 'started' ? attemptJson(refer.attempt) : attemptToCome(refer.asked);
      return { attempt, call: callSummary(refer.call) };
    },
  );
}

/**
 * A + that is not percent-encoded arrives as a space, and no number begins with one: without this,
 * `?from=+14155550171` would find nothing and say nothing.
 */
function withPlus(party: string): string {
  return party.replace(/^ (?=[1-9][^\p{L}@]{6,}$)/u, '+');
}

type UnderWay = Extract<ManualRefer, { result: 'started' | 'to_come' }>;
type Refused = Exclude<ManualRefer, UnderWay>;

function isUnderWay(refer: ManualRefer): refer is UnderWay {
  return refer.result === 'started' || refer.result === 'to_come';
}

function refusalOf(refer: Refused, id: string, body: { target?: string }): Problem {
  switch (refer.result) {
    case 'no_such_call':
      return noSuchCall(id);
    case 'not_movable':
      return cannotMove(refer.why, refer.call);
    case 'unresolved':
      return {
        status: 422,
        reason: refer.why === 'policy' ? 'against_policy' : refer.why,
        detail: refer.problem,
        field: body.target === undefined ? 'sip_address' : 'target',
      };
    // Budgets are checked at the commit: the attempt is recorded, and nothing was sent.
    case 'rejected':
      return {
        status: 422,
        reason: 'against_policy',
        detail: refer.reason ?? 'The attempt was rejected before anything was sent.',
      };
  }
}

function cameOf(refer: ManualRefer, id: string, body: { target?: string }): Came {
  const result = isUnderWay(refer) ? 'ok' : refusalOf(refer, id, body).reason;
  if (!('asked' in refer)) return { result };
  const { step, attemptId, eventId } = refer.asked;
  const { target, sipAddress: sip_address } = step;
  return { result, more: { target, sip_address, attempt: attemptId, event: eventId } };
}

const ONE_DESTINATION: Problem = {
  status: 400,
  reason: 'invalid_body',
  detail: 'body: expected either target or sip_address',
};

function cannotMove(why: 'ended' | 'being_moved', call: Call): Problem {
  return {
    status: 409,
    reason: why === 'ended' ? 'call_ended' : 'call_being_moved',
    detail: why === 'ended' ? 'The call has ended, so nobody can be moved.' : beingMoved(call),
  };
}

function beingMoved({ phase }: Call): string {
  return phase === 'referred'
    ? 'The caller has already been referred: the target has them.'
    : `The call is already being moved (phase ${phase}); wait for the verdict.`;
}

export function noSuchCall(id: string): Problem {
  return {
    status: 404,
    reason: 'no_such_call',
    detail: `There is no call with call_control_id ${id.slice(0, 200)}. Ended calls are kept for RETENTION_DAYS.`,
  };
}

const LIST_SCHEMA = {
  tags: ['calls'],
  summary: 'Callers, newest first; with legs=all also the B-legs of their transfers',
  produces: JSON_OR_CSV,
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
