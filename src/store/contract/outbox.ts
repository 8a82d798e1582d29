/** Commands that are to be sent, stored with the event that caused them and claimed by a lease. */
import type { Command } from '../../core/machine/command.ts';

export interface Outbox {
  /** Pending commands that are due and not leased; hangup and reject first, then the oldest. */
  claim(claim: Claim, limit: number): Promise<ClaimedCommand[]>;
  /** Gives back the leases of an owner (stopping), or of everyone (a start on SQLite) with null. */
  releaseLeases(owner: string | null): Promise<void>;
  outbox(): Promise<OutboxHealth>;
  /** Commands that are to be sent or in flight, the oldest first. */
  outboxCommands(limit: number): Promise<OutboxCommand[]>;
}

export interface Claim {
  owner: string;
  leaseMs: number;
}

export interface ClaimedCommand {
  command: Command;
  /** How often it was claimed, this time included: the `<try>` of its outcome event. */
  tries: number;
  firstSentAt: number;
  /** Lease by the store's clock; checked again right before the request. */
  leaseUntil: number;
  /** The store's clock at the claim. */
  now: number;
  createdAt: number;
}

export interface OutboxHealth {
  pending: number;
  /** Milliseconds since the oldest pending command was stored; 0 where none is. */
  oldestMs: number;
}

/** A command that is still to be sent, or in flight. */
export interface OutboxCommand {
  command: Command;
  tries: number;
  createdAt: number;
  firstSentAt: number | null;
  /** From when on it may be claimed: the next try, or the end of the lease of `owner`. */
  readyAt: number;
  owner: string | null;
}
