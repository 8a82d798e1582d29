/**
 * The result of every webhook, attempt by attempt, as `GET /webhook_deliveries` shows it. It only
 * contains what was really sent: an event lost by a fault was never attempted.
 */

export interface SentAttempt {
  url: string;
  startedAt: string;
  finishedAt: string;
  requestHeaders: Record<string, string>;
  /** 0: there was no answer. */
  status: number;
  responseHeaders: Record<string, string>;
  responseBody: string;
  error: unknown;
}

export interface DeliveryLog {
  attempted(event: { id: string; data: string }, attempt: SentAttempt): void;
  /** Deliveries in Telnyx's form, newest first. */
  list(): Record<string, unknown>[];
}

interface Entry {
  id: string;
  data: string;
  attempts: SentAttempt[];
}

const DELIVERIES_MAX = 20_000;
const ATTEMPTS_MAX = 40;

export function createDeliveryLog(): DeliveryLog {
  const entries = new Map<string, Entry>();
  return {
    attempted({ id, data }, attempt) {
      const entry = entries.get(id) ?? { id, data, attempts: [] };
      entries.set(id, entry);
      if (entry.attempts.length < ATTEMPTS_MAX) entry.attempts.push(attempt);
      if (entries.size <= DELIVERIES_MAX) return;
      const [oldest] = entries.keys();
      if (oldest !== undefined) entries.delete(oldest);
    },
    list: () => [...entries.values()].reverse().map(deliveryJson),
  };
}

function deliveryJson({ id, data, attempts }: Entry): Record<string, unknown> {
  return {
    // Telnyx's documentation shows a different id here; any unique one will do.
    id: `${id.slice(0, -1)}${id.endsWith('0') ? '1' : '0'}`,
    record_type: 'webhook_delivery',
    user_id: '7d4cb3c6-9d0f-4a5e-8a2f-3b1d6f0b5c11',
    status: attempts.some(({ status }) => status === 200) ? 'delivered' : 'failed',
    started_at: attempts[0]?.startedAt ?? null,
    finished_at: attempts.at(-1)?.finishedAt ?? null,
    webhook: JSON.parse(data),
    attempts: attempts.toReversed().map(attemptJson),
  };
}

function attemptJson(attempt: SentAttempt): Record<string, unknown> {
  const { status, url, requestHeaders, responseHeaders, responseBody } = attempt;
  return {
    status: status === 200 ? 'delivered' : 'failed',
    started_at: attempt.startedAt,
    finished_at: attempt.finishedAt,
    errors: status === 200 ? [] : [failureCode(status, attempt.error)],
    http: {
      request: { url, headers: Object.entries(requestHeaders) },
      ...(status === 0
        ? {}
        : {
            response: { status, headers: Object.entries(responseHeaders), body: responseBody },
          }),
    },
  };
}

const TLS_CODES: Record<string, number> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 75003,
  CERT_HAS_EXPIRED: 75004,
  ERR_TLS_CERT_ALTNAME_INVALID: 75005,
  DEPTH_ZERO_SELF_SIGNED_CERT: 75006,
  SELF_SIGNED_CERT_IN_CHAIN: 75006,
};

/** An error code from Telnyx's list. */
function failureCode(status: number, error: unknown): number {
  if (status === 0) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 75001;
    if (code === 'ECONNREFUSED' || code === 'UND_ERR_CONNECT_TIMEOUT') return 75002;
    return TLS_CODES[code] ?? 75000;
  }
  if (status < 300) return 75299;
  if (status < 400) return 75300;
  if (status < 500) return status === 400 || status === 404 ? 75000 + status : 75499;
  return status === 500 ? 75500 : 75599;
}

export function matches(delivery: Record<string, unknown>, query: URLSearchParams): boolean {
  const webhook = delivery.webhook as { event_type?: string } | undefined;
  const wanted = (name: string, isSo: (value: string) => boolean) => {
    const value = query.get(`filter${name}`);
    return value === null || isSo(value);
  };
  const within = (name: 'started_at' | 'finished_at') => {
    const at = Date.parse(String(delivery[name]));
    return (
      wanted(`[${name}][gte]`, (from) => at >= Date.parse(from)) &&
      wanted(`[${name}][lte]`, (to) => at <= Date.parse(to))
    );
  };
  return (
    wanted('[status][eq]', (status) => delivery.status === status) &&
    wanted('[event_type]', (types) => types.split(',').includes(webhook?.event_type ?? '')) &&
    within('started_at') &&
    within('finished_at') &&
    wanted('[webhook][contains]', (text) => JSON.stringify(webhook).includes(text)) &&
    wanted('[attempts][contains]', (text) => JSON.stringify(delivery.attempts).includes(text))
  );
}
