/**
 * What a handler is given and may answer. Import it with `import type`, so that it erases:
 *
 *     import type { Handler } from 'telnyx-referee';
 *
 *     const handler: Handler = (call) => (call.from === '+14155550101' ? [{ refer: 'support-us' }]
 *     : undefined); export default handler;
 *
 * A handler is synchronous and pure: no imports, no clock but `context.at`, no random numbers, 50
 * ms. `undefined` means that the rule does not match: the next rules are tried. Its destinations
 * must satisfy `policy.allow`, unless they are named targets.
 */
import type { WrittenStep } from '../schema/steps.ts';

export interface HandlerCall {
  readonly call_control_id: string;
  readonly call_session_id: string | null;
  readonly connection_id: string | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly direction: 'incoming' | 'outgoing' | null;
  readonly caller_name: string | null;
  readonly caller_type: 'pstn' | 'sip' | null;
  /** STIR/SHAKEN level, null if it was not validated. */
  readonly attestation: string | null;
  /**
   * By name in lower case; of several with one name, the first. The caller controls their values.
   */
  readonly headers: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  /**
   * Results of lookups, by name and field. Only lookups that a clause or placeholder of some rule
   * needs are made. The values come from the other server.
   */
  readonly lookups: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export interface HandlerContext {
  readonly event: 'call.initiated' | 'call.answered' | 'call.dtmf.received';
  /** The digits of a call.dtmf.received event. */
  readonly digits: string | null;
  /** When the event reached us, in milliseconds since the epoch; `Date.now()` returns the same. */
  readonly at: number;
  /** The names of all targets in the route set. */
  readonly targets: readonly string[];
}

/** The steps of a route file: `'hangup'`, `{ refer: 'support-us' }`, `{ say: 'Hello.' }`, … */
export type HandlerStep = WrittenStep;

export type Handler = (call: HandlerCall, context: HandlerContext) => HandlerStep[] | undefined;
