/** Callers for whom the picks of a rule draw their targets in different orders. */
import type { CompiledRoutes } from '../rules/compiled-routes.ts';
import { everyStep, type RouteStep } from '../rules/rule.ts';
import { drawOrder } from '../rules/targets/reach.ts';

interface Caller {
  from: string | null;
  who: string | null;
}

/** How many callers to try until each order of each pick has been drawn. */
const CALLERS_MAX = 10_000;
/** How many plans the picks of one rule may lead to. */
const ORDERS_MAX = 120;

/** One caller for each order in which the picks of a rule may try their targets. */
export function* callersOf(
  { set }: CompiledRoutes,
  steps: readonly RouteStep[],
): Generator<void, { callers: Caller[]; unfinished: string | null }> {
  const picks = [...picksIn(steps), ...picksIn(set.lastResort)];
  if (picks.length === 0) return { callers: [{ from: null, who: null }], unfinished: null };
  const orders = new Map<string, { from: string; who: string }>();
  const drawn = picks.map(() => new Set<string>());
  const wanted = picks.map((weights) => factorial(weights.filter((w) => w.weight > 0).length));
  const all = () => drawn.every((seen, index) => seen.size >= (wanted[index] ?? 0));
  let left = CALLERS_MAX;
  // Several picks combine in many ways, so some more callers are tried.
  for (let extra = 200; left > 0 && extra > 0 && orders.size < ORDERS_MAX; left -= 1) {
    const from = `+1202555${String(CALLERS_MAX - left).padStart(5, '0')}`;
    const order = picks.map((weights) => drawOrder(weights, from).join(' then '));
    for (const [index, one] of order.entries()) drawn[index]?.add(one);
    const key = order.join('; ');
    if (!orders.has(key)) orders.set(key, { from, who: `for callers who draw ${key}` });
    if (all()) extra -= 1;
    if (left % 100 === 0) yield;
  }
  const unfinished = all() ? null : 'a pick has more orders than were examined';
  return { callers: [...orders.values()], unfinished };
}

type Weights = { name: string; weight: number }[];

function picksIn(steps: readonly RouteStep[]): Weights[] {
  return everyStep(steps).flatMap((step) =>
    'to' in step && step.to.kind === 'pick' ? [step.to.weights] : [],
  );
}

function factorial(n: number): number {
  return n <= 1 ? 1 : n * factorial(n - 1);
}
