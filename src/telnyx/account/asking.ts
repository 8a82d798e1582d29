/**
 * Requests about the account: one resource, or all pages of a list. Never throws, and every wait
 * has a limit. After a rate limit, a server error or a lost connection a GET is repeated; a write
 * never is.
 */
import type { Reading } from '../../core/account/account.ts';
import { addressOf } from '../api-address.ts';
import { asArray, asObject, type Fields } from '../fields.ts';
import { failureDetail } from '../outcome.ts';
import { nextPage } from '../pages.ts';
import { redactError } from '../redact-error.ts';
import { createTransport, headersFor, type ProxyAddress } from '../transport.ts';
import { type Read, readingOf, unreachable } from './reading.ts';

export interface AskingOptions {
  apiUrl: string;
  apiKey: string;
  proxy?: ProxyAddress | null;
  /** From sending a request to the last byte of its answer. */
  timeoutMs?: number;
  /** Pause before a GET is repeated. */
  retryMs?: number;
}

export type Query = Record<string, string>;

export interface Asking {
  get(path: string, query?: Query): Promise<Reading<Fields>>;
  /**
   * Reads all pages; `onPage` gets the number of items so far, and the total if Telnyx gives one.
   */
  list(
    path: string,
    query?: Query,
    onPage?: (read: number, total: number | null) => void,
  ): Promise<Reading<unknown[]>>;
  /** Sent only once. If no answer comes, our caller must find out whether it was executed. */
  write(method: 'POST' | 'PATCH', path: string, body: Fields): Promise<Reading<Fields>>;
  /** How far Telnyx's clock is ahead of ours, by the last answer; null before the first. */
  clockOffMs(): number | null;
  close(): Promise<void>;
}

const TIMEOUT_MS = 10_000;
const RETRY_MS = 500;
const TRIES_MAX = 3;
/** The documented maximum. With 200 pages this reads 50,000 items; more is reported as too many. */
export const PAGE_SIZE_MAX = '250';
const PAGES_MAX = 200;
const BODY_BYTES_MAX = 16 * 1024 * 1024;
const CONNECTIONS_MAX = 4;

export function createAsking(options: AskingOptions): Asking {
  const { apiKey } = options;
  const { origin, base } = addressOf(options.apiUrl);
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const retryMs = options.retryMs ?? RETRY_MS;
  const transport = createTransport(
    origin,
    {
      connectionsMax: CONNECTIONS_MAX,
      connectTimeoutMs: Math.ceil(timeoutMs * 0.6),
      bodyBytesMax: BODY_BYTES_MAX,
    },
    options.proxy,
  );
  let clockOffMs: number | null = null;

  async function get(path: string, query: Query = {}): Promise<Reading<Fields>> {
    for (let tries = 1; ; tries += 1) {
      const { reading, againMs } = await once('GET', path, query, null);
      if (againMs === null || tries === TRIES_MAX) return reading;
      await new Promise((resolve) => setTimeout(resolve, againMs));
    }
  }

  async function list(
    path: string,
    query: Query = {},
    onPage: (read: number, total: number | null) => void = () => {},
  ): Promise<Reading<unknown[]>> {
    const items: unknown[] = [];
    let page: Query = { ...query, 'page[size]': query['page[size]'] ?? PAGE_SIZE_MAX };
    const seen = new Set<string>();
    for (let pages = 0; pages < PAGES_MAX; pages += 1) {
      const reading = await get(path, page);
      if (reading.end !== 'value') return reading;
      const { data } = reading.value;
      if (!Array.isArray(data)) return unreachable(`${path} gave no list`);
      items.push(...asArray(data));
      onPage(items.length, totalOf(reading.value));
      const next = nextPage(reading.value);
      if (next === null) return { end: 'value', value: items };
      page = { ...page, ...next };
      const key = JSON.stringify(page);
      if (seen.has(key)) return unreachable(`${path} gives the same page again and again`);
      seen.add(key);
    }
    return unreachable(`${path} has more than ${PAGES_MAX} pages`);
  }

  async function once(
    method: string,
    path: string,
    query: Query,
    body: Fields | null,
  ): Promise<Read> {
    const timeout = AbortSignal.timeout(timeoutMs);
    const search = new URLSearchParams(query).toString();
    try {
      const url = `${base}${path}${search === '' ? '' : `?${search}`}`;
      const response = await transport.request(url, {
        method,
        headers: headersFor(apiKey),
        body: body === null ? null : JSON.stringify(body),
        signal: timeout,
      });
      const date = Date.parse(response.headers.get('date') ?? '');
      if (Number.isFinite(date)) clockOffMs = date - Date.now();
      return readingOf(response, await response.body.text(), { apiKey, retryMs });
    } catch (error) {
      const why = timeout.aborted
        ? `no answer from Telnyx within ${timeoutMs} ms`
        : redactError(failureDetail(error), [apiKey]);
      return { reading: unreachable(why), againMs: timeout.aborted ? null : retryMs };
    }
  }

  return {
    get,
    list,
    async write(method, path, body) {
      return (await once(method, path, {}, body)).reading;
    },
    clockOffMs: () => clockOffMs,
    close: () => transport.close(),
  };
}

function totalOf(page: Fields): number | null {
  const meta = asObject(page.meta);
  const total = meta?.total_results ?? meta?.total_items;
  return typeof total === 'number' ? total : null;
}
