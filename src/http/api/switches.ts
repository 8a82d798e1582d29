/** Switches that operators turn. Their state is in the store, so it applies to every replica. */
import { Type } from 'typebox';
import { inForce, type Overrides } from '../../core/rules/override.ts';
import type { RouteSet } from '../../core/rules/rule.ts';
import { isOn } from '../../core/rules/switch.ts';
import type { LiveRoutes } from '../../engine/live-routes.ts';
import type { Log } from '../../log/log.ts';
import type { Store } from '../../store/store.ts';
import { HTTP_LIMITS } from '../limits.ts';
import { OPERATOR, VIEWER } from '../people/roles.ts';
import { sendProblem } from '../problem.ts';
import type { ApiScope } from './api.ts';
import { type Audit, operatorOf } from './audit.ts';
import { PROBLEM } from './calls-schemas.ts';
import { forcedJson, readForced, stored, unexpired, unknownName } from './forced.ts';
import { SWITCH_BODY, SWITCHES, TURNED } from './routes-schemas.ts';

export interface SwitchesDeps {
  routes: Pick<LiveRoutes, 'current'>;
  store: Pick<Store, 'setting' | 'changeSetting'>;
  audit: Audit;
  log: Log;
  now: () => number;
}

export function registerSwitches(app: ApiScope, deps: SwitchesDeps): void {
  const { routes, store, audit, log } = deps;

  app.get('/v1/switches', { schema: LIST_SCHEMA, config: VIEWER }, async () => {
    const { value } = await store.setting('overrides');
    return { switches: switchesJson(routes.current(), (value ?? {}) as Overrides, deps.now()) };
  });

  app.post(
    '/v1/switches/:name',
    { schema: TURN_SCHEMA, config: OPERATOR },
    async (request, reply) => {
      const { name } = request.params;
      const { on } = request.body;
      const now = deps.now();
      const { switches } = routes.current();
      const { value } = await store.setting('overrides');
      // What an earlier route set had may still be turned, and must be possible to end.
      const isLeft = on === null && Object.hasOwn(unexpired(value, now).switches, name);
      const found = switches.get(name);
      if (found === undefined && !isLeft) {
        return sendProblem(reply, unknownName('switch', name, [...switches.keys()]));
      }
      const asked = readForced(request.body, now);
      if ('problem' in asked) return sendProblem(reply, asked.problem);

      const by = operatorOf(request);
      // Back to the default for good is nothing that is forced.
      const ends = on === null || (on === found?.on && asked.untilMs === null);
      const { until, reason } = forcedJson(asked);
      let sinceMs = now;
      await audit.record(request, 'switch', { to: name, reason, more: { on, until } }, () =>
        store.changeSetting('overrides', (before, storeNow) => {
          sinceMs = storeNow;
          // A single clock must not end what was turned, because ours may be far ahead.
          const overrides = unexpired(before, Math.min(now, storeNow));
          if (ends) delete overrides.switches[name];
          else overrides.switches[name] = { on, ...asked, sinceMs, by };
          return stored(overrides);
        }),
      );
      const override = ends ? null : { on, ...forcedJson({ ...asked, sinceMs, by }) };
      log.emit('switch.changed', { switch: name, on: on ?? found?.on ?? null, until, reason, by });
      return { switch: name, on: on ?? found?.on ?? null, default: found?.on ?? null, override };
    },
  );
}

export function switchesJson(set: Pick<RouteSet, 'switches'>, overrides: Overrides, now: number) {
  return [...set.switches.values()].map((one) => {
    const turned = inForce(overrides.switches, one.name, now);
    return {
      name: one.name,
      on: isOn(one, now, overrides),
      default: one.on,
      override: turned === undefined ? null : { on: turned.on, ...forcedJson(turned) },
    };
  });
}

const LIST_SCHEMA = {
  tags: ['routes'],
  summary: 'Every switch of the live routes: whether it is on, its default, and who turned it',
  response: { 200: SWITCHES },
} as const;

const TURN_SCHEMA = {
  tags: ['routes'],
  summary: 'Turn a switch on or off, on every replica',
  params: Type.Object({
    name: Type.String({ minLength: 1, maxLength: HTTP_LIMITS.paramCharsMax }),
  }),
  body: SWITCH_BODY,
  response: { 200: TURNED, 400: PROBLEM, 404: PROBLEM, 422: PROBLEM },
} as const;
