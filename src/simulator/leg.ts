/** One leg of a call: its state, and the payloads of its events. */
import type { CallBook } from './books.ts';
import type { FaultContext } from './faults.ts';
import type { LegIds } from './identity.ts';
import type { CallScript } from './script.ts';

export interface Voice {
  kind: 'speak' | 'playback';
  /** speak_id, or the media's URL or name. */
  id: string;
  durationMs: number;
  /** How often it will still be played. */
  rounds: number;
  overlay: boolean;
  started: boolean;
  cancel: () => void;
}

export interface Gather {
  cancel: () => void;
}

export interface Leg extends LegIds {
  index: number;
  direction: 'incoming' | 'outgoing';
  from: string;
  to: string;
  startedAt: string;
  answeredAt: string | null;
  endedAt: string | null;
  clientState: string | null;
  /** command_id -> when it was executed, on a monotonic clock. */
  executed: Map<string, number>;
  requestCounts: Map<string, number>;
  eventCounts: Map<string, number>;
  answering: boolean;
  voices: Voice[];
  gather: Gather | null;
  /** Cancels pending REFER results and the ringing of B-legs; called at the hangup. */
  pending: Set<() => void>;
  /** True while talking to the other side of a transfer. */
  bridged: boolean;
  parkAfterUnbridge: boolean;
  /** The leg at the other end of a call placed by POST /calls; it belongs to another session. */
  peer: Leg | null;
  call: PlacedLegs;
}

/** A placed call: its legs, its script and its record in the books. */
export interface PlacedLegs {
  number: number;
  script: CallScript;
  book: CallBook;
  sessionId: string;
  connectionId: string;
  caller: Leg;
  legs: Leg[];
  faults: FaultContext;
  /** Number of REFERs or transfers so far, in total and by address. */
  moves: Map<string, number>;
  /** How often each event that the script may wait for has happened. */
  happenings: Map<string, number>;
  gathers: number;
}

export type Payload = Record<string, unknown>;

/** The ids in every event, with the current client_state. */
export function basePayload(leg: Leg): Payload {
  return {
    call_control_id: leg.callControlId,
    call_leg_id: leg.callLegId,
    call_session_id: leg.call.sessionId,
    client_state: leg.clientState,
    connection_id: leg.call.connectionId,
  };
}

export function parties(leg: Leg): Payload {
  return { from: leg.from, to: leg.to };
}

export function initiatedPayload(leg: Leg): Payload {
  const { script } = leg.call;
  const incoming = leg.direction === 'incoming';
  return {
    ...parties(leg),
    calling_party_type: script.callerType ?? 'pstn',
    direction: leg.direction,
    state: incoming ? 'parked' : 'bridging',
    connection_codecs: 'G722,PCMU,PCMA',
    offered_codecs: 'PCMU;ptime=20,PCMA',
    tags: script.tags ?? [],
    ...(incoming
      ? {
          call_screening_result: {
            action: 'accept',
            reputation: null,
            shaken_stir_attestation: script.attestation ?? null,
          },
          caller_id_name: script.callerName ?? leg.from,
          from_sip_uri: `${leg.from.replace(/^sips?:/, '').split('@')[0]}@sip.example.net:5060`,
          to_sip_uri: `${leg.to.replace(/^sips?:/, '').split('@')[0]}@sip.telnyx.com`,
          start_time: leg.startedAt,
          shaken_stir_attestation: script.attestation ?? null,
          shaken_stir_validated: script.attestationValidated ?? false,
          ...headersOf(script),
        }
      : {}),
  };
}

/**
 * `state` is absent in every capture, and `start_time` is the start of the call, not of the answer.
 */
export function answeredPayload(leg: Leg): Payload {
  return {
    ...parties(leg),
    calling_party_type: leg.call.script.callerType ?? 'pstn',
    codec: 'PCMU',
    sampling_rate: 8000,
    start_time: leg.startedAt,
    tags: leg.call.script.tags ?? [],
    ...(leg.index === 0 ? headersOf(leg.call.script) : {}),
  };
}

export function bridgedPayload(leg: Leg): Payload {
  return {
    ...parties(leg),
    calling_party_type: leg.call.script.callerType ?? 'pstn',
    start_time: leg.startedAt,
  };
}

export interface HangupFacts {
  cause: string;
  source: 'caller' | 'callee' | 'unknown';
  sip: string;
}

/**
 * Without `state` and `direction`; `client_state` is absent if it was never set and the leg was not
 * answered.
 */
export function hangupPayload(leg: Leg, facts: HangupFacts): Payload {
  const answered = leg.answeredAt !== null;
  return {
    ...parties(leg),
    ...(answered || leg.clientState !== null ? {} : { client_state: undefined }),
    calling_party_type: leg.call.script.callerType ?? 'pstn',
    call_quality_stats: answered ? QUALITY : null,
    end_time: leg.endedAt,
    hangup_cause: facts.cause,
    hangup_source: facts.source,
    sip_hangup_cause: facts.sip,
    start_time: leg.startedAt,
    tags: leg.call.script.tags ?? [],
    ...(leg.index === 0 ? headersOf(leg.call.script) : {}),
  };
}

const QUALITY = {
  inbound: {
    jitter_max_variance: '5.41',
    jitter_packet_count: '0',
    mos: '4.50',
    packet_count: '612',
    skip_packet_count: '3',
  },
  outbound: { packet_count: '610', skip_packet_count: '0' },
};

/** custom_headers is absent if there are none. */
function headersOf(script: CallScript): Payload {
  return {
    ...(script.customHeaders?.length ? { custom_headers: script.customHeaders } : {}),
    ...(script.sipHeaders?.length ? { sip_headers: script.sipHeaders } : {}),
  };
}

/** Seconds since the answer, or since the start if the leg was not answered. */
export function secondsOf(leg: Leg): number {
  const from = Date.parse(leg.answeredAt ?? leg.startedAt);
  const until = leg.endedAt === null ? Date.now() : Date.parse(leg.endedAt);
  return Math.round((until - from) / 1000);
}
