/**
 * Whether a request that changes something may come from another site in somebody's browser (CSRF).
 * Browsers name the origin in Sec-Fetch-Site or, over plain http, in Origin. Other clients send
 * neither, and have no cookie that another site could use.
 */
import type { FastifyRequest } from 'fastify';

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export function isForged({ method, headers }: FastifyRequest): boolean {
  if (READS.has(method)) return false;
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  const { origin } = headers;
  if (origin === undefined) return false;
  const from = URL.canParse(origin) ? new URL(origin).host : null;
  // A proxy may replace Host. A page of another site cannot set either header.
  const ours = [headers.host, first(headers['x-forwarded-host'])];
  return from === null || !ours.includes(from);
}

/** Whether the browser used https: a proxy may terminate TLS. */
export function isHttps({ protocol, headers }: FastifyRequest): boolean {
  const forwarded = first(headers['x-forwarded-proto']);
  if (forwarded !== undefined) return forwarded === 'https';
  return protocol === 'https' || headers.origin?.startsWith('https:') === true;
}

function first(header: string | string[] | undefined): string | undefined {
  return [header].flat()[0]?.split(',')[0]?.trim();
}
