/**
 * Authentication and authorisation: a bearer token or a session cookie, then the role that the
 * endpoint declares. Wrong tokens are counted per remote address and answered 429 above a limit.
 * The right one is always accepted, so nobody behind the same address can lock an operator out.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../../log/log.ts';
import { HTTP_LIMITS } from '../limits.ts';
import { type Problem, sendProblem } from '../problem.ts';
import type { People } from './people.ts';
import type { Person } from './person.ts';
import { mayDo, type Role } from './roles.ts';
import { isForged, isHttps } from './same-site.ts';
import { cookieIn, type Session, type Sessions, setCookie } from './sessions.ts';
import { createWindows } from './windows.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who sent the request; null at endpoints for anyone. */
    person: Person | null;
    /** Null if the request has a bearer token. */
    session: Session | null;
  }
}

export interface Access {
  /** False: the refusal has been sent. `needed`: default, what the endpoint declares. */
  check(request: FastifyRequest, reply: FastifyReply, needed?: Role | 'anyone'): Promise<boolean>;
  /** The person who signs in with this token; null: the refusal has been sent. */
  signIn(token: string, request: FastifyRequest, reply: FastifyReply): Person | null;
  /** Whether a request that was allowed when its long answer began still is. */
  stillMay(request: FastifyRequest): boolean;
}

export interface AccessOptions {
  people: People;
  sessions: Sessions;
  log: Log;
}

export function createAccess({ people, sessions, log }: AccessOptions): Access {
  const failures = createWindows({
    windowMs: HTTP_LIMITS.tokenFailureWindowMs,
    keysMax: HTTP_LIMITS.tokenAddressesMax,
  });

  return {
    async check(request, reply, needed = request.routeOptions.config.role ?? 'admin') {
      const bearer = bearerOf(request.headers.authorization);
      const given = await identify(request, reply, bearer);
      if ((request.session !== null || needed === 'anyone') && isForged(request)) {
        sendProblem(reply, FORGED);
        return false;
      }
      if (needed === 'anyone') return true;
      const { person } = request;
      if (person === null) {
        refuse(request, reply, given);
        return false;
      }
      if (mayDo(person.role, needed)) return true;
      log.emit('admin.refused', {
        remote: request.ip,
        path: request.routeOptions.url ?? null,
        by: person.name,
      });
      sendProblem(reply, {
        status: 403,
        reason: 'role_too_small',
        detail: `This needs the role ${needed}; ${person.name} has ${person.role}.`,
      });
      return false;
    },

    signIn(token, request, reply) {
      const person = people.withToken(token);
      if (person === null) refuse(request, reply, 'wrong');
      return person;
    },

    stillMay({ person, session }) {
      if (person === null) return false;
      const now = people.named(person.name);
      if (now === null || !now.digest.equals(person.digest)) return false;
      return session === null || !sessions.isOver(session);
    },
  };

  /**
   * Sets the request's person and session. Returns what the request brought in case it names
   * nobody.
   */
  async function identify(
    request: FastifyRequest,
    reply: FastifyReply,
    bearer: string | null,
  ): Promise<Given> {
    request.person = bearer === null ? null : people.withToken(bearer);
    request.session = null;
    if (bearer !== null) return 'wrong';
    const cookie = cookieIn(request.headers.cookie);
    if (cookie === null) return 'nothing';
    const read = await sessions.read(cookie);
    if (read.result !== 'good') return read.result;
    request.person = read.session.person;
    request.session = read.session;
    if (read.renewed !== null) {
      reply.header('set-cookie', setCookie(read.renewed, isHttps(request)));
    }
    return 'nothing';
  }

  function refuse(request: FastifyRequest, reply: FastifyReply, given: Given): void {
    const remote = request.ip;
    const failed = given === 'wrong' ? failures.add(remote) : { count: 0, endsInMs: 0 };
    if (failed.count > HTTP_LIMITS.tokenFailuresMax) {
      sendProblem(reply, {
        status: 429,
        reason: 'too_many_wrong_tokens',
        detail: `More than ${HTTP_LIMITS.tokenFailuresMax} wrong tokens a minute came from ${remote}.`,
        retryAfterSecs: Math.ceil(failed.endsInMs / 1000),
      });
      return;
    }
    if (given === 'wrong') {
      log.emit('admin.refused', { remote, path: request.routeOptions.url ?? null, by: null });
    }
    const error = given === 'nothing' ? '' : ', error="invalid_token"';
    reply.header('www-authenticate', `Bearer realm="referee"${error}`);
    sendProblem(reply, UNKNOWN[given]);
  }
}

type Given = 'nothing' | 'wrong' | 'over';

const UNKNOWN: Record<Given, Problem> = {
  nothing: {
    status: 401,
    reason: 'token_missing',
    detail:
      'This endpoint needs a token: Authorization: Bearer <ADMIN_TOKEN or one of TOKENS_FILE>, or the cookie of a session.',
  },
  wrong: {
    status: 401,
    reason: 'token_wrong',
    detail: 'This token is unknown: it is neither the ADMIN_TOKEN nor one of TOKENS_FILE.',
  },
  over: {
    status: 401,
    reason: 'session_over',
    detail: 'The session is over. Sign in again.',
  },
};

const FORGED: Problem = {
  status: 403,
  reason: 'cross_site',
  detail: 'The request comes from a page of another site and would act in your name.',
};

function bearerOf(header: string | undefined): string | null {
  const match = /^Bearer +([^\s]+)\s*$/i.exec(header ?? '');
  return match?.[1] ?? null;
}
