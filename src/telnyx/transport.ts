/**
 * What ofetch sends through: an undici pool of kept-alive connections, as a `fetch` function.
 * Measured on one core against a local server: ofetch over undici's own fetch 72 µs of CPU a
 * request, over this 26, the bare pool 19. The rest is the WHATWG streams that we do not need.
 */
import { Pool } from 'undici';
import { createSpareConnections } from './spare-connections.ts';

export interface Transport {
  fetch: typeof fetch;
  /** Opens connections ahead of the first request. */
  warm(count: number): Promise<void>;
  close(): Promise<void>;
}

export interface TransportLimits {
  connectionsMax: number;
  connectTimeoutMs: number;
  bodyBytesMax: number;
}

/**
 * Idle connections are kept this long unless the server's Keep-Alive header says less. A new TLS
 * connection costs 1.4 ms of CPU and two round trips before the caller can be moved.
 */
const KEEP_ALIVE_MS = 20_000;

/** What of a Response ofetch reads; the body is undici's, and read by us. */
export interface PlainResponse {
  status: number;
  headers: { get(name: string): string | null };
  body: { text(): Promise<string> };
}

export function createTransport(origin: string, limits: TransportLimits): Transport {
  const spares = createSpareConnections(origin, limits.connectTimeoutMs);
  const pool = new Pool(origin, {
    connections: limits.connectionsMax,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connect: spares.connect,
    maxResponseSize: limits.bodyBytesMax,
  });

  async function request(url: string, init: RequestInit): Promise<PlainResponse> {
    const { statusCode, headers, body } = await pool.request({
      path: url.slice(origin.length),
      method: init.method as 'GET' | 'POST' | 'PUT',
      headers: init.headers as Headers,
      body: typeof init.body === 'string' ? init.body : null,
      signal: init.signal ?? null,
    });
    return { status: statusCode, headers: { get: (name) => headerOf(headers[name]) }, body };
  }

  return {
    // ofetch asks for no more of a Response than PlainResponse has (status, headers.get, body).
    fetch: request as unknown as typeof fetch,
    warm: spares.open,
    async close() {
      spares.close();
      // Not close(): that would wait for requests that nobody waits for any more.
      await pool.destroy();
    },
  };
}

function headerOf(value: string | string[] | undefined): string | null {
  return (Array.isArray(value) ? value[0] : value) ?? null;
}
