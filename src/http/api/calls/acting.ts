/** Actions on a live call: hang up, and continue with the next step. */
import type { Receiver } from '../../../engine/engine.ts';
import { type Operated, operate } from '../../../engine/operate.ts';
import type { Store } from '../../../store/store.ts';
import { OPERATOR } from '../../people/roles.ts';
import { type Problem, sendProblem } from '../../problem.ts';
import type { ApiScope } from '../api.ts';
import { type Audit, operatorOf } from '../audit.ts';
import { ACT_BODY, CALL_ID_PARAMS, PROBLEM } from '../schemas.ts';
import { noSuchCall } from './calls.ts';
import { callSummary } from './calls-json.ts';
import { ACTED } from './calls-schemas.ts';

export interface ActingDeps {
  store: Pick<Store, 'find'>;
  receiver: Receiver;
  audit: Audit;
  now: () => number;
}

export function registerActing(app: ApiScope, deps: ActingDeps): void {
  for (const act of ['hangup', 'next'] as const) {
    const schema = act === 'hangup' ? HANGUP_SCHEMA : NEXT_SCHEMA;
    const path = `/v1/calls/:call_control_id/${act}`;
    app.post(path, { schema, config: { ...OPERATOR, action: act } }, async (request, reply) => {
      const { call_control_id: id } = request.params;
      const reason = request.body?.reason?.trim() || null;
      if ((await deps.store.find(id)) === null) return sendProblem(reply, noSuchCall(id));
      const done = await deps.audit.record(
        request,
        { to: id },
        () => operate(id, { act, by: operatorOf(request), reason }, deps),
        ({ result }) => ({ result: resultOf(result) }),
      );
      if (done.result === 'no_such_call') return sendProblem(reply, noSuchCall(id));
      if (done.result !== 'done') return sendProblem(reply, REFUSED[done.result]);
      reply.code(202);
      return { call: callSummary(done.call) };
    });
  }
}

const REFUSED: Record<Exclude<Operated['result'], 'done' | 'no_such_call'>, Problem> = {
  ended: {
    status: 409,
    reason: 'call_ended',
    detail: 'The call has ended, or is being hung up already.',
  },
  no_attempt: {
    status: 409,
    reason: 'no_attempt',
    detail: 'The caller is not being moved now, so there is no attempt to end.',
  },
  may_answer: {
    status: 409,
    reason: 'target_may_answer',
    detail:
      'The target may still answer, and a caller must not be moved twice. A REFER cannot be taken back: it is over once its target has been silent for 32 s. A transfer can be ended while its B-leg rings.',
  },
};

function resultOf(result: Operated['result']): string {
  if (result === 'done') return 'ok';
  return result === 'no_such_call' ? result : REFUSED[result].reason;
}

const COMMON = {
  tags: ['calls'],
  params: CALL_ID_PARAMS,
  body: ACT_BODY,
  response: { 202: ACTED, 400: PROBLEM, 404: PROBLEM, 409: PROBLEM },
} as const;

const HANGUP_SCHEMA = {
  ...COMMON,
  summary: 'Hang up a live call, whoever handles it; it ends as hung_up unless it had arrived',
} as const;

const NEXT_SCHEMA = {
  ...COMMON,
  summary:
    'End the current attempt of a live call, so that the next step runs; refused if that is not safe',
} as const;
