/** Faults by rate and seed. Every decision depends only on (seed, call, event), never on time. */
import { chance } from './chance.ts';
import type { ActionName } from './schema.ts';

const WEBHOOK_FAULTS = [
  'webhook_lost',
  'webhook_retried',
  'webhook_doubled',
  'webhook_delayed',
  'webhook_reordered',
] as const;
const API_FAULTS = [
  'api_slow',
  'api_500',
  'api_garbage',
  'api_silent',
  'api_cut',
  'api_429',
] as const;
const NETWORK_FAULTS = ['notify_forgotten', 'hangup_forgotten'] as const;
export const FAULT_KINDS = [...WEBHOOK_FAULTS, ...API_FAULTS, ...NETWORK_FAULTS] as const;

type ApiFault = (typeof API_FAULTS)[number];
export type FaultKind = (typeof FAULT_KINDS)[number];
export type FaultRates = { [K in FaultKind]?: number };
export type Faults = 'none' | 'all' | FaultRates;

/**
 * One fault of one call, at the nth webhook of a type or request of an action (counted from 1;
 * default: every one).
 */
export interface ScriptedFault {
  at: ActionName | 'probe' | `call.${string}`;
  nth?: number;
  kind: FaultKind;
  /** Whether an API fault occurs before or after the command is executed; default before. */
  strikes?: 'before' | 'after';
  /** Duration of `slow` and `delayed`. */
  ms?: number;
}

/**
 * Rates of `all`: high enough that most calls meet a fault, low enough that most calls still
 * arrive.
 */
const RATES_ALL: Required<FaultRates> = {
  webhook_lost: 0.01,
  webhook_retried: 0.03,
  webhook_doubled: 0.05,
  webhook_delayed: 0.03,
  webhook_reordered: 0.05,
  api_slow: 0.03,
  api_500: 0.03,
  api_garbage: 0.02,
  api_silent: 0.01,
  api_cut: 0.02,
  api_429: 0.03,
  notify_forgotten: 0.02,
  hangup_forgotten: 0.02,
};

/**
 * Three times the default ringing time: enough for a REFER's last event to arrive before its first.
 */
const SHUFFLE_MS = 1_200;
const COPY_MS = 200;

export interface WebhookFate {
  lost: boolean;
  /** The first delivery attempt is lost; the next one is made. */
  firstAttemptLost: boolean;
  copies: { delayMs: number; held: boolean }[];
  struck: FaultKind[];
}

export interface ApiFate {
  kind: ApiFault;
  strikes: 'before' | 'after';
  ms: number;
  /** Written in the call's script, not drawn by rate. */
  scripted: boolean;
}

export interface FaultContext {
  seed: number;
  rates: FaultRates;
  callNumber: number;
  scripted: ScriptedFault[];
}

export function ratesOf(faults: Faults): FaultRates {
  if (faults === 'none') return {};
  if (faults === 'all') return RATES_ALL;
  for (const [kind, rate] of Object.entries(faults)) {
    if (!(FAULT_KINDS as readonly string[]).includes(kind)) {
      throw new TypeError(`faults: unknown kind "${kind}". Known: ${FAULT_KINDS.join(', ')}.`);
    }
    if (!(rate >= 0 && rate <= 1)) {
      throw new TypeError(`faults: the rate of ${kind} must lie between 0 and 1, got ${rate}.`);
    }
  }
  return faults;
}

export function strikes(
  context: FaultContext,
  kind: FaultKind,
  at: ScriptedFault['at'],
  nth: number,
  ...key: (string | number)[]
): boolean {
  if (scriptedFault(context, kind, at, nth) !== undefined) return true;
  const rate = context.rates[kind] ?? 0;
  return rate > 0 && chance(context.seed, context.callNumber, kind, at, nth, ...key) < rate;
}

/** `legIndex` and `nth` name the event: the nth of its type on that leg. */
export function webhookFate(
  context: FaultContext,
  type: `call.${string}`,
  legIndex: number,
  nth: number,
  basis: { copies: number; shuffle: boolean },
): WebhookFate {
  const struck: FaultKind[] = [];
  const strike = (kind: FaultKind): boolean => {
    const hit = strikes(context, kind, type, nth, legIndex);
    if (hit) struck.push(kind);
    return hit;
  };
  const lost = strike('webhook_lost');
  const copies = basis.copies + (strike('webhook_doubled') ? 1 : 0);
  const delayed = strike('webhook_delayed');
  const reordered = strike('webhook_reordered');
  const shuffled =
    chance(context.seed, context.callNumber, 'shuffle', type, nth, legIndex) * SHUFFLE_MS;
  return {
    lost,
    firstAttemptLost: strike('webhook_retried'),
    copies: Array.from({ length: copies }, (_, copy) => {
      const roll = (what: string): number =>
        chance(context.seed, context.callNumber, what, type, nth, legIndex, copy);
      const scripted = scriptedFault(context, 'webhook_delayed', type, nth)?.ms;
      // A fault by rate delays only the first copy, a scripted one all of them.
      const delay = scripted ?? (delayed && copy === 0 ? 200 + roll('delay') * 2_800 : 0);
      return {
        delayMs: delay + (basis.shuffle ? shuffled + roll('copy') * COPY_MS : 0),
        held: reordered && copy === 0,
      };
    }),
    struck,
  };
}

/** `nth` counts the requests of this action on this leg, repeats included. */
export function apiFate(
  context: FaultContext,
  at: ActionName | 'probe',
  legIndex: number,
  nth: number,
): ApiFate | null {
  for (const kind of API_FAULTS) {
    const scripted = scriptedFault(context, kind, at, nth);
    if (scripted !== undefined) {
      const { strikes: when = 'before', ms = 2_000 } = scripted;
      return { kind, strikes: when, ms, scripted: true };
    }
    if (strikes(context, kind, at, nth, legIndex)) {
      const roll = (what: string): number =>
        chance(context.seed, context.callNumber, what, at, legIndex, nth);
      // A 429 always comes before execution; every other fault may also occur after it.
      const after = kind !== 'api_429' && roll('after') < 0.5;
      const ms = 200 + roll('slow') * 2_800;
      return { kind, strikes: after ? 'after' : 'before', ms, scripted: false };
    }
  }
  return null;
}

function scriptedFault(
  context: FaultContext,
  kind: FaultKind,
  at: ScriptedFault['at'],
  nth: number,
): ScriptedFault | undefined {
  return context.scripted.find(
    (fault) =>
      fault.kind === kind && fault.at === at && (fault.nth === undefined || fault.nth === nth),
  );
}
