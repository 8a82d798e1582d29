/**
 * What we ask Telnyx to do, as values that are stored in the same transaction as the change of the
 * call.
 */
import type { Envelope } from './client-state.ts';

export type Action =
  | 'answer'
  | 'refer'
  | 'transfer'
  | 'speak'
  | 'playback_start'
  | 'playback_stop'
  | 'gather_using_speak'
  | 'gather_using_audio'
  | 'reject'
  | 'hangup'
  | 'client_state_update'
  | 'probe'
  | 'active_calls'
  | 'lookup';

/** It begins or ends what the caller hears, so those of a leg must reach Telnyx in order. */
export function isPrompt({ action }: { action: string }): boolean {
  return PROMPTS.has(action);
}

const PROMPTS: ReadonlySet<string> = new Set<Action>([
  'speak',
  'playback_start',
  'playback_stop',
  'gather_using_speak',
  'gather_using_audio',
]);

/** A request about a call to one of the operator's own servers; see `lookups` in docs/routes.md. */
export interface LookupRequest {
  /** The lookup's name in the route set. */
  name: string;
  url: string;
  /** Values may hold references such as `${CRM_TOKEN}`, which are never stored resolved. */
  headers: { name: string; value: string }[];
  /** Which values are kept of the answer, and the keys that lead to them. */
  keep: { name: string; path: string[] }[];
  timeoutMs: number;
  /** How long an answer is reused for other calls with the same request; null: never. */
  cacheMs: number | null;
}

/** How a lookup ended. Only `found`, `cached` and `missing_field` brought an answer. */
export const LOOKUP_RESULTS = [
  'found',
  'cached',
  /** The answer lacks one of the values to keep. */
  'missing_field',
  'time_over',
  'http_status',
  'not_json',
  'too_large',
  'unreachable',
  /** A variable in its headers is not set. */
  'not_sent',
] as const;
export type LookupResult = (typeof LOOKUP_RESULTS)[number];

export interface LookupAnswer {
  result: LookupResult;
  /** The kept values as text, written by whoever runs the other server. */
  values: Record<string, string>;
  ms: number;
}

interface CommandBase {
  /**
   * UUIDv5 of (call, event type, event id, index), so a replay or another replica gives the same
   * id.
   */
  id: string;
  /** The call that issued it. */
  callId: string;
  /** call_control_id in the request's path; differs from `callId` only for a transfer's B-leg. */
  legId: string;
  attemptId: string | null;
  /** Not sent at or after this time (store's clock): the end of the step or of patience. */
  giveUpAt: number | null;
  /**
   * Base64 envelope; null only for probes, lookups, and for handing the leg back to another
   * application.
   */
  clientState: string | null;
}

export type Command = CommandBase &
  (
    | { action: 'answer' }
    | { action: 'probe' }
    /** Finds the live leg of the connection with the envelope that a transfer put on its B-leg. */
    | { action: 'active_calls'; connectionId: string; targetClientState: string }
    /** Sent to the operator's own server instead of Telnyx. */
    | ({ action: 'lookup' } & LookupRequest)
    | { action: 'hangup' }
    | { action: 'playback_stop' }
    | { action: 'client_state_update' }
    | { action: 'reject'; cause: 'busy' | 'declined' }
    | {
        action: 'refer';
        sipAddress: string;
        userToUser: string | null;
        headers: { name: string; value: string }[];
        auth: { username: string; password: string } | null;
      }
    | {
        action: 'transfer';
        to: string;
        from: string | null;
        timeoutSecs: number;
        userToUser: string | null;
        headers: { name: string; value: string }[];
        auth: { username: string; password: string } | null;
        /** Envelope for the new leg. */
        targetClientState: string;
      }
    | {
        action: 'speak';
        text: string;
        voice: string;
        language: string | null;
        loop: boolean;
        stopOthers: boolean;
      }
    | { action: 'playback_start'; url: string; loop: boolean; stopOthers: boolean }
    | {
        action: 'gather_using_speak';
        text: string;
        voice: string;
        language: string | null;
        tries: number;
        timeoutMs: number;
        digitsMin: number;
        digitsMax: number;
        validDigits: string;
      }
    | {
        action: 'gather_using_audio';
        url: string;
        tries: number;
        timeoutMs: number;
        digitsMin: number;
        digitsMax: number;
        validDigits: string;
      }
  );

/** Every command except the lookup goes to Telnyx. */
export type TelnyxCommand = Exclude<Command, { action: 'lookup' }>;
export type LookupCommand = Extract<Command, { action: 'lookup' }>;

/**
 * The four results of a request. `rejected` has Telnyx's error; `callEnded` marks the codes which
 * mean that the call has ended (90018; 90015 and 10005 in a Telnyx error body), which is a fact and
 * not an error.
 */
export type Outcome =
  | {
      kind: 'accepted';
      status: number;
      /** Of a probe: whether the leg still exists. */
      alive: boolean | null;
      /** Of a probe: the leg's client_state. */
      envelope?: Envelope | null;
      /** Of active_calls: call_control_id of the live B-leg; null if there is none. */
      bLeg?: string | null;
      /** Of a lookup. */
      lookup?: LookupAnswer;
    }
  | {
      kind: 'rejected';
      status: number;
      /** Telnyx's error code as text; null if the body is not from Telnyx. */
      code: string | null;
      detail: string;
      callEnded: boolean;
      notAnswered: boolean;
      /** 401, 403 or a 404 without a Telnyx body: our settings are wrong; names the setting. */
      misconfigured: string | null;
    }
  | {
      kind: 'retry';
      status: number | null;
      detail: string;
      /** Wait before the next try; null: use the back-off. */
      afterMs: number | null;
      /** Nothing was executed (429, refused connection), so the 55 s window starts again. */
      provenUnsent: boolean;
    }
  /** `lookup`: a lookup without an answer, and why. */
  | { kind: 'unknown'; detail: string; lookup?: LookupAnswer };
