/** Requests to /v1. Whatever goes wrong is an ApiError whose message can be shown as it is. */
import { token } from './session.js';

export class ApiError extends Error {
  constructor(status, message, problem = null) {
    super(message);
    this.status = status;
    this.problem = problem;
  }
}

/** Called when the token is not (any more) the right one. */
let whenRefused = () => {};
export function onRefused(handler) {
  whenRefused = handler;
}

export function getJson(path, query = {}) {
  const search = new URLSearchParams(
    Object.entries(query).filter(([, value]) => value !== undefined && value !== ''),
  );
  return request(search.size === 0 ? path : `${path}?${search}`);
}

export function postJson(path, body) {
  return request(path, {
    method: 'POST',
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
}

async function request(path, init = {}) {
  const answer = await send(path, init);
  const body = await answer.json().catch(() => null);
  if (answer.ok) return body;
  throw refusalOf(answer, body);
}

/** The answer's head; also for the stream of events. */
export async function send(path, init = {}) {
  try {
    return await fetch(path, {
      ...init,
      headers: { ...init.headers, authorization: `Bearer ${token() ?? ''}` },
      cache: 'no-store',
      credentials: 'omit',
    });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, 'The server cannot be reached. Trying again.');
  }
}

export function refusalOf(answer, problem) {
  const error = new ApiError(
    answer.status,
    problem?.detail ?? `The server answered ${answer.status}.`,
    problem,
  );
  if (answer.status === 401) whenRefused(error);
  return error;
}
