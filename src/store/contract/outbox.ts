/** Commands to be sent: stored with the event that caused them, and claimed with a lease. */
import type { Command } from '../../core/machine/command.ts';

export interface Outbox {
  /** Claims commands that are due and not leased; hangup and reject first, then the oldest. */
  claim(claim: Claim, limit: number): Promise<ClaimedCommand[]>;
  /** Those of these commands that the owner of the lease is still to send. */
  stillToSend(owner: string, commandIds: string[]): Promise<Set<string>>;
  /**
   * Gives up the leases of an owner (when it stops), or with null of everyone (when SQLite starts).
   */
  releaseLeases(owner: string | null): Promise<void>;
  outbox(): Promise<OutboxHealth>;
  /** Commands that are waiting or in flight, oldest first. */
  outboxCommands(limit: number): Promise<OutboxCommand[]>;
}

export interface Claim {
  owner: string;
  leaseMs: number;
}

export interface ClaimedCommand {
  command: Command;
  /** How often it was claimed, including this time: the `<try>` of its outcome event. */
  tries: number;
  firstSentAt: number;
  /** When the lease expires by the store's clock; checked again right before the request. */
  leaseUntil: number;
  /** The store's clock at the claim. */
  now: number;
  createdAt: number;
}

export interface OutboxHealth {
  pending: number;
  /** Milliseconds since the oldest pending command was stored; 0 if there is none. */
  oldestMs: number;
}

/** A command that is waiting to be sent, or in flight. */
export interface OutboxCommand {
  command: Command;
  tries: number;
  createdAt: number;
  firstSentAt: number | null;
  /** When it may be claimed: at its next try, or when the lease of `owner` expires. */
  readyAt: number;
  owner: string | null;
  /** Why the last try is to be repeated; null before there was one. */
  answer: { status: number | null; detail: string } | null;
  /** Of its call. */
  from: string | null;
  to: string | null;
}
