/**
 * The targets: which of them rest, and putting one to rest or waking it manually. The state is in
 * the store, so it applies to every replica.
 */
import { iso } from '../../../core/iso-time.ts';
import { inForce, type Overrides } from '../../../core/rules/override.ts';
import type { RouteSet, Target } from '../../../core/rules/rule.ts';
import { refusals } from '../../../core/rules/targets/refer-refusals.ts';
import {
  type Health,
  healthOf,
  mayRest,
  type RestState,
  restState,
  standingOf,
  totals,
  wake,
} from '../../../core/rules/targets/rest.ts';
import { templateText } from '../../../core/rules/texts/template.ts';
import { currentOverrides } from '../../../store/current-overrides.ts';
import { OPERATOR, VIEWER } from '../../people/roles.ts';
import { sendProblem } from '../../problem.ts';
import type { ApiScope } from '../api.ts';
import { operatorOf } from '../audit.ts';
import { JSON_OR_CSV, jsonOrCsv } from '../csv.ts';
import { targetsCsv } from './override-csv.ts';
import {
  changeOverride,
  OVERRIDE_REFUSED,
  OVERRIDE_SCHEMA,
  type OverrideDeps,
  overrideJson,
  readOverride,
} from './overrides.ts';
import { REST_BODY, RESTED, TARGETS } from './targets-schemas.ts';

export function registerTargets(app: ApiScope, deps: OverrideDeps): void {
  const { routes, store, audit, log } = deps;

  app.get('/v1/targets', { schema: LIST_SCHEMA, config: VIEWER }, async (request, reply) => {
    const [overrides, rest] = await Promise.all([currentOverrides(store), store.setting('rest')]);
    const set = routes.current();
    const now = deps.now();
    const state = restState(rest.value);
    const facts = { set, state, overrides, now };
    const listed = {
      targets: [...set.targets.values()].map((target) => targetJson(target, facts)),
      refused_refers: refusals(state, now).map(({ connection, target, until }) => ({
        connection_id: connection,
        target,
        until: iso(until),
      })),
    };
    return jsonOrCsv(request, reply, listed, targetsCsv);
  });

  app.post(
    '/v1/targets/:name/rest',
    { schema: REST_SCHEMA, config: { ...OPERATOR, action: 'target_rest' } },
    async (request, reply) => {
      const { name } = request.params;
      const { on = true } = request.body;
      const now = deps.now();
      const set = routes.current();
      const target = set.targets.get(name);
      const named = { kind: 'targets', name, known: set.targets, state: on } as const;
      const asked = await readOverride(store, named, request.body, now);
      if ('problem' in asked) return sendProblem(reply, asked.problem);

      const by = operatorOf(request);
      const { until, reason } = overrideJson(asked);
      const asks = { to: name, more: { on, until } };
      const { state, sinceMs, overrides } = await audit.record(request, asks, async () => {
        const wanted = on === null ? null : { rest: on, ...asked, by };
        const changed = await changeOverride(store, 'targets', name, now, wanted);
        const state =
          on === true ? restState((await store.setting('rest')).value) : await awaken(store, name);
        return { state, ...changed };
      });
      if (on === true) {
        log.emit('target.resting', { target: name, reason: reason ?? '', next_try: until, by });
      } else log.emit('target.awake', { target: name, rested_ms: null, by });
      const override = on === null ? null : { on, ...overrideJson({ ...asked, sinceMs, by }) };
      const json = target && targetJson(target, { set, state, overrides, now: deps.now() });
      return { target: name, resting: json?.resting ?? false, why: json?.why ?? null, override };
    },
  );
}

/** An operator who wakes a target knows that it works again, so its failures are forgotten. */
async function awaken(store: OverrideDeps['store'], name: string): Promise<RestState> {
  let written = restState(null);
  await store.changeSetting('rest', (before, storeNow) => {
    const { targets, ...others } = restState(before);
    const health = healthOf({ targets, ...others }, name);
    const woken = health === undefined ? {} : { [name]: wake(health, storeNow) };
    written = { ...others, targets: { ...targets, ...woken } };
    return written;
  });
  return written;
}

interface Facts {
  set: Pick<RouteSet, 'targets' | 'policy'>;
  state: RestState;
  overrides: Overrides;
  now: number;
}

function targetJson({ name, sip }: Target, { set, state, overrides, now }: Facts) {
  const rests = mayRest(set, name);
  const override = inForce(overrides.targets, name, now);
  const health = rests ? healthOf(state, name) : undefined;
  return {
    name,
    sip: templateText(sip),
    ...standingJson(name, { rests, state, overrides, now }, health),
    rest: rests ? ('on' as const) : ('off' as const),
    override: override === undefined ? null : { on: override.rest, ...overrideJson(override) },
  };
}

function standingJson(
  name: string,
  at: { rests: boolean; state: RestState; overrides: Overrides; now: number },
  health: Health | undefined,
) {
  const { state, overrides, now } = at;
  const standing = standingOf(name, state, overrides, { now, callId: '', rests: at.rests });
  const own = inForce(overrides.targets, name, now) === undefined ? (health?.rest ?? null) : null;
  const { good, failed } = totals(
    (health?.slots ?? []).filter((slot) => slot.at > now - WINDOW_MS),
  );
  return {
    resting: standing !== 'awake',
    why: standing === 'awake' ? null : standing === 'due' ? (own?.why ?? null) : standing.why,
    since: own === null ? null : iso(own.since),
    next_try: own === null ? null : iso(own.nextTryAt),
    failures_in_row: health?.inRow ?? 0,
    failed,
    attempts: good + failed,
  };
}

const WINDOW_MS = 5 * 60_000;

const LIST_SCHEMA = {
  tags: ['routes'],
  summary: 'Every target of the live routes: whether it rests, why, and when it is tried next',
  produces: JSON_OR_CSV,
  response: { 200: TARGETS },
} as const;

const REST_SCHEMA = {
  ...OVERRIDE_SCHEMA,
  summary: 'Put a target to rest or wake it, on every replica',
  body: REST_BODY,
  response: { 200: RESTED, ...OVERRIDE_REFUSED },
} as const;
