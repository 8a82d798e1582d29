/** Webhooks as Telnyx sends them, signed with the tests' own key. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export interface TelnyxKey {
  /** The raw 32 bytes. */
  publicKey: Buffer;
  privateKey: KeyObject;
}

export function telnyxKey(): TelnyxKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return {
    publicKey: Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'),
    privateKey,
  };
}

/** The headers of a webhook of webhook API version 2. */
export function signedHeaders(
  key: TelnyxKey,
  body: string | Buffer,
  atMs = Date.now(),
): Record<string, string> {
  const timestamp = String(Math.floor(atMs / 1000));
  const message = Buffer.concat([Buffer.from(`${timestamp}|`), Buffer.from(body)]);
  const signature = sign(null, message, key.privateKey);
  return {
    'content-type': 'application/json',
    'telnyx-signature-ed25519': signature.toString('base64'),
    'telnyx-timestamp': timestamp,
    'user-agent': 'telnyx-webhooks',
  };
}

let count = 0;

export function webhookBody(
  type: string,
  payload: Record<string, unknown> = {},
  { id, occurredAt = new Date(), attempt = 1 }: WebhookExtras = {},
): string {
  count += 1;
  return JSON.stringify({
    data: {
      event_type: type,
      id: id ?? `0ccc7b54-4df3-4bca-a65a-${String(count).padStart(12, '0')}`,
      occurred_at: occurredAt.toISOString(),
      payload: {
        call_control_id: 'v3:test-call',
        call_leg_id: 'leg-1',
        call_session_id: 'session-1',
        client_state: null,
        connection_id: '7267xxxxxxxxxxxxxx',
        ...payload,
      },
      record_type: 'event',
    },
    meta: { attempt, delivered_to: 'https://example.com/webhooks/telnyx' },
  });
}

export interface WebhookExtras {
  id?: string;
  occurredAt?: Date;
  attempt?: number;
}

export function incomingCall(callControlId: string, fields: Record<string, unknown> = {}): string {
  return webhookBody('call.initiated', {
    call_control_id: callControlId,
    call_session_id: `session-of-${callControlId}`,
    direction: 'incoming',
    state: 'parked',
    from: '+353861234567',
    to: '+14155550100',
    ...fields,
  });
}
