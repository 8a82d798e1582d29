/**
 * Parses a verified body. Telnyx's schema requires no payload field, and recorded webhooks have
 * fields that are missing, null or of undocumented types. So no field is required, and anything
 * absent or malformed is null. Only what makes it an event is required: `data.event_type`,
 * `data.id`, `data.payload`, and for an event of a call a `call_control_id`.
 */
import type { CallFacts, Direction } from '../core/machine/call.ts';
import { readClientState } from '../core/machine/client-state.ts';
import type { WebhookEvent } from '../core/machine/event.ts';
import { partyOf } from '../core/rules/addresses/address.ts';
import { callIdOf, whyNoCall } from './call-id.ts';
import { costOf } from './cost.ts';
import {
  asArray,
  asFlag,
  asInteger,
  asName,
  asObject,
  asText,
  type Fields,
  field,
} from './fields.ts';
import { parseOccurredAt } from './occurred-at.ts';
import type { VerifiedBody } from './signature.ts';

type ParsedWebhook =
  | { kind: 'call'; event: WebhookEvent }
  | { kind: 'not_a_call'; type: string | null; lost?: LostEvent }
  | { kind: 'not_telnyx'; why: string; fix: string };

/** An event that should be about a call, but does not name one that can be used. */
export interface LostEvent {
  id: string;
  sessionId: string | null;
  why: string;
}

const LIMITS = {
  typeChars: 128,
  idChars: 256,
  /** Numbers and SIP URIs. */
  addressChars: 512,
  nameChars: 256,
  wordChars: 128,
  /** Our own is at most 1 KB; another application's may be longer. */
  clientStateChars: 8192,
  headers: 100,
  headerNameChars: 256,
  headersChars: 16_384,
  tags: 100,
} as const;

export function parseWebhook(verified: VerifiedBody, receivedAt: number): ParsedWebhook {
  const body = parseJson(verified);
  return body === null ? notTelnyx('The body is not a JSON object.') : parseEvent(body, receivedAt);
}

/** `body`: the delivered JSON, `{ data: … }`. */
export function parseEvent(body: Fields, receivedAt: number): ParsedWebhook {
  const data = asObject(field(body, 'data'));
  if (data === null) return { kind: 'not_telnyx', ...withoutData(body) };
  const type = asName(field(data, 'event_type'), LIMITS.typeChars);
  if (type === null) return notTelnyx('data.event_type is not a name.');
  const id = asName(field(data, 'id'), LIMITS.idChars);
  if (id === null) return notTelnyx('data.id is not an id.');
  const content = field(data, 'payload') ?? null;
  // Telnyx's schema requires no property, not even `payload`; without it the event is about
  // nothing.
  if (content === null) return notACall(type, id, null);
  const payload = asObject(content);
  if (payload === null) return notTelnyx('data.payload is not an object.');

  const callId = callIdOf(payload);
  if (callId === null) return notACall(type, id, payload);
  return {
    kind: 'call',
    event: {
      source: 'webhook',
      id,
      callId,
      type,
      receivedAt,
      occurredAt: parseOccurredAt(field(data, 'occurred_at')),
      facts: factsOf(callId, payload),
      ...readClientState(asText(field(payload, 'client_state'), LIMITS.clientStateChars)),
      sipNotifyResponse: asInteger(field(payload, 'sip_notify_response'), 100, 699),
      hangupCause: asText(field(payload, 'hangup_cause'), LIMITS.wordChars),
      hangupSource: asText(field(payload, 'hangup_source'), LIMITS.wordChars),
      sipHangupCause: asText(field(payload, 'sip_hangup_cause'), LIMITS.wordChars),
      digits:
        asText(field(payload, 'digits'), LIMITS.wordChars) ??
        asText(field(payload, 'digit'), LIMITS.wordChars),
      status: asText(field(payload, 'status'), LIMITS.wordChars),
      deliveryAttempt: deliveryAttemptOf(body),
      ...(type === 'call.cost' ? { cost: costOf(payload) } : {}),
    },
  };
}

function notACall(type: string, id: string, payload: Fields | null): ParsedWebhook {
  const why = whyNoCall(type, payload);
  if (why === null) return { kind: 'not_a_call', type };
  return { kind: 'not_a_call', type, lost: { id, sessionId: sessionIdOf(payload ?? {}), why } };
}

/**
 * Bytes that are not UTF-8 become U+FFFD; the signature proves that they are from Telnyx. A byte
 * order mark may be ignored (RFC 8259, 8.1).
 */
function parseJson(rawBody: Buffer): Fields | null {
  try {
    return asObject(JSON.parse(rawBody.toString('utf8').replace(/^\ufeff/, '')));
  } catch {
    return null;
  }
}

const EXPECTED =
  'It is signed with your key, so look at what made it: Telnyx (webhook API version 2) sends { "data": { "event_type", "id", "payload" } }.';
const VERSION_1 = {
  why: 'The body has the shape of webhook API version 1: set the Telnyx application to webhook API version 2.',
  fix: 'Set the webhook API version of the Telnyx application to 2 (API v2) in the portal.',
};

/**
 * Version 1 has its fields at the top level, event types with an underscore (`call_initiated`), and
 * no `data`. A type with a dot is version 2 from which something has removed `data`.
 */
function withoutData(body: Fields): { why: string; fix: string } {
  const type = asName(field(body, 'event_type'), LIMITS.typeChars);
  if (type?.includes('.')) {
    return {
      why: `The body is flat: event_type is at its top, as in no version of the webhook API, although it names the version 2 event "${type}".`,
      fix: EXPECTED,
    };
  }
  if (type !== null || field(body, 'record_type') === 'event') return VERSION_1;
  return { why: 'The body has no data object.', fix: EXPECTED };
}

function factsOf(callId: string, payload: Fields): CallFacts {
  const screening = asObject(field(payload, 'call_screening_result'));
  const callerType = field(payload, 'calling_party_type');
  return {
    callId,
    sessionId: sessionIdOf(payload),
    legId: asName(field(payload, 'call_leg_id'), LIMITS.idChars),
    connectionId: connectionIdOf(payload),
    from: addressOf(payload, 'from'),
    to: addressOf(payload, 'to'),
    direction: directionOf(payload),
    callerName: asText(field(payload, 'caller_id_name'), LIMITS.nameChars),
    callerType: callerType === 'pstn' || callerType === 'sip' ? callerType : null,
    attestation: attestationOf(payload) ?? (screening === null ? null : attestationOf(screening)),
    attestationValidated: asFlag(field(payload, 'shaken_stir_validated')),
    headers: headersOf(payload),
    tags: tagsOf(payload),
  };
}

function sessionIdOf(payload: Fields): string | null {
  return asName(field(payload, 'call_session_id'), LIMITS.idChars);
}

/** 19 digits exceed 2^53: a JSON number that large is already rounded and would be another id. */
function connectionIdOf(payload: Fields): string | null {
  return asName(asText(field(payload, 'connection_id'), LIMITS.idChars), LIMITS.idChars);
}

/** Null and blank both mean that no number was sent. Parameters are not part of a number. */
function addressOf(payload: Fields, name: 'from' | 'to'): string | null {
  return partyOf(asText(field(payload, name), LIMITS.addressChars));
}

/** `direction`; otherwise a parked leg is incoming and a bridging one outgoing. */
function directionOf(payload: Fields): Direction | null {
  const direction = field(payload, 'direction');
  if (direction === 'incoming' || direction === 'outgoing') return direction;
  const state = field(payload, 'state');
  if (state === 'parked') return 'incoming';
  if (state === 'bridging') return 'outgoing';
  return null;
}

function attestationOf(holder: Fields): string | null {
  const text = asText(field(holder, 'shaken_stir_attestation'), LIMITS.wordChars)?.trim();
  if (text === undefined || text === '') return null;
  return text.length === 1 ? text.toUpperCase() : text;
}

/** The INVITE's custom headers and its User-to-User or Diversion, in this order. */
function headersOf(payload: Fields): { name: string; value: string }[] {
  const headers: { name: string; value: string }[] = [];
  let chars = 0;
  for (const list of ['custom_headers', 'sip_headers']) {
    for (const item of asArray(field(payload, list))) {
      const header = asObject(item);
      if (header === null) continue;
      const name = asName(field(header, 'name'), LIMITS.headerNameChars);
      const value = asText(field(header, 'value'), LIMITS.headersChars);
      if (name === null || value === null) continue;
      chars += name.length + value.length;
      if (headers.length >= LIMITS.headers || chars > LIMITS.headersChars) return headers;
      headers.push({ name, value });
    }
  }
  return headers;
}

function tagsOf(payload: Fields): string[] {
  return asArray(field(payload, 'tags'))
    .slice(0, LIMITS.tags)
    .flatMap((tag) => asText(tag, LIMITS.nameChars) ?? []);
}

/** Every real body has a `meta`, although none of Telnyx's schemas does. */
function deliveryAttemptOf(body: Fields): number | null {
  const meta = asObject(field(body, 'meta'));
  return meta === null ? null : asInteger(field(meta, 'attempt'), 1, 1_000_000);
}

function notTelnyx(why: string): ParsedWebhook {
  return { kind: 'not_telnyx', why, fix: EXPECTED };
}
