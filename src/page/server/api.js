/** Requests to /v1. Every failure is an ApiError whose message can be shown to the operator. */
import { readServerTime } from './server-time.js';

/**
 * The server ends a connection without traffic after 60 s. It is not alone: a request that was on
 * its way when a laptop fell asleep or changed its network may never be answered.
 */
const ANSWER_MS = 65_000;

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
  const body = await answer.json().catch(() => undefined);
  if (!answer.ok) throw refusalOf(answer, body);
  if (body !== undefined) return body;
  if (answer.status === 204) return null;
  throw new ApiError(0, unknown(init) ?? "The server's answer could not be read. Retrying.");
}

/**
 * Status and headers of the answer; also used for the event stream.
 *
 * @param {string} path
 * @param {RequestInit} init
 */
export async function send(path, init = {}) {
  const askedAt = Date.now();
  try {
    const answer = await fetch(path, {
      signal: AbortSignal.timeout(ANSWER_MS),
      ...init,
      cache: 'no-store',
      credentials: 'same-origin',
    });
    readServerTime(answer, askedAt);
    return answer;
  } catch {
    throw new ApiError(0, unknown(init) ?? 'The server cannot be reached. Retrying.');
  }
}

/**
 * What somebody asked for is not sent again by itself, because it may have been done.
 *
 * @param {RequestInit} init
 */
function unknown({ method = 'GET' }) {
  if (method === 'GET') return null;
  return 'The server did not answer, so it is unknown whether this was done. Check before you try again.';
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
