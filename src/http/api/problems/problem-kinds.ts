/** The kinds of current problems and their words; overrides are in `override-problems.ts`. */
import { iso } from '../../../core/iso-time.ts';
import { isJudged } from '../../../core/machine/verdict.ts';
import type { RouteSet } from '../../../core/rules/rule.ts';
import { healthOf, mayRest, type RestState } from '../../../core/rules/targets/rest.ts';
import type { Trouble } from '../../../log/troubles.ts';
import type { Activity, AttemptGroup } from '../../../store/contract/activity.ts';
import { type Advice, adviceFor } from '../../../telnyx/advice.ts';
import { HTTP_LIMITS } from '../../limits.ts';
import { counts, groupBy, sum } from '../stats/stats-json.ts';
import type { OverrideTrouble } from './override-problems.ts';

export type Listed = Trouble & { replica: string | null; forced?: OverrideTrouble['forced'] };

/** Targets with fewer than half of their attempts completed. Abandoned attempts do not count. */
export function failingTargets(activity: Activity): Listed[] {
  const byTarget = Map.groupBy(activity.attempts, ({ target }) => target);
  return [...byTarget].flatMap(([target, groups]) => {
    const judged = groups.filter(({ verdict }) => isJudged(verdict));
    const total = sum(judged);
    const failed = judged.filter(({ verdict }) => verdict !== 'completed');
    const failures = sum(failed);
    if (total < HTTP_LIMITS.failingAttemptsMin) return [];
    if ((total - failures) / total >= HTTP_LIMITS.failingSuccessRate) return [];
    const verdicts = counts(failed, ({ verdict }) => verdict);
    const advice = usualAdvice(failed);
    const list = verdicts.map(([verdict, count]) => `${count} ${verdict}`).join(', ');
    return [
      {
        ...NOTHING,
        kind: 'target.failing',
        severity: failures === total ? ('error' as const) : ('warning' as const),
        // Not "failed": nobody knows what became of one that was answered unclearly.
        title: `${onlyOf(total - failures, total)} attempts at ${target ?? 'literal destinations'} in the last hour completed`,
        detail: `${list}. ${advice === null ? '' : `${advice.meaning} ${advice.cause}`}`.trim(),
        fix: advice?.fix ?? null,
        count: failures,
        target,
      },
    ];
  });
}

function onlyOf(some: number, all: number): string {
  return some === 0 ? `None of ${all}` : `Only ${some} of ${all}`;
}

/** Of the most frequent failure, for the way in which callers were moved when it happened. */
function usualAdvice(failed: AttemptGroup[]): Advice | null {
  const [usual] = groupBy(failed, ({ kind, verdict }) => `${kind} ${verdict}`);
  const first = usual?.[1][0];
  return first === undefined ? null : adviceFor(first);
}

/** Targets that an operator has put to rest are listed with the overrides instead. */
export function restingTargets(set: RouteSet, state: RestState, at: number): Listed[] {
  return [...set.targets.keys()].flatMap((name) => {
    const down = mayRest(set, name) ? healthOf(state, name)?.rest : null;
    if (!down) return [];
    const next =
      down.nextTryAt > at ? `next try at ${iso(down.nextTryAt)}` : 'the next caller tries it';
    return [
      {
        ...NOTHING,
        kind: 'target.resting',
        severity: 'warning' as const,
        title: `Target ${name} has been resting since ${iso(down.since)}, ${next}`,
        detail: `${down.why}. Rules skip it while another target follows; it wakes when it answers.`,
        fix: `Look at the target: its PBX or trunk fails or does not answer. If it works again, run npx referee targets ${name} auto, or use the page.`,
        count: 1,
        firstAt: down.since,
        target: name,
      },
    ];
  });
}

export function stuckOutbox(outbox: { pending: number; oldestMs: number }): Listed[] {
  const { pending, oldestMs } = outbox;
  if (oldestMs < HTTP_LIMITS.outboxAgeWarnMs) return [];
  return [
    {
      ...NOTHING,
      kind: 'outbox.old',
      severity: 'error',
      title: `A command has waited ${Math.round(oldestMs / 1000)} s to be sent`,
      detail: `${pending} ${pending === 1 ? 'command waits' : 'commands wait'}. Callers are waiting.`,
      fix: 'Telnyx answers slowly or not at all, or no replica sends commands: look for command.retry and command.misconfigured in the log.',
      count: pending,
    },
  ];
}

export function refused(detail: string, at: number | null): Listed {
  return {
    ...NOTHING,
    kind: 'routes.refused',
    severity: 'error',
    title: 'The last reload of the call routes was refused; the previous routes are live',
    detail,
    fix: 'Run npx referee check on the routes folder, fix what it reports, and reload.',
    lastAt: at,
  };
}

export function differing(here: string, there: string): Listed {
  return {
    ...NOTHING,
    kind: 'routes.differ',
    severity: 'warning',
    title: 'Two replicas run different route sets',
    detail: `This one runs ${here.slice(0, 12)}, the other ${there.slice(0, 12)}.`,
    fix: 'Copy the same routes folder to every replica, then reload.',
  };
}

export function storeTrouble(detail: string): Listed {
  return {
    ...NOTHING,
    kind: 'store.unavailable',
    severity: 'error',
    title: 'The store does not answer; webhooks are answered 503 and Telnyx delivers them again',
    cause: 'store',
    detail,
    fix: 'Check the database (disk, permissions, connections). No restart is needed afterwards.',
  };
}

export const NOTHING = {
  detail: null,
  fix: null,
  count: 1,
  firstAt: null,
  lastAt: null,
  target: null,
  replica: null,
} as const;
