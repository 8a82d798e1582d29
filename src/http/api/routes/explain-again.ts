/** What happened to a recorded call, and what would happen to it under the live routes. */
import type { RecordedCall } from '../../../core/recording/recorded-call.ts';
import { differs, type Explained } from '../../../core/replay/replay.ts';
import type { LiveRoutes } from '../../../engine/live-routes.ts';
import type { Store } from '../../../store/store.ts';
import { VIEWER } from '../../people/roles.ts';
import { sendProblem } from '../../problem.ts';
import type { ApiScope } from '../api.ts';
import { noSuchCall } from '../calls/calls.ts';
import { CALL_ID_PARAMS, PROBLEM } from '../schemas.ts';
import { EXPLAINED_AGAIN } from './routes-schemas.ts';

export interface ExplainAgainDeps {
  store: Pick<Store, 'recordings'>;
  routes: Pick<LiveRoutes, 'explainAgain'>;
}

export function registerExplainAgain(app: ApiScope, { store, routes }: ExplainAgainDeps): void {
  app.get(
    '/v1/calls/:call_control_id/explain',
    { schema: EXPLAIN_AGAIN_SCHEMA, config: VIEWER },
    async (request, reply) => {
      const id = request.params.call_control_id;
      const [recorded] = await store.recordings([id]);
      if (recorded === undefined) return sendProblem(reply, noSuchCall(id));
      if (recorded.recording !== 'complete') {
        return sendProblem(reply, {
          status: 409,
          reason: 'not_recorded',
          detail: `${WHY[recorded.recording]}, so the call cannot be decided again. GET /v1/calls/:call_control_id shows what is known of it.`,
        });
      }
      const { before, after } = routes.explainAgain(recorded);
      return {
        before: explainedJson(before),
        after: explainedJson(after),
        differs: differs(before, after),
        assumed: after.assumed,
      };
    },
  );
}

const WHY: Record<Exclude<RecordedCall['recording'], 'complete'>, string> = {
  cut: 'The call has more events than a timeline keeps',
  older: 'An older release took this call and did not keep its events in the form of this one',
  newer: 'A newer release took this call and keeps its events in another form',
};

function explainedJson({ rule, path, tries, ends, trace, routeSet }: Explained) {
  return {
    rule,
    path,
    // `verdict` is null while the attempt is still in progress.
    attempts: tries.map(({ target, sipAddress, verdict }) => ({
      target,
      sip_address: sipAddress,
      verdict,
    })),
    ends,
    trace,
    route_set: routeSet,
  };
}

const EXPLAIN_AGAIN_SCHEMA = {
  tags: ['calls'],
  summary: 'What happened to a recorded call, and what would happen under the live routes',
  params: CALL_ID_PARAMS,
  response: { 200: EXPLAINED_AGAIN, 404: PROBLEM, 409: PROBLEM },
} as const;
