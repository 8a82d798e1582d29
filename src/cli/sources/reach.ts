/** Asks a server from this machine whether it is ready, like a load balancer. */
import { request } from 'undici';
import type { Reached } from '../../core/account/account.ts';

const TIMEOUT_MS = 5_000;
/** Enough for the warnings of our own ready endpoint. */
const BODY_BYTES_MAX = 64 * 1024;

export async function reach(url: string): Promise<Reached> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const { statusCode, body } = await request(url, { signal: timeout });
    const text = await firstBytes(body);
    return { end: 'answered', status: statusCode, warnings: warningsIn(text) };
  } catch (error) {
    if (timeout.aborted) return { end: 'silent', why: `no answer within ${TIMEOUT_MS} ms` };
    return { end: 'silent', why: reasonOf(error) };
  }
}

/** Reads only the beginning, because a foreign server may answer without end. */
async function firstBytes(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}

function warningsIn(text: string): string[] {
  try {
    const { warnings } = JSON.parse(text) as { warnings?: unknown };
    if (!Array.isArray(warnings)) return [];
    return warnings.filter((warning): warning is string => typeof warning === 'string');
  } catch {
    return [];
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return error.message.includes(code) ? error.message : `${code} ${error.message}`;
}
