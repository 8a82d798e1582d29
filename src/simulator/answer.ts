/** An answer of the API before it is written. */
import { type Refusal, refusalBody, TOO_MANY_REQUESTS } from './refusal.ts';

export interface Answer {
  status: number;
  body: string;
  headers?: Record<string, string>;
}

/** No answer: the connection is closed. */
export const CUT: Answer = { status: 0, body: '' };

export function refused(refusal: Refusal): Answer {
  return { status: refusal.status, body: refusalBody(refusal) };
}

export function data(value: unknown, status = 200): Answer {
  return { status, body: JSON.stringify({ data: value }) };
}

export function tooMany(resetSecs: number, limit: number): Answer {
  return {
    ...refused(TOO_MANY_REQUESTS),
    headers: {
      'x-ratelimit-limit': String(limit),
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': String(resetSecs),
    },
  };
}
