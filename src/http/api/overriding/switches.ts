/**
 * Switches that operators turn. Their overrides are in the store, so they apply to every replica.
 */
import { inForce, type Overrides } from '../../../core/rules/override.ts';
import type { RouteSet } from '../../../core/rules/rule.ts';
import { isOn } from '../../../core/rules/switch.ts';
import { currentOverrides } from '../../../store/current-overrides.ts';
import { OPERATOR, VIEWER } from '../../people/roles.ts';
import { sendProblem } from '../../problem.ts';
import type { ApiScope } from '../api.ts';
import { operatorOf } from '../audit.ts';
import { JSON_OR_CSV, jsonOrCsv } from '../csv.ts';
import { switchesCsv } from './override-csv.ts';
import {
  changeOverride,
  OVERRIDE_REFUSED,
  OVERRIDE_SCHEMA,
  type OverrideDeps,
  overrideJson,
  readOverride,
} from './overrides.ts';
import { SWITCH_BODY, SWITCHES, TURNED } from './overrides-schemas.ts';

export function registerSwitches(app: ApiScope, deps: OverrideDeps): void {
  const { routes, store, audit, log } = deps;

  app.get('/v1/switches', { schema: LIST_SCHEMA, config: VIEWER }, async (request, reply) => {
    const overrides = await currentOverrides(store);
    const switches = switchesJson(routes.current(), overrides, deps.now());
    return jsonOrCsv(request, reply, { switches }, switchesCsv);
  });

  app.post(
    '/v1/switches/:name',
    { schema: TURN_SCHEMA, config: { ...OPERATOR, action: 'switch' } },
    async (request, reply) => {
      const { name } = request.params;
      const { on } = request.body;
      const now = deps.now();
      const { switches } = routes.current();
      const named = { kind: 'switches', name, known: switches, state: on } as const;
      const asked = await readOverride(store, named, request.body, now);
      if ('problem' in asked) return sendProblem(reply, asked.problem);

      const by = operatorOf(request);
      const found = switches.get(name);
      // The default state without a time limit needs no override.
      const ends = on === null || (on === found?.on && asked.untilMs === null);
      const { until, reason } = overrideJson(asked);
      const { sinceMs } = await audit.record(request, { to: name, more: { on, until } }, () =>
        changeOverride(store, 'switches', name, now, ends ? null : { on, ...asked, by }),
      );
      const override = ends ? null : { on, ...overrideJson({ ...asked, sinceMs, by }) };
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
      override: turned === undefined ? null : { on: turned.on, ...overrideJson(turned) },
    };
  });
}

const LIST_SCHEMA = {
  tags: ['routes'],
  summary: 'Every switch of the live routes: whether it is on, its default, and who turned it',
  produces: JSON_OR_CSV,
  response: { 200: SWITCHES },
} as const;

const TURN_SCHEMA = {
  ...OVERRIDE_SCHEMA,
  summary: 'Turn a switch on or off, on every replica',
  body: SWITCH_BODY,
  response: { 200: TURNED, ...OVERRIDE_REFUSED },
} as const;
