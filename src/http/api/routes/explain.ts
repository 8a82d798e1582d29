/** Where a call would go under the live routes: a dry run of what somebody asks. */
import type { Static } from 'typebox';
import { readMoment } from '../../../core/iso-time.ts';
import type { RouteSet } from '../../../core/rules/rule.ts';
import type { LiveRoutes } from '../../../engine/live-routes.ts';
import type { ExplainQuestion } from '../../../engine/routes/explanation.ts';
import { factsOf, unknownTarget } from '../../../routing/expected/example.ts';
import { VIEWER } from '../../people/roles.ts';
import { sendProblem } from '../../problem.ts';
import type { ApiScope } from '../api.ts';
import { badMoment } from '../bad-field.ts';
import { unknownName } from '../overriding/overrides.ts';
import { PROBLEM } from '../schemas.ts';
import { EXPLAIN_BODY, EXPLANATION } from './routes-schemas.ts';

export interface ExplainDeps {
  routes: Pick<LiveRoutes, 'current' | 'explain'>;
  now: () => number;
}

export function registerExplain(app: ApiScope, { routes, now }: ExplainDeps): void {
  app.post(
    '/v1/routes/explain',
    { schema: EXPLAIN_SCHEMA, config: VIEWER },
    async (request, reply) => {
      const { at } = request.body;
      const atMs = at === undefined ? now() : readMoment(at);
      if (atMs === null) return sendProblem(reply, badMoment('body', 'at', at ?? ''));
      const stranger = unknownIn(request.body, routes.current());
      if (stranger === null) return routes.explain(questionOf(request.body, atMs));
      return sendProblem(reply, {
        ...unknownName(stranger.what, stranger.name, [...stranger.known.keys()]),
        status: 400,
        reason: 'invalid_body',
        field: stranger.field,
      });
    },
  );
}

type Asked = Static<typeof EXPLAIN_BODY>;

/** The first target, switch or lookup that somebody asks about and the routes do not have. */
function unknownIn(
  { verdicts = {}, hangup_after = '', switches = {}, lookups = {} }: Asked,
  set: RouteSet,
) {
  const target = unknownTarget([...Object.keys(verdicts), hangup_after], set);
  if (target !== undefined) {
    const field = target === hangup_after ? 'hangup_after' : `verdicts.${target}`;
    return { what: 'target', name: target, known: set.targets, field } as const;
  }
  for (const [what, asked, known] of [
    ['switch', switches, set.switches],
    ['lookup', lookups, set.lookups],
  ] as const) {
    const name = Object.keys(asked).find((each) => !known.has(each));
    const field = `${what === 'switch' ? 'switches' : 'lookups'}.${name}`;
    if (name !== undefined) return { what, name, known, field };
  }
  return null;
}

function questionOf(asked: Asked, at: number): ExplainQuestion {
  const { headers = {}, verdicts = {}, switches = {}, attestation = null } = asked;
  const facts = factsOf(asked.from ?? null, asked.to ?? null);
  return {
    facts: {
      ...facts,
      direction: asked.direction ?? 'incoming',
      callerType: asked.caller_type ?? facts.callerType,
      connectionId: asked.connection_id ?? null,
      attestation,
      attestationValidated: attestation !== null,
      headers: Object.entries(headers).map(([name, value]) => ({ name, value })),
      tags: asked.tags ?? [],
    },
    at,
    verdicts: Object.fromEntries(
      Object.entries(verdicts).map(([target, script]) => [target, [script].flat()]),
    ),
    digits: [asked.digits ?? []].flat(),
    hangupAfter: asked.hangup_after ?? null,
    switches,
    lookups: asked.lookups ?? {},
  };
}

const EXPLAIN_SCHEMA = {
  tags: ['routes'],
  summary: 'Dry run: where this call would go, and why',
  body: EXPLAIN_BODY,
  response: { 200: EXPLANATION, 400: PROBLEM },
} as const;
