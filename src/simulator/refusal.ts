/** API errors in Telnyx's format, with `code` as a string. */

export interface Refusal {
  status: number;
  code: string;
  title: string;
  detail: string;
  pointer?: string;
}

export function refusalBody(refusal: Refusal): string {
  const { code, title, detail, pointer } = refusal;
  return JSON.stringify({
    errors: [
      {
        code,
        title,
        detail,
        ...(pointer === undefined ? {} : { source: { pointer } }),
        meta: { url: `https://developers.telnyx.com/docs/overview/errors/${code}` },
      },
    ],
  });
}

export const AUTHENTICATION_FAILED: Refusal = {
  status: 401,
  code: '10009',
  title: 'Authentication failed',
  detail: 'The API key looks malformed or is not of this account. Check the Authorization header.',
};

export const NOT_PERMITTED: Refusal = {
  status: 403,
  code: '10010',
  title: 'Authorization failed',
  detail: 'You do not have permission to perform the requested action on this resource.',
};

export const RESOURCE_NOT_FOUND: Refusal = {
  status: 404,
  code: '10005',
  title: 'Resource not found',
  detail: 'The requested resource or URL could not be found.',
};

export const INVALID_CALL_CONTROL_ID: Refusal = {
  status: 422,
  code: '90015',
  title: 'Invalid Call Control ID',
  detail: 'The call_control_id provided was not valid.',
};

export const CALL_HAS_ENDED: Refusal = {
  status: 422,
  code: '90018',
  title: 'Call has already ended',
  detail: "This call is no longer active and can't receive commands.",
};

export const CALL_NOT_ANSWERED: Refusal = {
  status: 422,
  code: '90034',
  title: 'Call not answered yet',
  detail: 'This call has not been answered yet. Answer it before this command.',
};

export const ANSWER_ON_OUTBOUND: Refusal = {
  status: 422,
  code: '90102',
  title: 'Cannot answer an outbound call',
  detail: 'The answer command is for incoming calls only.',
};

export const UNEXPECTED: Refusal = {
  status: 500,
  code: '10007',
  title: 'Unexpected error',
  detail: 'An unexpected error occurred. Try the request again.',
};

export const TOO_MANY_REQUESTS: Refusal = {
  status: 429,
  code: '10011',
  title: 'Too many requests',
  detail: 'You have exceeded the rate limit of this endpoint. Try again after the reset.',
};

export function badRequest(detail: string, pointer?: string, status = 422): Refusal {
  return {
    status,
    code: '10015',
    title: 'Bad Request',
    detail,
    ...(pointer === undefined ? {} : { pointer }),
  };
}

export function fieldRefusal(
  code: '10004' | '10015' | '10016' | '10026' | '10032' | '10033' | '90017',
  field: string,
  detail: string,
): Refusal {
  const titles = {
    '10004': 'Missing required parameter',
    '10015': 'Bad Request',
    '10016': 'Phone number must be in +E164 format',
    '10026': 'Parameter has the wrong type',
    '10032': 'Parameter is not one of the allowed values',
    '10033': 'Parameter is out of range',
    '90017': 'Invalid value for client_state',
  };
  return { status: 422, code, title: titles[code], detail, pointer: `/${field}` };
}
