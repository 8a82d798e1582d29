/**
 * What of a set could not be read, so that nothing is concluded from its absence: a name may be
 * defined there, a destination allowed, a table asked for. The mistake itself has been reported.
 */

import type { DecodedSet } from '../decoded-set.ts';
import type { WrittenPolicy, WrittenRule } from '../schema/schema.ts';
import { type NameKind, SECTIONS, type SetContext } from './context.ts';

export type Uncertain = NameKind | keyof WrittenPolicy;

export function markUncertain({ uncertain }: SetContext, { files, unread }: DecodedSet): void {
  const kinds = Object.entries(SECTIONS) as [NameKind, (typeof SECTIONS)[NameKind]][];
  for (const [kind, section] of kinds) {
    const isLost = files.some(
      ({ positions, routes }) => routes[section] === undefined && positions.has(routes, section),
    );
    if (unread > 0 || isLost) uncertain.add(kind);
  }
  for (const key of POLICY_KEYS) {
    const isLost = files.some(({ positions, routes }) => {
      const { policy } = routes;
      if (policy === undefined) return positions.has(routes, 'policy');
      const value = policy[key];
      if (value === undefined) return positions.has(policy, key);
      return typeof value === 'object' && !positions.isWhole(value);
    });
    if (unread > 0 || isLost) uncertain.add(key);
  }
}

/** Those from whose absence something is concluded. */
const POLICY_KEYS = ['allow', 'language', 'patience', 'via', 'zone'] as const;

/** False: a rule whose name could not be read may be the one that is asked for. */
export function knowsAllRules({ files, unread }: DecodedSet): boolean {
  return (
    unread === 0 &&
    files.every(({ positions, routes }) => {
      const { rules } = routes;
      if (rules === undefined) return !positions.has(routes, 'rules');
      const hasName = (rule: WrittenRule) => positions.at(rule, 'name').reported !== true;
      return positions.isWhole(rules) && rules.every(hasName);
    })
  );
}
