/**
 * Plays a whole call without a network: the server's own `decide` and `transition`, with a script
 * of verdicts instead of Telnyx. `referee route`, the examples of `referee check` and POST
 * /v1/routes/explain use it.
 */
import { nameOf } from '../machine/attempt.ts';
import type { Call, CallFacts, Ends, Verdict } from '../machine/call.ts';
import type { Command } from '../machine/command.ts';
import { isCounted } from '../machine/counting.ts';
import type { CallEvent } from '../machine/event.ts';
import type { TraceLine } from '../machine/plan.ts';
import { transition } from '../machine/transition.ts';
import type { CompiledRoutes } from '../rules/compiled-routes.ts';
import { decide } from '../rules/decide.ts';
import type { Overrides } from '../rules/override.ts';
import { type BudgetsUsed, BudgetUse } from '../rules/targets/budget.ts';
import type { RestState } from '../rules/targets/rest.ts';
import { answeredOf, dueEvent, hangupOf, initiatedOf, laterEvents } from './events.ts';
import { restingAt } from './resting.ts';
import { answersTo } from './scripted-telnyx.ts';
import { stepsTaken } from './steps-taken.ts';

export interface Script {
  facts: CallFacts;
  /** When it happens, milliseconds since the epoch. */
  at: number;
  overrides?: Overrides;
  /** By target, SIP URI or number. A list is used for repeated attempts; its last verdict stays. */
  verdicts: Readonly<Record<string, Verdict | readonly Verdict[]>>;
  /** What the caller presses, one text per menu; on a call that no plan runs, key by key. */
  digits: readonly string[];
  /** The caller hangs up when this target has been tried. */
  hangupAfter: string | null;
  /** Answers of lookups, by name; a lookup that is missing here does not answer. */
  lookups?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Attempts without a scripted verdict count as completed; with `error` they are also listed. */
  unscripted: 'completed' | 'error';
  fullTrace?: boolean;
  /** Which targets are down; without it only those rest that an override puts to rest. */
  rest?: RestState;
  /** What other calls used of the budgets of the hour; nothing where nobody can know. */
  used?: BudgetsUsed | null;
}

export interface Played {
  /** Null: `otherwise`, or an unmanaged call. */
  rule: string | null;
  /** Nothing was decided: the call was left as it is, and `otherwise` did not run. */
  unmanaged: boolean;
  /**
   * The steps that ran: `answer`, `refer support-us`, `transfer +1…`, `say`, `reject busy`,
   * `hangup`.
   */
  path: string[];
  /** `reason`: why nothing would be sent to the target; absent if it would be. */
  attempts: { target: string | null; sip_address: string; verdict: Verdict; reason?: string }[];
  ends: Ends | null;
  trace: TraceLine[];
  /** Why this rule matched, or why nothing was decided, in words. */
  why: string;
  warnings: string[];
  /** Targets that were tried without a scripted verdict, if the script asks for them. */
  unscripted: string[];
}

/** A safety limit: calls end long before, because budgets and plans are finite. */
const SIMULATED_EVENTS_MAX = 2_000;

export function simulate(routes: CompiledRoutes, script: Script): Played {
  const play = open(routes, script);
  put(play, initiatedOf(script.facts));
  for (let turn = 0; turn < SIMULATED_EVENTS_MAX && play.call?.phase !== 'ended'; turn += 1) {
    const command = play.queue.shift();
    if (command === undefined) waitOn(play);
    else carryOut(play, command);
  }
  return reportOf(play);
}

interface Play {
  routes: CompiledRoutes;
  script: Script;
  now: number;
  events: number;
  call: Call | null;
  queue: Command[];
  path: string[];
  /** Attempts already in `path`. */
  walked: number;
  trace: TraceLine[];
  unmanaged: boolean;
  why: string;
  warnings: string[];
  unscripted: Set<string>;
  tries: Map<string, number>;
  digits: string[];
  /** Events still to come for a call that no plan runs. */
  later: CallEvent[] | null;
}

function open(routes: CompiledRoutes, script: Script): Play {
  return {
    routes,
    script,
    now: script.at,
    events: 0,
    call: null,
    queue: [],
    path: [],
    walked: 0,
    trace: [],
    unmanaged: false,
    why: '',
    warnings: [],
    unscripted: new Set(),
    tries: new Map(),
    digits: [...script.digits],
    later: null,
  };
}

/** Applies one event at the dry run's own time, and queues what follows from it. */
function put(play: Play, event: CallEvent): void {
  const { routes, script } = play;
  play.events += 1;
  const known = {
    id: `${event.id}-${play.events}`,
    receivedAt: play.now,
    // How long an attempt with an unknown outcome may still report is counted from when it was
    // sent.
    ...(event.source === 'outcome' ? { firstSentAt: play.now } : {}),
  };
  const out = transition(
    play.call,
    { ...event, ...known },
    {
      now: play.now,
      heardAt: () => play.now,
      decide: (facts, moment) => {
        const { fullTrace = false, overrides = {} } = script;
        const decision = decide(routes, facts, moment, overrides, { fullTrace });
        play.warnings.push(...decision.warnings);
        // A later event that no rule matches does not replace the reasons of the first decision.
        const asks = decision.lookup !== undefined;
        if (!asks && (decision.plan !== null || moment.event === 'call.initiated')) {
          play.unmanaged = decision.plan === null;
          play.why = decision.why;
          play.trace = decision.trace;
        }
        return decision;
      },
      overBudget: (kind, caller, freed) => budgetsOf(play).over(kind, caller, freed),
      ...restingAt(play.now, routes.set, script),
    },
  );
  if (out.refused !== null) return;
  play.call = out.call;
  play.queue = play.queue.filter(({ id }) => !out.cancel.includes(id));
  play.queue.push(...out.commands);
  walk(play, out.commands, out.notes);
}

/** As the store counts them for the server: other calls', and those of this call so far. */
function budgetsOf({ call, routes, script }: Play): BudgetUse {
  const budgets = new BudgetUse(routes.set.policy, script.used ?? null);
  for (const attempt of call?.attempts ?? []) {
    if (isCounted(attempt)) budgets.started(attempt.kind, script.facts.from);
  }
  return budgets;
}

/** Records the steps of one transition. */
function walk(play: Play, commands: readonly Command[], notes: readonly string[]): void {
  const attempts = play.call?.attempts ?? [];
  play.path.push(...stepsTaken(attempts, play.walked, commands, notes));
  play.walked = attempts.length;
}

/** Telnyx's side: the answer to one command and the webhooks that follow. */
function carryOut(play: Play, command: Command): void {
  const { call } = play;
  if (call === null) return;
  const attempt = call.attempts.find(({ id }) => id === command.id);
  const name = attempt === undefined ? null : nameOf(attempt);
  const leaves = name !== null && name === play.script.hangupAfter;
  const verdict = name === null ? null : verdictFor(play, name, leaves);
  const gather = command.action.startsWith('gather_using_');
  const digits = gather ? (play.digits.shift() ?? null) : null;
  const lookup = command.action === 'lookup' ? lookupFor(play, command.name) : undefined;
  for (const { event, afterMs } of answersTo(command, { call, verdict, digits, leaves, lookup })) {
    advance(play, afterMs);
    put(play, event);
    if (event.type === 'call.hangup' && event.source === 'webhook') play.queue = [];
  }
  // If a loop was playing, the state machine takes the first end for the loop's.
  if (play.call?.running?.id === command.id && command.action === 'playback_start') {
    const ended = answersTo(command, { call: play.call, verdict, digits, leaves }).at(-1);
    if (ended !== undefined) put(play, ended.event);
  }
}

function lookupFor({ script: { lookups = {} } }: Play, name: string) {
  return Object.hasOwn(lookups, name) ? lookups[name] : undefined;
}

/**
 * The script's next verdict for a target; null if the caller hangs up and no verdict is scripted.
 */
function verdictFor(play: Play, name: string, leaves: boolean): Verdict | null {
  const { verdicts, unscripted } = play.script;
  const scripted = Object.hasOwn(verdicts, name) ? verdicts[name] : undefined;
  const list = typeof scripted === 'string' ? [scripted] : (scripted ?? []);
  const tried = play.tries.get(name) ?? 0;
  play.tries.set(name, tried + 1);
  const verdict = list[Math.min(tried, list.length - 1)];
  if (verdict !== undefined) return verdict;
  if (leaves) return null;
  if (unscripted === 'error') play.unscripted.add(name);
  return 'completed';
}

/** Nothing is in flight: returns the next thing that happens without a command. */
function waitOn(play: Play): void {
  const { call } = play;
  if (call === null) return;
  switch (call.phase) {
    case 'unmanaged':
    case 'new': {
      play.later ??= laterEvents(call, play.path.at(-1) === 'ignore' ? [] : play.digits);
      put(play, play.later.shift() ?? hangupOf(call));
      return;
    }
    case 'referred':
    case 'bridged':
    case 'ended':
      put(play, hangupOf(call));
      return;
    case 'answering':
      // We answer incoming calls ourselves; the far end answers an outgoing one.
      put(play, answeredOf(call));
      return;
    default: {
      const dueAt = Math.min(...call.deadlines.map((deadline) => deadline.dueAt));
      if (Number.isFinite(dueAt)) advance(play, dueAt - play.now);
      else put(play, hangupOf(call));
    }
  }
}

/** Advances the time and applies the deadlines that become due. */
function advance(play: Play, byMs: number): void {
  const until = play.now + Math.max(0, byMs);
  for (let reached = 0; reached < SIMULATED_EVENTS_MAX; reached += 1) {
    const due = play.call?.deadlines.toSorted((a, b) => a.dueAt - b.dueAt)[0];
    if (play.call === null || due === undefined || due.dueAt > until) break;
    play.now = Math.max(play.now, due.dueAt);
    put(play, dueEvent(play.call, due));
  }
  play.now = until;
}

function reportOf(play: Play): Played {
  const { call, path, trace, unmanaged, why, warnings } = play;
  const attempts = (call?.attempts ?? []).map((attempt) => ({
    target: attempt.target,
    sip_address: attempt.sipAddress,
    verdict: attempt.verdict ?? 'no_verdict',
    ...(attempt.unsent ? { reason: attempt.reason ?? '' } : {}),
  }));
  const ends = call?.ends ?? null;
  const unscripted = [...play.unscripted];
  const rule = call?.rule ?? null;
  return { rule, unmanaged, path, attempts, ends, trace, why, warnings, unscripted };
}
