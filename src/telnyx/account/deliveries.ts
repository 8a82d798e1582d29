/** `GET /webhook_deliveries`: what Telnyx tried to deliver, and the result of each attempt. */
import type { Delivery, DeliveryAttempt } from '../../core/account/account.ts';
import { asArray, asInteger, asName, asObject, asText } from '../fields.ts';
import { parseOccurredAt } from '../occurred-at.ts';
import type { Query } from './asking.ts';

export interface DeliveryFilter {
  failed?: boolean;
  eventTypes?: readonly string[];
  /** Time of the first attempt, in milliseconds since the epoch. */
  startedFrom?: number;
}

/** The documented maximum that Telnyx keeps of an answer. */
const BODY_CHARS_MAX = 10_240;
const ATTEMPTS_MAX = 100;

export function deliveryQuery(filter: DeliveryFilter): Query {
  const { failed, eventTypes, startedFrom } = filter;
  return {
    ...(failed === undefined ? {} : { 'filter[status][eq]': failed ? 'failed' : 'delivered' }),
    // Without this filter, Telnyx lists deliveries of all products of the account.
    ...(eventTypes === undefined ? {} : { 'filter[event_type]': eventTypes.join(',') }),
    ...(startedFrom === undefined
      ? {}
      : { 'filter[started_at][gte]': new Date(startedFrom).toISOString() }),
  };
}

export function readDelivery(entry: unknown): Delivery | null {
  const fields = asObject(entry);
  if (fields === null) return null;
  const webhook = asObject(fields.webhook);
  const attempts = asArray(fields.attempts)
    .slice(0, ATTEMPTS_MAX)
    .map(readAttempt)
    .toSorted((a, b) => (b.startedAt ?? 0) - (a.startedAt ?? 0));
  return {
    id: asName(fields.id, 200),
    failed: fields.status === 'failed',
    startedAt: parseOccurredAt(fields.started_at),
    finishedAt: parseOccurredAt(fields.finished_at),
    eventType: asName(webhook?.event_type, 200),
    connectionId: asName(asObject(webhook?.payload)?.connection_id, 100),
    attempts,
    webhook: fields.webhook,
  };
}

function readAttempt(entry: unknown): DeliveryAttempt {
  const fields = asObject(entry) ?? {};
  const http = asObject(fields.http);
  const request = asObject(http?.request);
  const response = asObject(http?.response);
  return {
    // One of Telnyx's guides calls the status "success".
    delivered: fields.status === 'delivered' || fields.status === 'success',
    startedAt: parseOccurredAt(fields.started_at),
    timestamp: headerOf(request?.headers, 'telnyx-timestamp'),
    errors: asArray(fields.errors).flatMap((error) => {
      const code = codeOf(error);
      return code === null ? [] : [{ code, words: WORDS[code] ?? 'no meaning is published' }];
    }),
    url: asText(request?.url, 4_000),
    response:
      response === null
        ? null
        : {
            status: asInteger(response.status, 100, 599),
            body: asText(response.body, BODY_CHARS_MAX * 2)?.slice(0, BODY_CHARS_MAX) ?? '',
          },
  };
}

/** Headers are documented as pairs of name and value. */
function headerOf(headers: unknown, name: string): string | null {
  for (const pair of asArray(headers)) {
    const [own, value] = asArray(pair);
    if (typeof own === 'string' && own.toLowerCase() === name) return asText(value, 100);
  }
  return null;
}

/** Which call and event type a delivery is about, and its `client_state`. */
export function deliveredEvent({ webhook }: Delivery): {
  eventId: string | null;
  callId: string | null;
  to: string | null;
  isIncoming: boolean;
  clientStateChars: number | null;
} {
  const fields = asObject(webhook);
  const payload = asObject(fields?.payload);
  const state = payload?.client_state;
  return {
    eventId: asName(fields?.id, 200),
    callId: asName(payload?.call_control_id, 500),
    to: asText(payload?.to, 500),
    isIncoming: payload?.direction === 'incoming',
    clientStateChars: typeof state === 'string' ? state.length : null,
  };
}

/** Documented as a number; an object of Telnyx's error shape is accepted too. */
function codeOf(error: unknown): string | null {
  const code = asObject(error)?.code ?? error;
  if (typeof code === 'number' && Number.isInteger(code)) return String(code);
  return typeof code === 'string' && /^\w{1,20}$/.test(code) ? code : null;
}

/** Telnyx's error codes for deliveries. */
const WORDS: Record<string, string> = {
  75000: 'the webhook could not be delivered',
  75001: 'the host name of the URL could not be resolved',
  75002: 'no connection to the host',
  75003: 'the TLS certificate could not be verified',
  75004: 'the TLS certificate has expired',
  75005: 'the TLS certificate is for another name',
  75006: 'the TLS certificate is not trusted',
  75299: 'answered with 2xx, but not with 200',
  75300: 'answered with a redirect',
  75400: 'answered 400',
  75404: 'answered 404',
  75499: 'answered with another 4xx',
  75500: 'answered 500',
  75599: 'answered with another 5xx',
};
