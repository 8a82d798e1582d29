/** One try of a command: the request and its outcome. */
import type { Action, Command, Outcome } from '../../core/machine/command.ts';
import { outcomeEventId } from '../../core/machine/command-id.ts';
import type { OutcomeEvent } from '../../core/machine/event.ts';
import type { ClaimedCommand } from '../../store/contract/outbox.ts';
import type { Clock } from '../clock.ts';
import type { CommandReport } from '../reports/commands.ts';
import { FirstRequests } from './first-requests.ts';
import { type Job, latestStoreNow, storeNow } from './job.ts';
import {
  asConflict,
  asRepetition,
  CANCELLED,
  maySend,
  type Permission,
  sentSince,
} from './sending.ts';

export interface CommandObserver {
  /** Counts one request to Telnyx and its outcome. */
  command(action: Action, outcome: Outcome['kind'], ms: number): void;
  retry?(action: Action): void;
  /** Time from the commit that stored a command to its first request. */
  waited?(action: Action, ms: number): void;
}

/** `mayWrite` is called just before the request is written; false: nothing is written. */
export type SendRequest<C = Command> = (command: C, mayWrite?: () => boolean) => Promise<Outcome>;

export interface SenderOptions {
  send: SendRequest;
  report: CommandReport;
  clock: Clock;
  /** How long a request may take. */
  requestMs: number;
  observer: CommandObserver;
}

export interface Sender {
  permission(job: Job): Permission;
  /**
   * Never rejects. Null: nothing may be recorded, because another process may own the command by
   * now.
   */
  run(job: Job, permission: NotLapsed): Promise<OutcomeEvent | null>;
}

export type NotLapsed = Exclude<Permission, { kind: 'lapsed' }>;

/** The outcome of a request, or why it was not made. */
type Sent =
  | { requested: true; outcome: Outcome }
  | { requested: false; permission: Exclude<Permission, { kind: 'send' }> };

export function createSender(options: SenderOptions): Sender {
  const { send, report, clock, requestMs, observer } = options;
  const firstRequests = new FirstRequests(clock);

  return {
    permission: (job) => permissionOf(job, requestMs),
    async run(job, permission) {
      const sent: Sent =
        permission.kind === 'send' ? await request(job) : { requested: false, permission };
      const outcome = outcomeOfJob(job, sent);
      if (outcome === null) return null;
      if (!sent.requested && !job.cancelled) reportOutcome(job.claimed, outcome, 0);
      return eventOf(job, outcome, sent.requested);
    },
  };

  function permissionOf(job: Job, forMs: number): Permission {
    const sentAgoMs = firstRequests.agoMs(job.claimed.command.id);
    const permission = maySend(job.claimed, latestStoreNow(job, clock), forMs, sentAgoMs);
    return permission.kind === 'send' && job.cancelled ? CANCELLED : permission;
  }

  async function request(job: Job): Promise<Sent> {
    const { command, tries, createdAt } = job.claimed;
    const waitedMs = Math.max(0, storeNow(job, clock) - createdAt);
    if (tries === 1 && command.action !== 'lookup') observer.waited?.(command.action, waitedMs);
    const startedAt = clock.monotonic();
    let permission: Permission = { kind: 'send' };
    // Checked again at the write: since the first check the request may have waited for a
    // connection, in a queue or, if the process or the machine was suspended, for any time. An
    // event of the call may have cancelled it meanwhile.
    const mayWrite = () => {
      const leftMs = Math.max(0, requestMs - (clock.monotonic() - startedAt));
      permission = permissionOf(job, leftMs);
      return permission.kind === 'send';
    };
    const answer = await send(command, mayWrite).catch((error: unknown): Outcome => {
      // The client turns every failure into an outcome; a bug in it must not stop other commands.
      const detail = `the client failed: ${String(error)}`;
      return { kind: 'retry', status: null, detail, afterMs: null, provenUnsent: false };
    });
    const last = permission as Permission;
    if (last.kind !== 'send') return { requested: false, permission: last };
    const outcome = asConflict(job.claimed, answer);
    noteRequest(job, outcome);
    reportOutcome(job.claimed, outcome, clock.monotonic() - startedAt);
    return { requested: true, outcome };
  }

  function noteRequest({ claimed, claimedAt }: Job, outcome: Outcome): void {
    const { id } = claimed.command;
    if (outcome.kind !== 'retry') firstRequests.forget(id);
    else if (!outcome.provenUnsent) firstRequests.noteUnclear(id, claimedAt);
  }

  function outcomeOfJob(job: Job, sent: Sent): Outcome | null {
    const { claimed } = job;
    if (!sent.requested) {
      return sent.permission.kind === 'lapsed'
        ? null
        : asRepetition(claimed, sent.permission.outcome);
    }
    // A definite answer counts even after the lease. A retry does not, because another replica may
    // be trying by now.
    const lapsed = maySend(claimed, latestStoreNow(job, clock), 0).kind === 'lapsed';
    return sent.outcome.kind === 'retry' && lapsed ? null : asRepetition(claimed, sent.outcome);
  }

  function reportOutcome({ command, tries }: ClaimedCommand, outcome: Outcome, ms: number): void {
    // A lookup is reported with its call's event.
    if (command.action === 'lookup') return;
    report.outcome(command, outcome, tries, ms);
    observer.command(command.action, outcome.kind, ms);
    if (outcome.kind === 'retry') observer.retry?.(command.action);
  }

  function eventOf(job: Job, outcome: Outcome, requested: boolean): OutcomeEvent {
    const { claimed } = job;
    const { command, tries } = claimed;
    return {
      source: 'outcome',
      id: outcomeEventId(command.id, tries),
      callId: command.callId,
      type: `command.${outcome.kind}`,
      // By the store's clock, like `endedAt`, which it is compared with.
      receivedAt: Math.round(storeNow(job, clock)),
      occurredAt: null,
      commandId: command.id,
      legId: command.legId,
      action: command.action,
      ...(command.action === 'lookup' ? { lookup: command.name } : {}),
      outcome,
      firstSentAt: sentSince(claimed, outcome, requested),
    };
  }
}
