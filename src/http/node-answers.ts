/**
 * What Node would answer itself: too early, with an empty answer, or not at all, so that nobody
 * would learn why.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { type Problem, rawResponse, sendProblem } from './problem.ts';

export function answerForNode(server: FastifyInstance): void {
  continueOnlyWhenWanted(server);
  answerHalfClosed(server);
  refuseWithoutHost(server);
  refuseTunnels(server);
}

/**
 * `Expect: 100-continue`: Node would request the body before the headers are checked. This hook
 * runs after every onRequest hook, that is, after the token or the signature's headers were
 * accepted. Only a request that Node reports waits: one of HTTP/1.0 may have the header too, and
 * would take a "100 Continue" for its answer.
 */
function continueOnlyWhenWanted(server: FastifyInstance): void {
  const waiting = new WeakSet<IncomingMessage>();
  server.server.on('checkContinue', (request, response) => {
    waiting.add(request);
    server.server.emit('request', request, response);
  });
  // Node would refuse any other expectation with an empty 417, and nobody would hear of it.
  server.server.on('checkExpectation', (request, response) => {
    server.server.emit('request', request, response);
  });
  server.addHook('preParsing', (request, reply, payload, done) => {
    if (waiting.has(request.raw)) reply.raw.writeContinue();
    done(null, payload);
  });
}

/**
 * A client may end its side of the connection after its request and still wait for the answer (RFC
 * 9112). Node would drop the answer; an idle connection that is ended it closes all the same. Its
 * types do not have the property.
 */
function answerHalfClosed(server: FastifyInstance): void {
  Object.assign(server.server, { httpAllowHalfOpen: true });
}

/** Node's own check, which answers an empty 400, is turned off by `requireHostHeader`. */
function refuseWithoutHost(server: FastifyInstance): void {
  server.addHook('onRequest', (request, reply, done) => {
    if (request.raw.httpVersion !== '1.1' || request.headers.host !== undefined) {
      done();
      return;
    }
    reply.header('connection', 'close');
    sendProblem(reply, NO_HOST);
  });
}

/** Node would close the connection of a CONNECT without an answer. */
function refuseTunnels(server: FastifyInstance): void {
  server.server.on('connect', (_request, socket: Socket) => {
    socket.on('error', () => socket.destroy());
    socket.write(rawResponse(NO_TUNNEL));
    socket.destroySoon();
  });
}

const NO_HOST: Problem = {
  status: 400,
  reason: 'no_host',
  detail: 'A request of HTTP/1.1 needs a Host header.',
};
const NO_TUNNEL: Problem = {
  status: 405,
  reason: 'method_not_allowed',
  detail: 'CONNECT is not allowed: this server is no proxy.',
};
