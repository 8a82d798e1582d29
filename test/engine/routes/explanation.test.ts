import { describe, expect, it } from 'vitest';
import { compileRouteSet } from '../../../src/core/rules/compiled-routes.ts';
import type { Overrides } from '../../../src/core/rules/override.ts';
import { noteRefusal } from '../../../src/core/rules/refer-refusals.ts';
import { type Health, observe, type RestState, restState } from '../../../src/core/rules/rest.ts';
import type { RouteStep } from '../../../src/core/rules/rule.ts';
import { type ExplainQuestion, explain } from '../../../src/engine/routes/explanation.ts';
import { facts, refer, routeSet, rule, target, template } from '../../helpers/route-set.ts';

const NOW = Date.parse('2026-03-02T15:00:00Z');
const MINUTE = 60_000;

const transfer: RouteStep = {
  do: 'transfer',
  to: { kind: 'literal', template: template('+14155550199'), trusted: true },
  from: null,
  timeoutMs: null,
  ifFailed: {},
};

const set = routeSet(
  [rule('support', [], [refer('us', { not_allowed: [transfer] }), refer('eu'), { do: 'hangup' }])],
  { targets: [target('us'), target('eu')] },
);

/** `us` failed for five callers in a row, the last at `NOW`. */
function isDown(): RestState {
  const seen = { target: 'us', evidence: 'failed', verdict: 'server_error', count: 5 } as const;
  const health: Health = observe(undefined, { ...seen, at: NOW, startedAt: NOW }, NOW);
  return { ...restState(null), targets: { us: health } };
}

const putToRest: Overrides = {
  targets: { us: { rest: true, untilMs: NOW + 60 * MINUTE, reason: 'moving house', by: 'anna' } },
};

function asked(
  {
    overrides = {},
    rest = restState(null),
    nextShare = 0,
  }: { overrides?: Overrides; rest?: RestState; nextShare?: number },
  question: Partial<ExplainQuestion> = {},
) {
  const answer = explain(
    compileRouteSet(set),
    {
      facts: facts({ connectionId: '42' }),
      at: NOW + 1_000,
      verdicts: {},
      digits: [],
      hangupAfter: null,
      lookups: {},
      ...question,
    },
    { overrides, rest, nextShare },
  );
  const attempts = answer.attempts.map(({ target, verdict, reason }) => ({
    what: `${target ?? 'transfer'} ${verdict}`,
    reason,
  }));
  return { answer, attempts, all: attempts.map(({ what }) => what).join(', ') };
}

describe('where a call would go now', () => {
  it('skips a target that an operator has put to rest, and says until when and why', () => {
    const { attempts, all } = asked({ overrides: putToRest });
    expect(all).toBe('us skipped, eu completed');
    expect(attempts.map(({ reason }) => reason)).toEqual([
      'us was put to rest by anna until 2026-03-02 16:00:00 UTC (moving house)',
      undefined,
    ]);
  });

  it('skips a target that is down until a caller may try it', () => {
    expect(asked({ rest: isDown() }).all).toBe('us skipped, eu completed');
    expect(asked({ rest: isDown() }, { at: NOW + MINUTE }).all).toBe('us completed');
  });

  it('says if calls of the caller follow the next routes, so far as that is known', () => {
    const follows = (nextShare: number, from: string | null) =>
      asked({ nextShare }, { facts: facts({ from }) }).answer.follows_next;
    expect(follows(100, '+353861234567')).toBe(true);
    expect(follows(0, '+353861234567')).toBe(undefined);
    expect(follows(100, null)).toBe(undefined);
    const callers = Array.from({ length: 100 }, (_, n) => `+35386123${4000 + n}`);
    const half = callers.filter((from) => follows(50, from));
    expect(half.length).toBeGreaterThan(30);
    expect(half.length).toBeLessThan(70);
  });

  it('tries a target that an operator has woken', () => {
    const woken: Overrides = { targets: { us: { rest: false, untilMs: null } } };
    expect(asked({ rest: isDown(), overrides: woken }).all).toBe('us completed');
  });

  it('goes by the time that is asked about', () => {
    expect(asked({ overrides: putToRest }, { at: NOW + 61 * MINUTE }).all).toBe('us completed');
  });

  it('tries a target whose verdict the question gives', () => {
    const verdicts = { us: ['busy' as const] };
    expect(asked({ overrides: putToRest }, { verdicts }).all).toBe('us busy, eu completed');
  });

  it('transfers at once where the target is known to refuse a REFER of this connection', () => {
    const rest = noteRefusal(restState(null), '42', 'us', NOW);
    const { attempts, all } = asked({ rest });
    expect(all).toBe('us skipped, transfer completed');
    expect(attempts[0]?.reason).toContain('refused a REFER of this connection with 405');
    expect(asked({ rest }, { facts: facts({ connectionId: '43' }) }).all).toBe('us completed');
  });
});
