/** Requests about the account that go wrong: which ones, and what they get instead of an answer. */
import { type Answer, CUT, refused } from '../answer.ts';
import { NOT_PERMITTED, RESOURCE_NOT_FOUND, TOO_MANY_REQUESTS, UNEXPECTED } from '../refusal.ts';

export interface AccountFault {
  /** `balance`, `phone_numbers`, `phone_numbers/voice`, … or `*` for all of them. */
  endpoint: string;
  method?: string;
  /** How many requests it lets through first, and how many it affects after that. */
  after?: number;
  times?: number;
  status?: number;
  slow_secs?: number;
  garbage?: boolean;
  /** Closes the connection before or after the request was executed. */
  cut?: 'before' | 'after';
}

/** Finds the fault of a request, and counts the request against it. */
export function createFaults(account: { readonly faults: readonly AccountFault[] }) {
  const struck = new Map<AccountFault, number>();
  return (endpoint: string, method: string): AccountFault | undefined =>
    account.faults.find((fault) => {
      if (fault.endpoint !== '*' && fault.endpoint !== endpoint) return false;
      if (fault.method !== undefined && fault.method !== method) return false;
      const nth = (struck.get(fault) ?? 0) + 1;
      struck.set(fault, nth);
      const after = fault.after ?? 0;
      return nth > after && nth <= after + (fault.times ?? Number.POSITIVE_INFINITY);
    });
}

/** The answer in place of the right one; null: the request is executed. */
export function spoilt(fault: AccountFault): Answer | null {
  if (fault.cut === 'before') return CUT;
  if (fault.garbage === true) return { status: 200, body: '<html><body>Sign in</body></html>' };
  switch (fault.status) {
    case undefined:
      return null;
    case 403:
      return refused(NOT_PERMITTED);
    case 404:
      return refused(RESOURCE_NOT_FOUND);
    case 429:
      return { ...refused(TOO_MANY_REQUESTS), headers: { 'x-ratelimit-reset': '1' } };
    default:
      return refused({ ...UNEXPECTED, status: fault.status });
  }
}
