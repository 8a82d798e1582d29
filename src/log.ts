/** What every part of the program logs through: a catalogue name and fields, never free text. */
import type { LogEventName } from './log-events.ts';

/** Field names as they stand in the log: Telnyx's own where Telnyx has one. */
export interface LogFields {
  call_control_id?: string;
  call_session_id?: string | null;
  rule?: string | null;
  target?: string | null;
  attempt?: string | null;
  verdict?: string | null;
  /** Numbers and SIP URIs: masked on the way out unless LOG_NUMBERS is full. */
  from?: string | null;
  to?: string | null;
  sip_address?: string | null;
  err?: unknown;
  [field: string]: unknown;
}

export interface Log {
  emit(event: LogEventName, fields?: LogFields): void;
}
