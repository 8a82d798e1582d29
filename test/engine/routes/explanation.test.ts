import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { compileRouteSet } from '../../../src/core/rules/compiled-routes.ts';
import type { Overrides } from '../../../src/core/rules/override.ts';
import type { RouteStep } from '../../../src/core/rules/rule.ts';
import { noteRefusal } from '../../../src/core/rules/targets/refer-refusals.ts';
import {
  type Health,
  observe,
  type RestState,
  restState,
} from '../../../src/core/rules/targets/rest.ts';
import { createLiveRoutes } from '../../../src/engine/live-routes.ts';
import { type ExplainQuestion, explain } from '../../../src/engine/routes/explanation.ts';
import { createRouteVersions } from '../../../src/engine/routes/route-versions.ts';
import { createMetrics } from '../../../src/metrics.ts';
import { openRoutes } from '../../../src/routing/reload.ts';
import { openStore } from '../../../src/store/open.ts';
import { aCall, anAttempt, aUnit } from '../../helpers/documents.ts';
import { facts, refer, routeSet, rule, target, template } from '../../helpers/route-set.ts';
import { PATIENT_HANDLERS, writeFiles } from '../../routing/routes-folder.ts';

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
    { overrides, rest, used: null, nextShare },
  );
  const attempts = answer.attempts.map(({ target, verdict, reason }) => ({
    what: `${target ?? 'transfer'} ${verdict}`,
    reason,
  }));
  return { answer, attempts, all: attempts.map(({ what }) => what).join(', ') };
}

describe('where a call would go now', () => {
  it('skips a target that an operator has put to rest, and says until when and why', () => {
    const { answer, attempts, all } = asked({ overrides: putToRest });
    expect(all).toBe('us skipped, eu completed');
    expect(answer.path).toEqual(['answer', 'skip us', 'refer eu']);
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

describe('the budgets of the hour', () => {
  const ROUTES = `targets: { us: { sip: "sip:us@pbx.example.com" } }
policy: { refers: { per_hour: 3, per_caller_per_hour: 2 } }
otherwise: [ { refer: us }, { reject: busy } ]
`;
  const CALLER = '+353861234567';

  /** The live routes of a server whose store has moved callers, `minutesAgo` each. */
  async function serving(moved: { from: string; minutesAgo: number }[]) {
    const folder = await mkdtemp(join(tmpdir(), 'referee-explain-'));
    const dir = join(folder, 'routes');
    await mkdir(dir);
    await writeFiles(dir, { 'main.yaml': ROUTES });
    const store = await openStore({ kind: 'sqlite', path: join(folder, 'referee.db') });
    const routes = await openRoutes(dir, { env: {}, ...PATIENT_HANDLERS });
    const metrics = createMetrics();
    onTestFinished(async () => {
      await routes.close();
      await store.close();
      metrics.close();
      await rm(folder, { recursive: true });
    });
    const units = moved.map(({ from, minutesAgo }, n) => {
      const startedAt = Date.now() - minutesAgo * MINUTE;
      const attempts = [anAttempt(`attempt-${n}`, { startedAt, verdict: 'completed' })];
      return aUnit(aCall(`call-${n}`, { facts: { from }, attempts }), 0);
    });
    await store.commit(units, null);
    const live = createLiveRoutes({
      routes,
      next: null,
      store,
      metrics,
      versions: createRouteVersions(store, { failed() {}, worked() {} }, 10),
      log: { emit() {} },
      now: Date.now,
    });
    return async (from: string | null, at = Date.now()) => {
      const { attempts, ends } = await live.explain({
        facts: facts({ from }),
        at,
        verdicts: {},
        digits: [],
        hangupAfter: null,
        lookups: {},
      });
      return [attempts[0]?.verdict, attempts[0]?.reason, ends];
    };
  }

  it('counts what this caller used', async () => {
    const ask = await serving([
      { from: CALLER, minutesAgo: 1 },
      { from: CALLER, minutesAgo: 30 },
    ]);
    expect(await ask(CALLER)).toEqual([
      'rejected',
      'policy refers.per_caller_per_hour: 2 used by this caller in the last hour',
      'rejected',
    ]);
    expect(await ask('+353867654321')).toEqual(['completed', undefined, 'referred']);
  });

  it('counts what all callers used, at the time that is asked about', async () => {
    const ask = await serving([
      { from: '+353861110001', minutesAgo: 1 },
      { from: '+353861110002', minutesAgo: 30 },
      { from: '+353861110003', minutesAgo: 50 },
      { from: '+353861110004', minutesAgo: 70 },
    ]);
    const used = 'policy refers.per_hour: 3 used in the last hour';
    expect(await ask(CALLER)).toEqual(['rejected', used, 'rejected']);
    expect(await ask(null)).toEqual(['rejected', used, 'rejected']);
    const free = ['completed', undefined, 'referred'];
    expect(await ask(CALLER, Date.now() + 15 * MINUTE)).toEqual(free);
    // How many there were at an earlier time is not known.
    expect(await ask(CALLER, Date.now() - 15 * MINUTE)).toEqual(free);
  });
});
