/**
 * The webhooks of many calls that are answered, referred and hung up, as Telnyx would send them.
 * Each is built and signed before the measurement, as the bytes of a whole HTTP request.
 */
import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { encodeClientState } from '../src/core/machine/client-state.ts';
import { commandId } from '../src/core/machine/command-id.ts';

export interface CallsWanted {
  calls: number;
  /** Makes the ids of this lot unique. */
  lot: string;
  /** In PKCS #8 form, PEM. */
  privateKey: string;
  /** Signed with another key: same form, wrong signature. */
  forged?: boolean;
  /** Only the first webhook of each call, so that the calls stay live. */
  firstOnly?: boolean;
  lagCalls?: number;
}

export interface SignedWebhook {
  request: Buffer;
  callId: string;
  type: string;
}

export const WEBHOOKS_OF_A_CALL = [
  'call.initiated',
  'call.answered',
  'call.refer.started',
  'call.refer.completed',
  'call.hangup',
] as const;

type WebhookType = (typeof WEBHOOKS_OF_A_CALL)[number];

/**
 * Between two webhooks of a call come those of this many other calls. At full load that takes half
 * a second or more, so a command has its outcome before the webhook that it causes.
 */
const LAG_CALLS = 1_500;
/** Number of callers: each has one call in progress, and some have several per hour. */
const CALLERS = 50_000;

export function signedWebhooks(wanted: CallsWanted): SignedWebhook[] {
  const key = createPrivateKey(wanted.privateKey);
  const types = wanted.firstOnly === true ? WEBHOOKS_OF_A_CALL.slice(0, 1) : WEBHOOKS_OF_A_CALL;
  const lag = wanted.lagCalls ?? LAG_CALLS;
  const webhooks: SignedWebhook[] = [];
  for (let turn = 0; turn < wanted.calls + lag * (types.length - 1); turn += 1) {
    types.forEach((type, index) => {
      const call = turn - index * lag;
      if (call < 0 || call >= wanted.calls) return;
      const callId = callIdOf(wanted.lot, call);
      const body = bodyOf(type, callId, wanted.lot, call);
      webhooks.push({ request: requestOf(body, key, wanted.forged ?? false), callId, type });
    });
  }
  return webhooks;
}

function callIdOf(lot: string, call: number): string {
  const text = Buffer.from(`${lot}-${call}-`.padEnd(72, 'x')).toString('base64url');
  return `v3:${text}`;
}

function eventIdOf(lot: string, call: number, type: WebhookType): string {
  const index = WEBHOOKS_OF_A_CALL.indexOf(type);
  const tail = String(call).padStart(11, '0');
  const head = Buffer.from(lot.padEnd(4, '0')).toString('hex').slice(0, 8);
  return `${head}-4df3-4bca-a65a-${index}${tail}`;
}

function bodyOf(type: WebhookType, callId: string, lot: string, call: number): string {
  const startedAt = new Date().toISOString().replace('Z', '000Z');
  const from = `+35386${String(1_000_000 + ((call * 7919) % CALLERS)).slice(0, 7)}`;
  const common = {
    call_control_id: callId,
    call_leg_id: `428c31b6-7af4-4bcb-b7f5-${String(call).padStart(12, '0')}`,
    call_session_id: `428c31b6-abf3-3bc1-b7f4-${String(call).padStart(12, '0')}`,
    calling_party_type: 'pstn',
    client_state: clientStateOf(type, callId, lot, call),
    connection_id: '1684641123236054244',
    from,
  };
  return JSON.stringify({
    data: {
      event_type: type,
      id: eventIdOf(lot, call, type),
      occurred_at: startedAt,
      payload: { ...common, ...payloadOf(type, startedAt), to: '+14155550100' },
      record_type: 'event',
    },
    meta: { attempt: 1, delivered_to: 'https://calls.example.com/webhooks/telnyx' },
  });
}

/** The client_state of the leg's last command, whose id follows from the webhooks. */
function clientStateOf(
  type: WebhookType,
  callId: string,
  lot: string,
  call: number,
): string | null {
  if (type === 'call.initiated') return null;
  const cause = type === 'call.answered' ? 'call.initiated' : 'call.answered';
  return encodeClientState(commandId(callId, cause, eventIdOf(lot, call, cause), 0), null);
}

function payloadOf(type: WebhookType, startedAt: string): Record<string, unknown> {
  switch (type) {
    case 'call.initiated':
      return {
        caller_id_name: '+353861000000',
        connection_codecs: 'G722,PCMU,PCMA,OPUS,AMR-WB',
        custom_headers: [
          { name: 'P-Early-Media', value: 'supported' },
          { name: 'X-RTC-CALLID', value: '5a1c6f2e-83e6-4ea0-9f1c-f9bd31f6c2f9' },
        ],
        direction: 'incoming',
        offered_codecs: 'PCMU,PCMA,G729,telephone-event',
        shaken_stir_attestation: 'A',
        shaken_stir_validated: true,
        start_time: startedAt,
        state: 'parked',
        tags: [],
      };
    case 'call.answered':
      return { codec: 'PCMU', custom_headers: [], sampling_rate: 8000, start_time: startedAt };
    case 'call.refer.started':
      return { sip_notify_response: 100 };
    case 'call.refer.completed':
      return { sip_notify_response: 200 };
    default:
      return {
        call_quality_stats: {
          inbound: {
            jitter_max_variance: '32.93',
            jitter_packet_count: '0',
            mos: '4.50',
            packet_count: '1032',
            skip_packet_count: '0',
          },
          outbound: { packet_count: '0', skip_packet_count: '0' },
        },
        end_time: startedAt,
        hangup_cause: 'normal_clearing',
        hangup_source: 'caller',
        sip_hangup_cause: '200',
        start_time: startedAt,
        tags: [],
      };
  }
}

function requestOf(body: string, key: KeyObject, forged: boolean): Buffer {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signed = `${timestamp}|${body}${forged ? ' ' : ''}`;
  const signature = sign(null, Buffer.from(signed), key).toString('base64');
  return Buffer.from(
    `POST /webhooks/telnyx HTTP/1.1\r
host: calls.example.com\r
user-agent: telnyx-webhooks\r
content-type: application/json\r
content-length: ${Buffer.byteLength(body)}\r
telnyx-timestamp: ${timestamp}\r
telnyx-signature-ed25519: ${signature}\r
\r
${body}`,
  );
}
