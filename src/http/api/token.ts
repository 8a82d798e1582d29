/**
 * The bearer token of /v1 and /metrics. Both sides are hashed, so the comparison takes the same
 * time for any length and content. Wrong tokens are counted per remote address and answered 429
 * above a limit. The right token is always accepted, so nobody behind the same address can lock an
 * operator out.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../../log/log.ts';
import { HTTP_LIMITS } from '../limits.ts';
import { sendProblem } from '../problem.ts';

export interface TokenOptions {
  token: string;
  log: Log;
  now: () => number;
}

export type TokenCheck = (request: FastifyRequest, reply: FastifyReply) => FastifyReply | null;

/** Null if the request may continue; otherwise the refusal has been sent. */
export function createTokenCheck({ token, log, now }: TokenOptions): TokenCheck {
  const expected = digest(token);
  const failures = createFailures(now);
  return (request, reply) => {
    const given = bearerOf(request.headers.authorization);
    if (given !== null && timingSafeEqual(digest(given), expected)) return null;
    const remote = request.ip;
    const waitMs = given === null ? 0 : failures.add(remote);
    if (waitMs > 0) {
      return sendProblem(reply, {
        status: 429,
        reason: 'too_many_wrong_tokens',
        detail: `More than ${HTTP_LIMITS.tokenFailuresMax} wrong tokens a minute came from ${remote}.`,
        retryAfterSecs: Math.ceil(waitMs / 1000),
      });
    }
    if (given !== null)
      log.emit('admin.refused', { remote, path: request.routeOptions.url ?? null });
    reply.header(
      'www-authenticate',
      given === null ? 'Bearer realm="referee"' : 'Bearer realm="referee", error="invalid_token"',
    );
    return sendProblem(reply, {
      status: 401,
      reason: given === null ? 'token_missing' : 'token_wrong',
      detail:
        given === null
          ? 'This endpoint needs the header Authorization: Bearer <ADMIN_TOKEN>.'
          : 'The bearer token is not the ADMIN_TOKEN of this server.',
    });
  };
}

/** A short tag for audit lines that distinguishes tokens without revealing them. */
export function tokenTag(token: string): string {
  return digest(`audit:${token}`).toString('hex').slice(0, 8);
}

function bearerOf(header: string | undefined): string | null {
  const match = /^Bearer +([^\s]+)\s*$/i.exec(header ?? '');
  return match?.[1] ?? null;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Counts per minute; the map is bounded by dropping the address that failed longest ago. */
function createFailures(now: () => number) {
  const windows = new Map<string, { count: number; endsAt: number }>();
  return {
    /** Milliseconds to wait; 0 below the limit. */
    add(remote: string): number {
      const at = now();
      let window = windows.get(remote);
      if (window === undefined || window.endsAt <= at) {
        window = { count: 0, endsAt: at + HTTP_LIMITS.tokenFailureWindowMs };
      }
      window.count += 1;
      windows.delete(remote);
      windows.set(remote, window);
      if (windows.size > HTTP_LIMITS.tokenAddressesMax) {
        const oldest = windows.keys().next();
        if (!oldest.done) windows.delete(oldest.value);
      }
      return window.count > HTTP_LIMITS.tokenFailuresMax ? window.endsAt - at : 0;
    },
  };
}
