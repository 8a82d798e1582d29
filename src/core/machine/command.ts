/** What we ask Telnyx to do, as values: stored in the same transaction as the change they follow from. */

export type Action =
  | 'answer'
  | 'refer'
  | 'transfer'
  | 'speak'
  | 'playback_start'
  | 'playback_stop'
  | 'gather_using_speak'
  | 'reject'
  | 'hangup'
  | 'client_state_update'
  | 'probe'
  | 'active_calls';

interface CommandBase {
  /** UUIDv5 of (call, event type, event id, index): a replay or another replica makes the same one. */
  id: string;
  /** The call whose machine issued it. */
  callId: string;
  /** call_control_id in the request's path; another than `callId` only for a transfer's B-leg. */
  legId: string;
  attemptId: string | null;
  /** Nothing is sent at or after this moment (store's clock): what is left of the step and of patience. */
  giveUpAt: number | null;
  /** Base64 envelope; null only for questions, and for handing the leg back to another application. */
  clientState: string | null;
}

export type Command = CommandBase &
  (
    | { action: 'answer' }
    | { action: 'probe' }
    /** Which living leg of the connection carries the envelope that a transfer put on its B-leg. */
    | { action: 'active_calls'; connectionId: string; targetClientState: string }
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
  );

/**
 * The four ends of a request. `rejected` carries what Telnyx said; `callEnded` marks the codes that
 * mean the call is over (90018; 90015 and 10005 in a Telnyx error body): a fact, not an error.
 */
export type Outcome =
  | {
      kind: 'accepted';
      status: number;
      /** Of a probe: whether the leg lives. */
      alive: boolean | null;
      /** Of a probe: the client_state that stands on the leg. */
      clientState?: string | null;
      /** Of active_calls: call_control_id of the B-leg that lives; null where none does. */
      bLeg?: string | null;
    }
  | {
      kind: 'rejected';
      status: number;
      /** Telnyx error code as text; null for a body that is not Telnyx's. */
      code: string | null;
      detail: string;
      callEnded: boolean;
      notAnswered: boolean;
      /** 401, 403 or a bare 404: ours to mend; names the setting. */
      misconfigured: string | null;
    }
  | {
      kind: 'retry';
      status: number | null;
      detail: string;
      /** Wait before the next try; null leaves it to the back-off. */
      afterMs: number | null;
      /** Nothing happened at Telnyx (429, refused connection): the 55 s window starts anew. */
      provenUnsent: boolean;
    }
  | { kind: 'unknown'; detail: string };
