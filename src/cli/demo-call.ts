/** What the demo shows and judges of a call, as the API answers it. */
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
