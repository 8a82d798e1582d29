/**
 * One batch: its events are applied one after another to the loaded calls, and their changes are
 * gathered into units that commit together.
 */
import type { CallEvent } from '../../core/machine/event.ts';
import { transition } from '../../core/machine/transition.ts';
import { noteAnswers } from '../../core/recording/answers.ts';
import type { Overrides } from '../../core/rules/override.ts';
import type { BudgetUse } from '../../core/rules/targets/budget.ts';
import type { Loaded } from '../../store/contract/calls.ts';
import type { Decider, Received } from '../engine.ts';
import type { RestUse } from '../resting/rest-use.ts';
import { bLegEvent, parentOf } from './b-leg.ts';
import type { QueuedEvent } from './queue.ts';
import { tallyOf } from './tally.ts';
import { deliveryKey, timelineEntry } from './timeline.ts';
import { type Applied, type BatchUnit, type Played, WorkingUnits } from './working-unit.ts';

export interface Batch {
  units: BatchUnit[];
  /** Duplicates and refusals: nothing is stored for them. */
  unchanged: { queued: QueuedEvent; received: Received }[];
  /** Events that the machine could not process. */
  broken: { queued: QueuedEvent; error: unknown }[];
}

export interface BatchContext {
  loaded: Loaded;
  overrides: Overrides;
  decider: Decider;
  budget: BudgetUse;
  rest?: RestUse | null;
  /** When the last webhook of any call arrived, by the store's clock. */
  lastWebhookAt: number | null;
  /** How far the store's clock is ahead of our wall clock, and so of Telnyx's; see `LoadedBatch`. */
  storeAheadMs: number;
}

/** A smaller difference does no harm. */
const CLOCKS_AGREE_MS = 1_000;

export function applyAll(events: QueuedEvent[], context: BatchContext): Batch {
  const { loaded, overrides, decider, budget, rest, lastWebhookAt, storeAheadMs } = context;
  const batch: Batch = { units: [], unchanged: [], broken: [] };
  const units = new WorkingUnits(loaded);
  const callOf = (callId: string) => units.callOf(callId);
  for (const queued of events) {
    const { event } = queued;
    try {
      if (loaded.seen.has(deliveryKey(event))) {
        batch.unchanged.push({ queued, received: { result: 'duplicate' } });
      } else if (event.source === 'webhook') {
        const parentId = parentOf(event, loaded, callOf);
        apply(queued, parentId === null ? event : { ...event, parentId });
      } else {
        apply(queued, event);
      }
    } catch (error) {
      batch.broken.push({ queued, error });
    }
  }
  batch.units = units.all();
  return batch;

  function apply(queued: QueuedEvent, event: CallEvent): void {
    const own = play(event);
    const { call, refused } = own.transition;
    if (refused !== null) {
      batch.unchanged.push({ queued, received: { result: 'refused', why: refused } });
      return;
    }
    const parentId = event.source === 'webhook' ? (event.parentId ?? null) : null;
    // The cost of a B-leg may arrive after its caller was pruned, when there is no call to add it
    // to.
    const isLateCost = event.type === 'call.cost' && parentId !== null && callOf(parentId) === null;
    const callers =
      event.source === 'webhook' && parentId !== null && !isLateCost
        ? play(bLegEvent(event, parentId))
        : null;
    // Only now, because if anything above throws, nothing of the event may be stored: it becomes a
    // dead letter, and trying that again must find both calls as they were.
    const applied: Applied = { queued, received: { result: 'committed', call }, transitions: [] };
    let unit = units.add(own, applied, queued.settle);
    if (callers !== null) unit = units.merge(unit, units.add(callers, applied, null));
    unit.applied.push(applied);
  }

  function play(event: CallEvent): Played {
    const before = callOf(event.callId);
    const adjusted = byStoreClock(event, storeAheadMs);
    const { world, answers } = noteAnswers(
      {
        now: loaded.now,
        heardAt: () => lastWebhookAt,
        decide: (facts, moment, routeSet) => decider.decide(facts, moment, overrides, routeSet),
        overBudget: (kind, caller, freed) => budget.over(kind, caller, freed),
        resting: (target) => rest?.resting(target, event.callId) ?? null,
        refusesRefers: (connectionId, target) => rest?.refusesRefers(connectionId, target) ?? null,
      },
      overrides,
    );
    const result = transition(before, adjusted, world);
    for (const notice of result.notices) {
      if (notice.kind === 'attempt_started') {
        budget.started(notice.attempt.kind, result.call.facts.from);
      }
    }
    const given = { event: adjusted, now: loaded.now, answers };
    const entry = timelineEntry(event, before, result, given);
    const counted = tallyOf(before, result.call, given.now);
    return { event, before, transition: result, entry, counted };
  }
}

/** The time of an event is compared with times of ours, so both must be by the same clock. */
function byStoreClock(event: CallEvent, storeAheadMs: number): CallEvent {
  if (event.occurredAt === null || Math.abs(storeAheadMs) < CLOCKS_AGREE_MS) return event;
  return { ...event, occurredAt: event.occurredAt + storeAheadMs };
}
