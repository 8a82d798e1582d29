/** How long a proof takes. People wait for it in a terminal, and every reload does. */
import { expect, it } from 'vitest';
import { proveNow, proveRoutes, type RuleProof } from '../../../src/core/prove/prove.ts';
import { compileRouteSet } from '../../../src/core/rules/compiled-routes.ts';
import type { RouteSet, RouteStep } from '../../../src/core/rules/rule.ts';
import { refer, routeSet, rule, say, target } from '../../helpers/route-set.ts';

/** Ten rules, each a menu of four keys with hunts of three, which patience cuts short. */
function tenRules(): RouteSet {
  const hunt = (n: number): RouteStep[] => [
    refer(`t${n % 7}`, { busy: [refer(`t${(n + 1) % 7}`)] }),
    refer(`t${(n + 2) % 7}`),
    refer(`t${(n + 3) % 7}`),
    say(`Nobody is there, ${n}.`),
    { do: 'hangup' },
  ];
  const menu = (n: number): RouteStep => ({
    do: 'menu',
    prompt: { say: [{ literal: 'Press.' }] },
    voice: null,
    language: null,
    digits: { '1': hunt(n), '2': hunt(n + 1), '3': hunt(n + 2), '4': hunt(n + 3) },
    tries: 2,
    timeoutMs: 8_000,
  });
  const rules = Array.from({ length: 10 }, (_, n) => rule(`r${n}`, [], [menu(n), ...hunt(n + 4)]));
  const targets = Array.from({ length: 7 }, (_, n) => target(`t${n}`));
  return routeSet(rules, { targets, policy: { patienceMs: 120_000 } });
}

/** CPU time, so other work on the machine does not count. */
function spentMs(run: () => void): number {
  const begun = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1000;
}

it('proves ten rules with menus and three-step hunts within five seconds', {
  tags: ['long'],
}, () => {
  const routes = compileRouteSet(tenRules());
  let proofs: RuleProof[] = [];
  const ms = spentMs(() => {
    proofs = proveNow(routes, { examples: [] });
  });
  expect(proofs.every(({ complete }) => complete)).toBe(true);
  expect(proofs[0]?.patienceMs).toBe(120_000);
  expect(ms).toBeLessThan(5_000);
});

it('may be interrupted often enough to leave the event loop to others', { tags: ['long'] }, () => {
  const routes = compileRouteSet(tenRules());
  const steps = proveRoutes(routes, { examples: [] });
  const spent: number[] = [];
  for (let done = false; !done; ) {
    spent.push(
      spentMs(() => {
        done = steps.next().done === true;
      }),
    );
  }
  // The 99th percentile leaves out runs in which V8 compiled or collected garbage.
  const slow = spent.toSorted((a, b) => a - b)[Math.floor(spent.length * 0.99)];
  expect(slow).toBeLessThan(40);
});
