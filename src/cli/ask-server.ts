/** Asks a running server by its API, as whoever the token belongs to. */
import { withEnvFile } from '../config/config.ts';
import { unquoted } from '../config/values.ts';
import { RefereeError } from '../errors.ts';
import type { Io } from './io.ts';
import { jsonOf, problemOf, request, tokenOf } from './server.ts';

const TIMEOUT_MS = 10_000;

export const SERVER_OPTION = [
  '--server <url>',
  'where the server serves its API; default: REFEREE_URL, otherwise HOST and ADMIN_PORT or PORT',
] as const;

export const SERVER_HELP =
  '\nIt needs REFEREE_TOKEN or ADMIN_TOKEN.\nExit code: 0 done, 1 refused or failed, 2 wrong usage.';

export interface Question {
  path: string;
  method?: 'GET' | 'POST';
  body?: unknown;
}

/** `wrong`: the command line is. */
export type Answered = { ok: true; body: unknown } | { ok: false; why: string; wrong: boolean };

export async function askServer(
  { path, method = 'GET', body }: Question,
  wanted: string | undefined,
  io: Io,
): Promise<Answered> {
  if (wanted !== undefined && !/^https?:\/\//.test(wanted)) {
    return { ok: false, why: `--server ${wanted}: expected http://host:port`, wrong: true };
  }
  const refused = (why: string): Answered => ({ ok: false, why, wrong: false });
  const env = withEnvFile(io.env);
  const token = tokenOf(env);
  if (token === '') return refused('set REFEREE_TOKEN or ADMIN_TOKEN to a token of the server');
  const server = wanted ?? (unquoted(env.REFEREE_URL ?? '') || ownAddress(env));
  try {
    // Its API may be below a path of a proxy.
    const answer = await request(`${server.replace(/\/+$/, '')}${path}`, server, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (answer.ok) return { ok: true, body: await jsonOf(answer, server) };
    return refused((await problemOf(answer)).detail ?? `${server} answered ${answer.status}`);
  } catch (error) {
    if (!(error instanceof RefereeError)) throw error;
    return refused(error.message);
  }
}

function ownAddress({ HOST, PORT, ADMIN_PORT }: Record<string, string | undefined>): string {
  const everywhere = HOST === undefined || HOST === '' || HOST === '0.0.0.0' || HOST === '::';
  const host = everywhere ? '127.0.0.1' : HOST;
  return `http://${host.includes(':') ? `[${host}]` : host}:${ADMIN_PORT || PORT || '3000'}`;
}
