/** Requests to /v1. Every failure is an ApiError whose message can be shown to the operator. */

/**
 * An answer of /v1 as JSON. The OpenAPI document describes each; calls have their own types.
 *
 * @typedef {any} Answer
 */

class ApiError extends Error {
  constructor(status, message, problem = null) {
    super(message);
    this.status = status;
    this.problem = problem;
  }
}

/**
 * Called when nobody is signed in, or the session has ended.
 *
 * @type {(error: ApiError) => void}
 */
let whenRefused = () => {};
export function onRefused(handler) {
  whenRefused = handler;
}

/**
 * @param {string} path
 * @param {Record<string, any>} query
 * @returns {Promise<Answer>}
 */
export function getJson(path, query = {}) {
  const search = new URLSearchParams(
    Object.entries(query).filter(([, value]) => value !== undefined && value !== ''),
  );
  return request(search.size === 0 ? path : `${path}?${search}`);
}

/**
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<Answer>}
 */
export function postJson(path, body) {
  return request(path, {
    method: 'POST',
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
}

/** @param {string} path */
export function deleteJson(path) {
  return request(path, { method: 'DELETE' });
}

/**
 * @param {string} path
 * @param {RequestInit} init
 */
async function request(path, init = {}) {
  const answer = await send(path, init);
  const body = await answer.json().catch(() => null);
  if (answer.ok) return body;
  throw refusalOf(answer, body);
}

/**
 * Status and headers of the answer; also used for the event stream.
 *
 * @param {string} path
 * @param {RequestInit} init
 */
export async function send(path, init = {}) {
  try {
    return await fetch(path, {
      ...init,
      cache: 'no-store',
      credentials: 'same-origin',
    });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, 'The server cannot be reached. Retrying.');
  }
}

/**
 * @param {Response} answer
 * @param {Answer} problem
 */
export function refusalOf(answer, problem) {
  const error = new ApiError(
    answer.status,
    problem?.detail ?? `The server answered ${answer.status}.`,
    problem,
  );
  if (answer.status === 401) whenRefused(error);
  return error;
}
