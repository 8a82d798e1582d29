/** What the service's own API says about calls, to be compared with the simulator's books. */
import { setTimeout as pause } from 'node:timers/promises';
import { PHASES } from '../../src/core/machine/call.ts';

export interface ApiAttempt {
  id: string;
  kind: 'refer' | 'transfer';
  target: string | null;
  sip_address: string;
  verdict: string | null;
  sip_notify_response: number | null;
  reason: string | null;
  accepted_at: string | null;
}

export interface ApiEntry {
  id: string;
  source: string;
  type: string;
  at: string;
  occurred_at: string | null;
  phase_before: string | null;
  phase: string;
  notes: string[];
  commands: { id: string; action: string; attempt: string | null }[];
  detail: Record<string, string | number | boolean | null>;
}

export interface ApiCall {
  call_control_id: string;
  phase: string;
  ends: string | null;
  rule: string | null;
  parent_call_control_id: string | null;
  attempts: ApiAttempt[];
  timeline: ApiEntry[];
  deadlines: { name: string; due_at: string }[];
}

export type ApiSummary = Pick<ApiCall, 'call_control_id' | 'phase' | 'ends' | 'attempts'>;

export interface Api {
  /** Null if the service does not know the call. */
  call(callControlId: string): Promise<ApiCall | null>;
  /** All calls in a phase. */
  inPhase(phase: string): Promise<ApiSummary[]>;
  /** From /metrics: the sum of a counter over the labels that are not given. */
  counter(name: string, labels?: Record<string, string>): Promise<number>;
}

export const LIVE_PHASES = PHASES.filter((phase) => phase !== 'ended');

const PAGE = 500;
const STORE_BACK_MS = 30_000;

export function apiOf(url: () => string, adminToken: string): Api {
  function ask(path: string): Promise<Response> {
    return fetch(`${url()}${path}`, { headers: { authorization: `Bearer ${adminToken}` } });
  }

  async function get(path: string): Promise<Response> {
    const until = performance.now() + STORE_BACK_MS;
    let response = await ask(path);
    // Repeats the request if the database is slow under load, because its contents are what counts.
    while (response.status === 503 && performance.now() < until) {
      await pause(500);
      response = await ask(path);
    }
    if (!response.ok && response.status !== 404) {
      throw new Error(`GET ${path} answered ${response.status}: ${await response.text()}`);
    }
    return response;
  }
  return {
    async call(callControlId) {
      const response = await get(`/v1/calls/${encodeURIComponent(callControlId)}`);
      if (response.status === 404) {
        await response.arrayBuffer();
        return null;
      }
      return (await response.json()) as ApiCall;
    },
    async inPhase(phase) {
      const all: ApiSummary[] = [];
      let cursor: string | null = null;
      do {
        const from = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
        const response = await get(`/v1/calls?phase=${phase}&limit=${PAGE}${from}`);
        const page = (await response.json()) as { calls: ApiSummary[]; next: string | null };
        all.push(...page.calls);
        cursor = page.next;
      } while (cursor !== null);
      return all;
    },
    async counter(name, labels = {}) {
      const text = await (await get('/metrics')).text();
      const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
      return text
        .split('\n')
        .filter((line) => line.startsWith(name) && /^[{ ]/.test(line.slice(name.length)))
        .filter((line) => wanted.every((part) => line.includes(part)))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
    },
  };
}
