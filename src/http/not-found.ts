/** 404, or 405 where the path exists for other methods. Only unknown paths come here, so patterns are tried one by one. */
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { sendProblem } from './problem.ts';
import type { Strays } from './webhook/strays.ts';

/** Comes before the endpoints: it sees those registered after it. */
export function answerUnknown(app: FastifyInstance, strays: Strays): void {
  const methods = new Map<string, Set<string>>();
  app.addHook('onRoute', (route: RouteOptions) => {
    const known = methods.get(route.url) ?? new Set<string>();
    for (const method of [route.method].flat()) known.add(method);
    methods.set(route.url, known);
  });
  let patterns: { pattern: RegExp; allow: string }[] | undefined;

  app.setNotFoundHandler((request: FastifyRequest, reply: FastifyReply) => {
    patterns ??= [...methods].map(([url, known]) => ({
      pattern: patternOf(url),
      allow: [...known].join(', '),
    }));
    const path = request.url.split('?', 1)[0] ?? '';
    const found = patterns.find(({ pattern }) => pattern.test(path));
    if (found === undefined) {
      return sendProblem(reply, {
        status: 404,
        reason: 'no_such_endpoint',
        detail: `There is nothing at ${path.slice(0, 200)}.`,
        ...fixOf(strays.request(request, 404)),
      });
    }
    reply.header('allow', found.allow);
    return sendProblem(reply, {
      status: 405,
      reason: 'method_not_allowed',
      detail: `${request.method} is not possible here; ${found.allow} is.`,
      ...fixOf(strays.request(request, 405)),
    });
  });
}

function fixOf(fix: string | undefined): { fix?: string } {
  return fix === undefined ? {} : { fix };
}

function patternOf(url: string): RegExp {
  const escaped = url.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll(/:[^/]+/g, '[^/]+').replaceAll('*', '.*')}$`);
}
