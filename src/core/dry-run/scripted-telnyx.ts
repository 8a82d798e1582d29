/** The outcomes and webhooks that Telnyx would send for each command, given a scripted verdict. */
import type { Call, Verdict } from '../machine/call.ts';
import { readClientState } from '../machine/client-state.ts';
import type { Command, Outcome } from '../machine/command.ts';
import type { BLegEvent, CallEvent, OutcomeEvent, WebhookEvent } from '../machine/event.ts';
import { bLegEvent, hangupOf, webhookOf } from './events.ts';

export interface Scripted {
  event: CallEvent;
  /** Milliseconds since the previous one. */
  afterMs: number;
}

interface Situation {
  call: Call;
  /** Verdict of an attempt; null if the caller hangs up before there is one. */
  verdict: Verdict | null;
  /** The keys pressed in a menu. */
  digits: string | null;
  /** The caller hangs up once this attempt was tried. */
  leaves: boolean;
  /** The target begins to ring: Telnyx reports progress. */
  rings?: boolean;
  /** How long the target takes; by default well within the step's timeout. */
  tookMs?: number;
  /** The status in its NOTIFY; by default the usual one for the verdict. */
  sipNotifyResponse?: number | null;
  /** The answer of the lookup; absent: no answer. */
  lookup?: Readonly<Record<string, string>> | undefined;
  /** Telnyx refuses our answer. */
  answerRefused?: boolean;
}

/** How long a target takes to answer a REFER in a dry run; shorter if the step allows less. */
const ATTEMPT_MS = 5_000;
/**
 * Between the slowest and the fastest speech of the state machine, so that an end counts as one.
 */
const SPEECH_MS_PER_CHARACTER = 60;
const PLAYBACK_MS = 5_000;

export function answersTo(command: Command, situation: Situation): Scripted[] {
  const accepted = scriptedOutcome(command, { kind: 'accepted', status: 200, alive: null });
  const { call } = situation;
  switch (command.action) {
    case 'answer':
      if (situation.answerRefused) return [refusal(command)];
      return [accepted, hook(call, 'call.answered', command)];
    case 'refer':
      return referAnswers(command, situation, accepted);
    case 'transfer':
      return transferAnswers(command, situation, accepted);
    case 'speak': {
      if (command.loop) return [accepted];
      const ended = hook(call, 'call.speak.ended', command, { status: 'completed' });
      return [accepted, { ...ended, afterMs: speechMs(command.text) }];
    }
    case 'playback_start': {
      if (command.loop) return [accepted];
      const ended = hook(call, 'call.playback.ended', command, { status: 'completed' });
      return [accepted, { ...ended, afterMs: PLAYBACK_MS }];
    }
    case 'gather_using_speak':
    case 'gather_using_audio': {
      const { digits } = situation;
      const status = digits === null ? 'timeout' : 'valid';
      const promptMs = 'url' in command ? PLAYBACK_MS : speechMs(command.text);
      const ended = hook(call, 'call.gather.ended', command, { digits: digits ?? '', status });
      return [accepted, { ...ended, afterMs: promptMs }];
    }
    case 'reject':
    case 'hangup':
      if (command.legId !== call.id) return [accepted];
      return [accepted, { event: hangupOf(call), afterMs: 0 }];
    case 'probe':
      return [scriptedOutcome(command, { kind: 'accepted', status: 200, alive: true })];
    case 'active_calls':
      return [scriptedOutcome(command, { kind: 'accepted', status: 200, alive: null, bLeg: null })];
    case 'lookup':
      return [lookupAnswer(command, situation.lookup)];
    case 'playback_stop':
    case 'client_state_update':
      return [accepted];
    default:
      return command satisfies never;
  }
}

/**
 * A lookup is never really requested: the script contains the values that are kept of the answer.
 */
function lookupAnswer(
  command: Extract<Command, { action: 'lookup' }>,
  script: Situation['lookup'],
): Scripted {
  if (script === undefined) {
    const lookup = { result: 'time_over' as const, values: {}, ms: 0 };
    return scriptedOutcome(command, { kind: 'unknown', detail: NOT_SCRIPTED, lookup });
  }
  const kept = command.keep.flatMap(({ name }) => {
    const value = Object.hasOwn(script, name) ? script[name] : undefined;
    return value === undefined ? [] : [[name, value] as const];
  });
  const result = kept.length === command.keep.length ? 'found' : 'missing_field';
  const lookup = { result, values: Object.fromEntries(kept), ms: 0 } as const;
  return scriptedOutcome(command, { kind: 'accepted', status: 200, alive: null, lookup });
}

const NOT_SCRIPTED = 'no answer: a dry run asks nobody, and nothing is scripted for it';

/** A `sip_notify_response` for each verdict; see the table in `verdict.ts`. */
const NOTIFY: Partial<Record<Verdict, number>> = {
  busy: 486,
  no_answer: 480,
  declined: 603,
  not_found: 404,
  not_allowed: 403,
  server_error: 503,
  other: 488,
};

function referAnswers(command: Command, situation: Situation, accepted: Scripted): Scripted[] {
  const { call, verdict, leaves } = situation;
  const tookMs = attemptMs(situation);
  const gone: Scripted = { event: hangupOf(call), afterMs: tookMs };
  if (verdict === 'abandoned') return [{ ...gone, afterMs: 0 }];
  if (verdict === 'rejected') return leaves ? [refusal(command), gone] : [refusal(command)];
  if (verdict === null) return [accepted, gone];
  const ringing = hook(call, 'call.refer.started', command, { sipNotifyResponse: 180 });
  const begun = situation.rings ? [accepted, ringing] : [accepted];
  if (verdict === 'no_verdict') return leaves ? [...begun, gone] : begun;

  const type = verdict === 'completed' ? 'call.refer.completed' : 'call.refer.failed';
  const usual = verdict === 'completed' ? 200 : (NOTIFY[verdict] ?? null);
  const code = situation.sipNotifyResponse ?? usual;
  const final = hook(call, type, command, { sipNotifyResponse: code });
  if (code === 603 && verdict === 'declined') {
    // Without progress this code would mean that the REFER was declined, not the caller.
    const trying = hook(call, 'call.refer.started', command, { sipNotifyResponse: 100 });
    if (!leaves) return [...begun, trying, { ...final, afterMs: tookMs }];
  }
  // A caller who hangs up after a failed attempt does so before the next command is sent.
  if (leaves) return [accepted, gone, final];
  return [...begun, { ...final, afterMs: tookMs }];
}

const FAR_HANGUP: Partial<Record<Verdict, { cause: string; sip: string }>> = {
  busy: { cause: 'user_busy', sip: '486' },
  no_answer: { cause: 'timeout', sip: '480' },
  declined: { cause: 'call_rejected', sip: '603' },
  not_found: { cause: 'not_found', sip: '404' },
  not_allowed: { cause: 'unspecified', sip: '403' },
  server_error: { cause: 'unspecified', sip: '503' },
  other: { cause: 'unspecified', sip: '488' },
};

function transferAnswers(command: Command, situation: Situation, accepted: Scripted): Scripted[] {
  const { call, verdict, leaves } = situation;
  const tookMs = attemptMs(situation);
  const gone: Scripted = { event: hangupOf(call), afterMs: tookMs };
  const far = (type: string, more: Partial<BLegEvent> = {}): Scripted => ({
    event: bLegEvent(command, type, more),
    afterMs: 0,
  });
  if (verdict === 'rejected') return leaves ? [refusal(command), gone] : [refusal(command)];
  const ringing = [accepted, far('call.initiated')];
  if (verdict === 'completed') {
    const bridged = hook(call, 'call.bridged', command);
    const talk = [...ringing, { ...far('call.answered'), afterMs: tookMs }, bridged];
    return leaves ? [...talk, gone] : talk;
  }
  if (verdict === null || verdict === 'abandoned' || leaves) return [...ringing, gone];
  if (verdict === 'no_verdict') return ringing;
  const ended = FAR_HANGUP[verdict];
  const hangup = far('call.hangup', {
    hangupCause: ended?.cause ?? null,
    sipHangupCause: ended?.sip ?? null,
  });
  return [...ringing, { ...hangup, afterMs: tookMs }];
}

/** Well within the step's timeout, however short that is. */
function attemptMs({ call, tookMs }: Situation): number {
  if (tookMs !== undefined) return tookMs;
  const step = call.running?.step;
  return step !== undefined && 'timeoutMs' in step
    ? Math.min(ATTEMPT_MS, step.timeoutMs / 2)
    : ATTEMPT_MS;
}

function speechMs(text: string): number {
  return text.length * SPEECH_MS_PER_CHARACTER;
}

function refusal(command: Command): Scripted {
  return scriptedOutcome(command, {
    kind: 'rejected',
    status: 422,
    code: '10015',
    detail: 'refused by the script',
    callEnded: false,
    notAnswered: false,
    misconfigured: null,
  });
}

function scriptedOutcome(command: Command, outcome: Outcome): Scripted {
  const event: OutcomeEvent = {
    source: 'outcome',
    id: `outcome:${command.id}`,
    callId: command.callId,
    type: `command.${outcome.kind}`,
    receivedAt: 0,
    occurredAt: null,
    commandId: command.id,
    legId: command.legId,
    action: command.action,
    ...(command.action === 'lookup' ? { lookup: command.name } : {}),
    outcome,
    firstSentAt: null,
  };
  return { event, afterMs: 0 };
}

function hook(
  call: Call,
  type: string,
  command: Command,
  more: Partial<WebhookEvent> = {},
): Scripted {
  const event = {
    ...webhookOf(call.facts, type),
    ...readClientState(command.clientState),
    ...more,
  };
  return { event, afterMs: 0 };
}
