/** The answers to refused webhooks: the reason, the details and the fix. */
import { REFUSAL_WORDS, type SignatureRefusal } from '../../telnyx/signature-refusal.ts';
import { HTTP_LIMITS } from '../limits.ts';
import type { Problem } from '../problem.ts';

export function verificationProblem(refusal: SignatureRefusal): Problem {
  const words = REFUSAL_WORDS[refusal.reason];
  return {
    status: 401,
    reason: refusal.reason,
    detail: `${words.title} ${refusal.detail}`,
    fix: words.fix,
  };
}

export function notAnEvent(why: string, fix: string): Problem {
  return {
    status: 400,
    reason: 'not_an_event',
    detail: `The signature is valid, but the body is not a Telnyx event. ${why}`,
    fix,
  };
}

/** A body that was compressed on its way has a wrong signature, or is no JSON if it has not. */
export function compressed(problem: Problem, encoding: string | undefined): Problem {
  if (encoding === undefined || /^\s*(identity)?\s*$/i.test(encoding)) return problem;
  return {
    ...problem,
    detail: `${problem.detail} The request has a Content-Encoding.`,
    fix: 'Telnyx does not compress webhooks, so something in front does. Turn that off: the signature is about the bytes that Telnyx sent.',
  };
}

export const NOT_JSON: Problem = {
  status: 415,
  reason: 'not_json',
  detail: 'Content-Type must be application/json.',
  fix: 'Telnyx sends JSON by POST: in the application, webhook_url_method must not be GET, and TeXML is not supported.',
};
export const TOO_LARGE: Problem = {
  status: 413,
  reason: 'body_too_large',
  detail: `The body exceeds ${HTTP_LIMITS.bodyBytesMax} bytes.`,
};
export const NO_BODY: Problem = {
  status: 400,
  reason: 'not_an_event',
  detail: 'The body could not be read.',
};

/** Nobody reads this answer; it is for the log, the metrics and the page. */
export const CUT_OFF: Problem = {
  status: 400,
  reason: 'cut_off',
  detail: 'The connection ended, or 10 s passed, before the whole body had arrived.',
  fix: 'Telnyx delivers a webhook without an answer again. If there are many, the proxy in front or the network gives up too early.',
};

const AGAIN = { status: 503, retryAfterSecs: HTTP_LIMITS.retryAfterSecs };
export const STARTING: Problem = {
  ...AGAIN,
  reason: 'starting',
  detail: 'Not ready yet. Send it again.',
};
export const STOPPING: Problem = {
  ...AGAIN,
  reason: 'stopping',
  detail: 'Stopping. Send it again.',
};
export const TOO_MANY: Problem = {
  ...AGAIN,
  reason: 'too_many',
  detail: 'Too many webhooks are being processed. Send it again.',
};
export const TOO_LATE: Problem = {
  ...AGAIN,
  reason: 'too_late',
  detail: `Not stored within ${HTTP_LIMITS.webhookAnswerMs} ms. Send it again: a second delivery changes nothing.`,
};
