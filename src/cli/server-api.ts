/** Reads calls from a running server, only by its API. */
import { RefereeError } from '../errors.ts';
import type { CallDetail, CallSummary } from '../http/api/calls-json.ts';

export interface ApiAttempt {
  id: string;
  kind: 'refer' | 'transfer';
  target: string | null;
  sip_address: string;
  verdict: string | null;
  started_at: string;
}

export interface ApiEntry {
  id: string;
  source: string;
  type: string;
  at: string;
  phase_before: string | null;
  phase: string;
  notes: string[];
  commands: { id: string; action: string; attempt: string | null }[];
  /** Id of the attempt that the event belongs to. */
  attempt: string | null;
  detail: Record<string, string | number | boolean | null>;
}

export interface ApiCall {
  call_control_id: string;
  from: string | null;
  to: string | null;
  phase: string;
  ends: string | null;
  rule: string | null;
  created_at: string;
  ended_at: string | null;
  attempts: ApiAttempt[];
  timeline: ApiEntry[];
}

export interface Api {
  /** Null while the server does not know the call. */
  call(callControlId: string): Promise<CallDetail | null>;
  /** The newest ones to a number. */
  callsTo(number: string): Promise<CallSummary[]>;
}

/** The server answered, but not with what was asked for. */
export class ServerRefused extends RefereeError {
  readonly status: number;

  constructor(path: string, status: number) {
    super('SERVER_REFUSED', `GET ${path} answered ${status}`);
    this.status = status;
  }
}

const TIMEOUT_MS = 10_000;

export function apiOf(url: string, adminToken: string): Api {
  async function get(path: string): Promise<Response> {
    const headers = { authorization: `Bearer ${adminToken}` };
    return fetch(`${url}${path}`, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
  }
  return {
    async call(callControlId) {
      const response = await get(`/v1/calls/${encodeURIComponent(callControlId)}`);
      if (response.status === 404) return null;
      if (!response.ok) throw new ServerRefused('/v1/calls/…', response.status);
      return (await response.json()) as CallDetail;
    },
    async callsTo(number) {
      const response = await get(`/v1/calls?to=${encodeURIComponent(number)}`);
      if (!response.ok) throw new ServerRefused('/v1/calls', response.status);
      return ((await response.json()) as { calls: CallSummary[] }).calls;
    },
  };
}
