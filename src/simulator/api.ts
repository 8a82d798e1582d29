/**
 * Telnyx's Voice API on loopback: authentication, limits, schema, then the command; faults before
 * or after.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AccountEndpoints } from './account/endpoints.ts';
import { type Answer, refused as answerRefused, CUT, data, tooMany } from './answer.ts';
import { type BookedRequest, bookFault, bookRequest, bookStrayRequest } from './books.ts';
import { type CommandRules, runCommand } from './commands.ts';
import { type ApiFate, apiFate } from './faults.ts';
import { type Leg, secondsOf } from './leg.ts';
import { createRateWindow, type RateLimit } from './rate-limit.ts';
import { gaveUp, readBody, UNREADABLE } from './read-body.ts';
import {
  AUTHENTICATION_FAILED,
  badRequest,
  INVALID_CALL_CONTROL_ID,
  RESOURCE_NOT_FOUND,
  type Refusal,
  UNEXPECTED,
} from './refusal.ts';
import { type CommandBody, checkBody, isAction } from './schema.ts';
import type { Switchboard } from './switchboard.ts';

interface ApiOptions {
  apiKey: string;
  rules: CommandRules;
  rateLimit: RateLimit | null;
  board: Switchboard;
  account: AccountEndpoints;
  onRequest: (leg: Leg | null, request: BookedRequest) => void;
}

export interface Api {
  server: Server;
  /** Requests for calls that do not exist. */
  strayRequests: BookedRequest[];
}

/**
 * A request left without an answer is closed after this time, so that no socket outlives its test.
 */
const SILENCE_MS_MAX = 60_000;
const PATH = /^(?:\/v2)?\/calls\/([^/?]+)(?:\/actions\/([^/?]+))?(?:\?.*)?$/;
const OK = data({ result: 'ok' });

export function createApi(options: ApiOptions): Api {
  const { board } = options;
  const { clock } = board;
  const strayRequests: BookedRequest[] = [];
  const expectedKey = digest(`Bearer ${options.apiKey}`);
  const overLimitSecs = createRateWindow(options.rateLimit);

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (response.destroyed) return;
      response.statusCode = 500;
      response.end(`simulator: ${error instanceof Error ? error.stack : String(error)}`);
    });
  });
  server.keepAliveTimeout = 60_000;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    const givenUp = (await gaveUp(request)) ? CUT : null;
    const { method = '', url = '' } = request;
    if (options.account.knows(url)) {
      const early = givenUp ?? admit(request, true);
      reply(response, early ?? (await options.account.answer(method, url, body)));
      return;
    }
    const path = PATH.exec(url);
    const asked = {
      leg: path?.[1] === undefined ? undefined : board.find(decode(path[1])),
      action: path?.[2] ?? (method === 'GET' ? 'probe' : ''),
      body,
    };
    const { leg, action } = asked;
    const booked = book(leg, {
      at: clock.stamp(),
      method,
      action: path === null ? url : action,
      body: typeof body === 'object' ? (body as CommandBody | null) : null,
      status: 0,
      code: null,
      executed: false,
      duplicate: false,
      fault: null,
    });
    const early = givenUp ?? admit(request, path !== null);
    const fate = early === null && leg !== undefined ? fateOf(leg, action, booked) : null;
    const late = await slowness(request, fate);
    const skipped = fate !== null && fate.kind !== 'api_slow' && fate.strikes === 'before';
    const answer = skipped ? OK : (early ?? late ?? answerTo(options, { ...asked, booked }));
    if (fate?.kind === 'api_slow' && fate.strikes === 'after') await pause(fate.ms);
    if (fate === null) reply(response, answer, booked);
    else spoil(options, fate, answer, { response, booked });
    options.onRequest(leg ?? null, booked);
  }

  function book(leg: Leg | undefined, request: BookedRequest): BookedRequest {
    if (leg === undefined) return bookStrayRequest(strayRequests, request);
    return bookRequest(leg.call.book.requests, request);
  }

  /** Answers that do not depend on the call: a bare 404, 401, 429. */
  function admit(request: IncomingMessage, known: boolean): Answer | null {
    if (!known) return { status: 404, body: '404 page not found' };
    const given = digest(request.headers.authorization ?? '');
    if (!timingSafeEqual(given, expectedKey)) return refused(AUTHENTICATION_FAILED);
    const resetSecs = overLimitSecs();
    return resetSecs === null ? null : tooMany(resetSecs, options.rateLimit?.limit ?? 0);
  }

  /** CUT if its sender gave up meanwhile, which only a script may have meant. */
  async function slowness(request: IncomingMessage, fate: ApiFate | null): Promise<Answer | null> {
    if (fate?.kind !== 'api_slow' || fate.strikes !== 'before') return null;
    await pause(fate.ms);
    return !fate.scripted && (await gaveUp(request)) ? CUT : null;
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => void clock.after(ms, resolve));
  }

  return { server, strayRequests };
}

function fateOf(leg: Leg, action: string, booked: BookedRequest): ApiFate | null {
  if (action !== 'probe' && !isAction(action)) return null;
  const nth = (leg.requestCounts.get(action) ?? 0) + 1;
  leg.requestCounts.set(action, nth);
  const fate = apiFate(leg.call.faults, action, leg.index, nth);
  if (fate === null) return null;
  booked.fault = fate.kind;
  bookFault(leg.call.book, `leg ${leg.index} ${action} ${nth}: ${fate.kind} ${fate.strikes}`);
  return fate;
}

/** What a request asks of which leg, and its record in the books. */
interface Asked {
  leg: Leg | undefined;
  action: string;
  body: unknown;
  booked: BookedRequest;
}

function answerTo({ board, rules }: ApiOptions, { leg, action, body, booked }: Asked): Answer {
  if (action === 'probe') return leg === undefined ? refused(RESOURCE_NOT_FOUND) : shown(leg);
  const method = action === 'client_state_update' ? 'PUT' : 'POST';
  if (!isAction(action) || booked.method !== method) {
    return { status: 404, body: '404 page not found' };
  }
  if (body === UNREADABLE) {
    return refused(badRequest('The request body is not valid JSON.', undefined, 400), booked);
  }
  if (leg === undefined) return refused(INVALID_CALL_CONTROL_ID, booked);
  const malformed = checkBody(action, body);
  if (malformed !== null) return refused(malformed, booked);
  const result = runCommand(board, rules, leg, action, body as CommandBody);
  booked.duplicate = result.duplicate;
  if (result.refusal !== null) return refused(result.refusal, booked);
  booked.executed = !result.duplicate;
  return OK;
}

function shown(leg: Leg): Answer {
  return data({
    call_control_id: leg.callControlId,
    call_duration: secondsOf(leg),
    call_leg_id: leg.callLegId,
    call_session_id: leg.call.sessionId,
    client_state: leg.clientState,
    end_time: leg.endedAt,
    is_alive: leg.endedAt === null,
    record_type: 'call',
    start_time: leg.startedAt,
  });
}

function refused(refusal: Refusal, booked?: BookedRequest): Answer {
  if (booked !== undefined) booked.code = refusal.code;
  return answerRefused(refusal);
}

function reply(response: ServerResponse, answer: Answer, booked?: BookedRequest): void {
  if (booked !== undefined) booked.status = answer.status;
  if (answer === CUT) {
    response.destroy();
    return;
  }
  const type = answer.body.startsWith('{') ? 'application/json' : 'text/plain';
  response.writeHead(answer.status, { 'content-type': type, ...answer.headers });
  response.end(answer.body);
}

function spoil(
  { board, rateLimit }: ApiOptions,
  fate: ApiFate,
  answer: Answer,
  { response, booked }: { response: ServerResponse; booked: BookedRequest },
): void {
  const executed = fate.strikes === 'after' && answer.status === 200;
  switch (fate.kind) {
    case 'api_500':
      reply(response, refused(UNEXPECTED), booked);
      break;
    case 'api_429':
      reply(response, tooMany(1, rateLimit?.limit ?? 1), booked);
      break;
    case 'api_garbage':
      // 200 only if the command was executed; otherwise a 502 like that of a failing proxy.
      reply(response, { status: executed ? 200 : 502, body: '<html> upstream {"data":' }, booked);
      break;
    case 'api_cut':
      if (executed) {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': 24 });
        response.write('{"data":{"res', () => response.destroy());
      } else response.destroy();
      break;
    case 'api_silent':
      board.clock.afterReal(SILENCE_MS_MAX, () => response.destroy());
      break;
    case 'api_slow':
      reply(response, answer, booked);
      break;
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
