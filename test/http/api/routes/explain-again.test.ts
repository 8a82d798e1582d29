/** `GET /v1/calls/:id/explain`: a recorded call as it went, and under the live routes. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { explainNow, explainThen } from '../../../../src/core/replay/replay.ts';
import { compileRouteSet } from '../../../../src/core/rules/compiled-routes.ts';
import { hookOf } from '../../../helpers/machine.ts';
import { facts, refer, routeSet, rule, say } from '../../../helpers/route-set.ts';
import { type ServedApp, serveApp } from '../../../helpers/served-app.ts';

const NOW = routeSet([rule('help desk', [], [say('Welcome.'), refer('eu')])]);

let app: ServedApp;
beforeAll(async () => {
  const live = compileRouteSet(NOW);
  app = await serveApp({
    routes: {
      explainAgain: (recorded) => ({
        before: explainThen(recorded),
        after: explainNow(recorded, live),
      }),
    },
  });
});
afterAll(() => app.close());

test('shows both, and whether the caller would go elsewhere', async () => {
  const id = 'v3:rejected';
  const known = facts({ callId: id, to: '+14155550999' });
  await app.receive(hookOf(id, 'call.initiated', { facts: known }));
  await app.receive(hookOf(id, 'call.hangup', { hangupSource: 'callee' }));
  const answer = await app.api(`/v1/calls/${id}/explain`);
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({
    before: {
      rule: null,
      path: ['reject declined'],
      attempts: [],
      ends: 'rejected',
      trace: expect.any(Array),
      route_set: app.set.hash,
    },
    after: {
      rule: 'help desk',
      path: ['answer', 'say', 'refer eu'],
      attempts: [{ target: 'eu', sip_address: 'sip:eu@pbx.example.com', verdict: 'completed' }],
      ends: 'referred',
      trace: [{ rule: 'help desk', matched: true, why: 'it has no conditions' }],
      route_set: 'hash',
    },
    differs: true,
    assumed: ['eu'],
  });
});

test('of an unknown call it says that there is none', async () => {
  const answer = await app.api('/v1/calls/v3:nobody/explain');
  expect(answer.status).toBe(404);
  expect(await answer.json()).toMatchObject({ reason: 'no_such_call' });
});
