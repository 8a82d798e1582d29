/**
 * 404, or 405 if the path exists for other methods. Only unknown paths get here, so speed is
 * irrelevant.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { sendProblem } from './problem.ts';
import { looksLikeTelnyx, type Strays } from './webhook/strays.ts';

/** Shown at the start, and in answers to requests for the page or the API. */
export const ADMIN_IS_OFF =
  'ADMIN_TOKEN is not set, so the API and the page are disabled: put ADMIN_TOKEN=<secret> into .env (generate one with: openssl rand -base64 32) and restart.';

export interface Unknown {
  /**
   * From now on only a request that passes is told whether there is an endpoint below /v1. False:
   * the refusal has been sent.
   */
  guard(check: Guard): void;
}

type Guard = (request: FastifyRequest, reply: FastifyReply) => Promise<boolean>;

/** Call this before the endpoints are registered: it only sees those registered after it. */
export function answerUnknown(
  app: FastifyInstance,
  strays: Strays,
  { adminIsOff }: { adminIsOff: boolean },
): Unknown {
  let guarded: Guard = async () => true;
  const methods = new Map<string, Set<string>>();
  app.addHook('onRoute', (route: RouteOptions) => {
    const known = methods.get(route.url) ?? new Set<string>();
    for (const method of [route.method].flat()) known.add(method);
    methods.set(route.url, known);
  });
  let patterns: { pattern: RegExp; allow: string }[] | undefined;

  app.setNotFoundHandler(async (request: FastifyRequest, reply: FastifyReply) => {
    patterns ??= [...methods].map(([url, known]) => ({
      pattern: patternOf(url),
      allow: [...known].join(', '),
    }));
    const path = request.url.split('?', 1)[0] ?? '';
    // A webhook at a wrong path has no token, and the log must say which path is right.
    if (ADMIN_PATH.test(path) && !looksLikeTelnyx(request) && !(await guarded(request, reply))) {
      return reply;
    }
    const found = patterns.find(({ pattern }) => pattern.test(path));
    if (found === undefined) {
      if (adminIsOff && path === '/' && isBrowser(request)) return sayAdminIsOff(reply);
      return sendProblem(reply, {
        status: 404,
        reason: 'no_such_endpoint',
        detail: `There is no endpoint at ${path.slice(0, 200)}.`,
        ...fixOf(strays.request(request, 404) ?? adminFix(path, adminIsOff)),
      });
    }
    reply.header('allow', found.allow);
    return sendProblem(reply, {
      status: 405,
      reason: 'method_not_allowed',
      detail: `${request.method} is not allowed here; use ${found.allow}.`,
      ...fixOf(strays.request(request, 405)),
    });
  });
  return {
    guard(check) {
      guarded = check;
    },
  };
}

function fixOf(fix: string | undefined): { fix?: string } {
  return fix === undefined ? {} : { fix };
}

function adminFix(path: string, adminIsOff: boolean): string | undefined {
  return adminIsOff && (path === '/' || ADMIN_PATH.test(path)) ? ADMIN_IS_OFF : undefined;
}

const LOOKS = new Set(['GET', 'HEAD']);
const ADMIN_PATH = /^\/(?:v1|metrics)(?:\/|$)/;

function isBrowser({ method, headers }: FastifyRequest): boolean {
  return LOOKS.has(method) && /\btext\/html\b/i.test(headers.accept ?? '');
}

/** Somebody is looking for the page, so this is text to read and not a problem document. */
function sayAdminIsOff(reply: FastifyReply): FastifyReply {
  return reply
    .code(404)
    .header('content-type', 'text/plain; charset=utf-8')
    .header('cache-control', 'no-store')
    .serializer(String)
    .send(`Referee. ${ADMIN_IS_OFF}\n`);
}

function patternOf(url: string): RegExp {
  const escaped = url.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll(/:[^/]+/g, '[^/]+').replaceAll('*', '.*')}$`);
}
