/**
 * When a target is down: its health and whether it rests. Pure; the store holds the state, so that
 * replicas agree. What an attempt says about its target is in `rest-evidence.ts`.
 *
 * A target without failures has no state at all. While it rests, one caller at a time is let
 * through; an answer to any attempt that began after it went to rest wakes it. A target that soon
 * rests again starts with the next longer wait, so it cannot flap.
 */
import type { Verdict } from '../../machine/verdict.ts';
import { inForce, type Overrides, reasonOf, type TargetOverride } from '../override.ts';
import type { RouteSet } from '../rule.ts';
import type { Evidence } from './rest-evidence.ts';

const IN_ROW = 5;
const SHARE_OF_MIN = 20;
const SHARE = 0.5;
const WINDOW_MS = 5 * 60_000;
const SLOT_MS = 30_000;
/** How long nobody is let through, after going to rest and after each caller who was. */
const WAITS_MS = [30_000, 60_000, 120_000, 300_000] as const;
/** A target that rests again within this time after waking starts with the next longer wait. */
const RELAPSE_MS = 10 * 60_000;
/** Consecutive failures are forgotten after a day without another. */
const DAY_MS = 86_400_000;
/** A caller who was let through may ask again within this time: its commit may have lost a race. */
const TRIAL_ASKS_MS = 10_000;
/** A batch may have read the clock this long before another replica wrote the state that it sees. */
const LOADED_EARLIER_MS = 10_000;

/** Several equal observations are merged into one. */
export interface Observation {
  target: string;
  evidence: Evidence;
  verdict: Verdict;
  /** When the verdict was written. */
  at: number;
  /** When the (last) attempt began. */
  startedAt: number;
  count: number;
}

export interface Health {
  /** Consecutive failures, and when and how the last one failed. */
  inRow: number;
  failedAt: number | null;
  verdict: Verdict | null;
  /** The last five minutes. */
  slots: { at: number; good: number; failed: number }[];
  rest: Rest | null;
  /** How it woke the last time, and how long its wait had become. */
  awake: { at: number; wait: number } | null;
}

interface Rest {
  since: number;
  why: string;
  /** Index of the current wait. */
  wait: number;
  nextTryAt: number;
  /** The caller who was let through last. */
  trial: { callId: string; at: number } | null;
}

/** The value of the store's setting `rest`. */
export interface RestState {
  targets: Record<string, Health>;
  /** `connection target` of REFERs that were refused with 405: until when that is remembered. */
  refuses: Record<string, number>;
}

export function restState(value: unknown): RestState {
  const { targets = {}, refuses = {} } = (value ?? {}) as Partial<RestState>;
  return { targets, refuses };
}

/** The state after one observation. `now` by the store's clock. */
export function observe(before: Health | undefined, noted: Observation, now: number): Health {
  const health = notAfter(structuredClone(before ?? NEW), now);
  const seen = { ...noted, at: Math.min(noted.at, now) };
  if (seen.at < now - WINDOW_MS) return health;
  const failed = seen.evidence === 'failed';
  if (health.rest !== null) {
    const isAfter = seen.startedAt >= health.rest.since;
    return seen.evidence === 'answered' && isAfter ? wake(health, now) : health;
  }
  addToSlots(health, seen, failed, now);
  if (!failed) {
    if (health.failedAt === null || seen.at >= health.failedAt) health.inRow = 0;
    return health;
  }
  health.inRow += seen.count;
  health.failedAt = seen.at;
  health.verdict = seen.verdict;
  const why = whyDown(health);
  if (why === null) return health;
  const { awake } = health;
  const relapsed = awake !== null && now - awake.at < RELAPSE_MS;
  const wait = relapsed ? longer(awake.wait) : 0;
  return { ...health, rest: { since: now, why, wait, nextTryAt: now + waitMs(wait), trial: null } };
}

const NEW: Health = {
  inRow: 0,
  failedAt: null,
  verdict: null,
  slots: [],
  rest: null,
  awake: null,
};

/**
 * The same without a time that is still to come: the clock was set back, and a target must not rest
 * until the old time is reached again.
 */
function notAfter(health: Health, now: number): Health {
  const { failedAt, slots, rest, awake } = health;
  return {
    ...health,
    failedAt: failedAt === null ? null : Math.min(failedAt, now),
    slots: slots.filter(({ at }) => at <= now),
    rest: rest === null ? null : restNotAfter(rest, now),
    awake: awake === null ? null : { ...awake, at: Math.min(awake.at, now) },
  };
}

function restNotAfter(rest: Rest, now: number): Rest {
  const { since, wait, nextTryAt } = rest;
  const isSetBack = nextTryAt - now > waitMs(wait) + LOADED_EARLIER_MS;
  return { ...rest, since: Math.min(since, now), nextTryAt: isSetBack ? now : nextTryAt };
}

function addToSlots(health: Health, seen: Observation, failed: boolean, now: number): void {
  const at = seen.at - (seen.at % SLOT_MS);
  health.slots = health.slots.filter((slot) => slot.at > now - WINDOW_MS);
  let slot = health.slots.find((each) => each.at === at);
  if (slot === undefined) {
    slot = { at, good: 0, failed: 0 };
    health.slots.push(slot);
  }
  slot[failed ? 'failed' : 'good'] += seen.count;
}

function whyDown({ inRow, verdict, slots }: Health): string | null {
  const last = (verdict ?? '').replaceAll('_', ' ');
  if (inRow >= IN_ROW) return `${inRow} failures in a row, the last: ${last}`;
  const { good, failed } = totals(slots);
  if (good + failed < SHARE_OF_MIN || failed < SHARE * (good + failed)) return null;
  return `${failed} of ${good + failed} attempts within five minutes failed, the last: ${last}`;
}

export function totals(slots: Health['slots']): { good: number; failed: number } {
  const sum = (name: 'good' | 'failed') => slots.reduce((all, slot) => all + slot[name], 0);
  return { good: sum('good'), failed: sum('failed') };
}

/** It is awake, but remembers how long it will rest if it soon goes down again. */
export function wake(health: Health, now: number): Health {
  return { ...NEW, awake: { at: now, wait: health.rest?.wait ?? 0 } };
}

function longer(wait: number): number {
  return Math.min(wait + 1, WAITS_MS.length - 1);
}

function waitMs(wait: number): number {
  return WAITS_MS[wait] ?? WAITS_MS[0];
}

/** Lets this caller through. The next one follows after the next wait, however this one fares. */
export function letThrough(health: Health, callId: string, now: number): Health {
  const { rest, ...others } = notAfter(health, now);
  if (rest === null) return health;
  const wait = longer(rest.wait);
  const trial = { callId, at: now };
  return { ...others, rest: { ...rest, wait, nextTryAt: now + waitMs(wait), trial } };
}

/** Whether a caller may be let through to a target that rests. */
export function isTryDue(rest: Rest, now: number): boolean {
  return now >= restNotAfter(rest, now).nextTryAt;
}

/** Whether the routes let this target rest at all, as it or the policy says. */
export function mayRest(
  { targets, policy }: Pick<RouteSet, 'targets' | 'policy'>,
  name: string,
): boolean {
  return targets.get(name)?.rest ?? policy.rest;
}

/** `due`: a caller may be let through, if nobody else is first. */
export type Standing = 'awake' | 'due' | { why: string };

export function standingOf(
  name: string,
  state: RestState,
  overrides: Overrides,
  at: { now: number; callId: string; rests: boolean },
): Standing {
  const { now, callId } = at;
  const override = inForce(overrides.targets, name, now);
  if (override !== undefined) {
    return override.rest ? { why: `${name} ${restedWords(override)}` } : 'awake';
  }
  const rest = at.rests ? (healthOf(state, name)?.rest ?? null) : null;
  if (rest === null) return 'awake';
  const { trial } = rest;
  const isTrial = trial !== null && trial.callId === callId && now - trial.at < TRIAL_ASKS_MS;
  if (isTrial) return 'awake';
  return isTryDue(rest, now) ? 'due' : { why: restWords(name, rest) };
}

export function healthOf({ targets }: RestState, name: string): Health | undefined {
  return Object.hasOwn(targets, name) ? targets[name] : undefined;
}

function restedWords(override: TargetOverride): string {
  const { untilMs, by } = override;
  const reason = reasonOf(override);
  const until = untilMs === null ? 'until an operator ends it' : `until ${utc(untilMs)}`;
  return `was put to rest${by ? ` by ${by}` : ''} ${until}${reason ? ` (${reason})` : ''}`;
}

export function restWords(name: string, { since, why, nextTryAt }: Rest): string {
  return `${name} has been resting since ${utc(since)} (${why}); next try at ${utc(nextTryAt)}`;
}

export function utc(ms: number): string {
  const text = new Date(ms).toISOString();
  return `${text.slice(0, 10)} ${text.slice(11, 19)} UTC`;
}

/** Drops what has become irrelevant, so that a healthy target has no state. */
export function tidied(state: RestState, now: number): RestState {
  const targets = Object.entries(state.targets).filter(([, health]) => !isForgotten(health, now));
  return { ...state, targets: Object.fromEntries(targets) };
}

function isForgotten({ inRow, failedAt, rest, awake }: Health, now: number): boolean {
  if (rest !== null) return now - rest.nextTryAt > 7 * DAY_MS;
  if (awake !== null && now - awake.at < RELAPSE_MS) return false;
  if (failedAt === null) return true;
  return now - failedAt > (inRow > 0 ? DAY_MS : WINDOW_MS);
}
