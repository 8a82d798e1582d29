/**
 * The address of Telnyx's API. It is checked again here, because every request carries the API key.
 */
import { isLoopback } from '../core/loopback.ts';
import { InvalidConfiguration } from '../errors.ts';

/** The origin for the pool, and the address without a trailing slash. */
export function addressOf(apiUrl: string): { origin: string; base: string } {
  const problem = apiUrlProblem(apiUrl);
  if (problem !== null) throw new InvalidConfiguration('The Telnyx client', [problem]);
  const url = new URL(apiUrl);
  return { origin: url.origin, base: `${url.origin}${url.pathname.replace(/\/+$/, '')}` };
}

/** Null if the address may be used. */
function apiUrlProblem(apiUrl: string): string | null {
  const url = URL.canParse(apiUrl) ? new URL(apiUrl) : null;
  const expected = 'expected a URL such as https://api.telnyx.com/v2';
  if (url === null) return `TELNYX_API_URL: ${expected}, got "${apiUrl}"`;
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    return `TELNYX_API_URL: ${expected}, got one with a user, a query or a fragment`;
  }
  if (url.protocol === 'https:') return null;
  if (url.protocol === 'http:' && isLoopback(url.hostname)) return null;
  return `TELNYX_API_URL: https only (http just for localhost, 127.0.0.0/8 and [::1]), got "${apiUrl}"`;
}
