/**
 * What a webhook is, independent of any transport: the server, a benchmark and a replay of recorded
 * webhooks all use this. The types enforce the order: nothing is parsed before its signature is
 * verified.
 */
import type { WebhookEvent } from '../core/machine/event.ts';
import type { SignedRequest, Verifier } from './signature.ts';
import type { SignatureRefusal } from './signature-refusal.ts';
import { type LostEvent, parseWebhook } from './webhook.ts';

export type Webhook =
  /** Not signed with our key, or signed too long ago. */
  | { kind: 'refused'; refusal: SignatureRefusal }
  /** Signed, but not an event of Telnyx's webhook API. */
  | { kind: 'not_telnyx'; why: string; fix: string }
  | { kind: 'not_a_call'; type: string | null; lost?: LostEvent; signedAt: number }
  /** `signedAt`: milliseconds by Telnyx's clock, in whole seconds. */
  | { kind: 'call'; event: WebhookEvent; signedAt: number };

export async function verifyAndParse(
  verifier: Pick<Verifier, 'verify'>,
  request: SignedRequest,
): Promise<Webhook> {
  const verification = await verifier.verify(request);
  if (verification.result === 'refused') return { kind: 'refused', refusal: verification.refusal };
  const { body, signedAt } = verification;
  const parsed = parseWebhook(body, request.now);
  return parsed.kind === 'not_telnyx' ? parsed : { ...parsed, signedAt };
}
