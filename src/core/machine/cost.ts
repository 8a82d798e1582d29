/**
 * What Telnyx charged for a call, as its `call.cost` webhooks report it. Such a webhook may arrive
 * at any time: usually after the hangup, sometimes before it, sometimes twice. It moves nobody and
 * settles nothing; it is only kept.
 */

import type { Call } from './call.ts';
import { addDecimals } from './decimal.ts';
import { note, type Turn } from './turn.ts';

/** One part of what one leg cost. */
export interface Cost {
  /** The call_control_id that was charged: the call's own, or that of a B-leg. */
  legId: string;
  /** The event that reported it; each event is counted once. */
  eventId: string;
  part: string;
  /** ISO 4217. */
  currency: string;
  /** Decimal text; negative for a credit. */
  amount: string;
}

/** What one `call.cost` webhook says, as far as it is readable. */
export interface ReportedCost {
  parts: Pick<Cost, 'part' | 'currency' | 'amount'>[];
  /** Why part of it is unreadable, in words; null if all of it was read. */
  problem: string | null;
}

export interface CostTotal {
  currency: string;
  amount: string;
  parts: { part: string; amount: string }[];
}

/** A call has a handful of costs; a stranger's list must not make its document large. */
export const COSTS_MAX = 100;

/**
 * `legId`: the leg that was charged. The first report of a part counts; a repeated one would count
 * twice.
 */
export function onCost(turn: Turn, legId: string, reported: ReportedCost | undefined): void {
  const { call, event } = turn;
  const whose = legId === call.id ? 'cost' : 'cost of the B-leg';
  const { parts = [], problem = 'it has no amounts' } = reported ?? {};
  if (problem !== null) {
    note(turn, `${whose}: ${problem}`);
    if (legId === call.id) turn.notices.push({ kind: 'cost_unreadable', problem });
  }
  const isKnown = ({ part, currency }: Pick<Cost, 'part' | 'currency'>) =>
    call.costs.some(
      (each) => each.legId === legId && each.part === part && each.currency === currency,
    );
  const room = COSTS_MAX - call.costs.length;
  const added = parts.filter((each) => !isKnown(each)).slice(0, room);
  if (parts.length > 0 && added.length === 0) {
    note(
      turn,
      room > 0 ? `${whose}: known already` : `${whose}: not kept, it has ${COSTS_MAX} parts`,
    );
  }
  if (added.length === 0) return;
  const own = added.map((each) => ({ legId, eventId: event.id, ...each }));
  call.costs = [...call.costs, ...own];
  const amounts = costTotals(own).map(({ amount, currency }) => `${amount} ${currency}`);
  note(turn, `${whose}: ${amounts.join(', ')}`);
}

/** By currency, in the order of the reports; amounts in different currencies are never added up. */
export function costTotals(costs: readonly Omit<Cost, 'legId' | 'eventId'>[]): CostTotal[] {
  const totals = new Map<string, CostTotal>();
  for (const { currency, part, amount } of costs) {
    const total = totals.get(currency) ?? { currency, amount: '0', parts: [] };
    totals.set(currency, total);
    total.amount = addDecimals(total.amount, amount);
    const same = total.parts.find((each) => each.part === part);
    if (same === undefined) total.parts.push({ part, amount });
    else same.amount = addDecimals(same.amount, amount);
  }
  return [...totals.values()];
}

/**
 * The target that a call's cost is attributed to: the one that was reached, otherwise the last one
 * tried. Undefined if there was no attempt; null for a literal destination.
 */
export function costTarget({ attempts }: Call): string | null | undefined {
  const reached = attempts.findLast(({ verdict }) => verdict === 'completed');
  return (reached ?? attempts.at(-1))?.target;
}
