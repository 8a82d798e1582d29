/**
 * What a handler is given and may answer. Import it with `import type`, so that it erases:
 *
 *     import type { Handler } from 'telnyx-referee';
 *
 *     const handler: Handler = (call) => (call.from === '+14155550101' ? [{ refer: 'support-us' }] : undefined);
 *     export default handler;
 *
 * A handler is synchronous and pure: no imports, no clock but `context.at`, no chance, 50 ms.
 * `undefined` means that the rule does not match: the next rules are tried. Its destinations must
 * satisfy `policy.allow`, unless they are named targets.
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
  /** STIR/SHAKEN level, null where it was not validated. */
  readonly attestation: string | null;
  /** By name in lower case; of several of one name the first. The caller writes them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  /**
   * What lookups brought, by name and field: those that were asked, because a clause or a place of
   * a rule needs them. The other server writes it.
   */
  readonly lookups: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export interface HandlerContext {
  readonly event: 'call.initiated' | 'call.answered' | 'call.dtmf.received';
  /** Of a call.dtmf.received event. */
  readonly digits: string | null;
  /** When the event reached us, milliseconds since the epoch; also what `Date.now()` answers. */
  readonly at: number;
  /** Names of the targets of the route set. */
  readonly targets: readonly string[];
}

/** The steps of a route file: `'hangup'`, `{ refer: 'support-us' }`, `{ say: 'Hello.' }`, … */
export type HandlerStep = WrittenStep;

export type Handler = (call: HandlerCall, context: HandlerContext) => HandlerStep[] | undefined;
