/** Which targets are skipped in a dry run. */
import type { World } from '../machine/transition.ts';
import type { RouteSet } from '../rules/rule.ts';
import { refusalOf } from '../rules/targets/refer-refusals.ts';
import { mayRest, restState, standingOf } from '../rules/targets/rest.ts';
import type { Script } from './simulate.ts';

/** Who scripts the verdict of a target asks about a caller who is sent there, so it is awake. */
export function restingAt(
  now: number,
  set: RouteSet,
  { overrides = {}, rest = restState(null), verdicts }: Script,
): Pick<World, 'resting' | 'refusesRefers'> {
  return {
    resting(target) {
      if (Object.hasOwn(verdicts, target)) return null;
      const at = { now, callId: '', rests: mayRest(set, target) };
      const standing = standingOf(target, rest, overrides, at);
      return typeof standing === 'string' ? null : standing.why;
    },
    refusesRefers(connectionId, target) {
      const isTried = Object.hasOwn(verdicts, target) || !mayRest(set, target);
      return isTried ? null : refusalOf(rest, connectionId, target, now);
    },
  };
}
