/** Commands to be sent and deadlines that are due, shared by the replicas. */

import type { Call } from '../../core/machine/call.ts';
import type { Command } from '../../core/machine/command.ts';
import type { CommitUnit, DueDeadline } from '../contract/calls.ts';
import type { Claim, ClaimedCommand, OutboxHealth } from '../contract/outbox.ts';
import { unpackCall } from '../rows/call-document.ts';
import { dueOf, urgentFirst } from '../rows/rows.ts';
import type { Store } from '../store.ts';
import { type ClockSteps, STEP_MS_MIN } from './clock-steps.ts';
import { CLOCK, NOW_MS } from './load.ts';
import type { Query } from './pool.ts';
import { arrayOf, keyText, plainKey } from './values.ts';

/**
 * How long a command may have been due when the clock was set back. If it were longer, the retries
 * after the step would seem to be from before it.
 */
const OVERDUE_MS = 10_000;

/**
 * `skip locked`: replicas that claim at the same time share the rows instead of waiting for each
 * other. After a step of the clock back, a command that was stored before it (it seems to have been
 * stored in the future) is due when it would have been.
 */
export async function claimCommands(
  query: Query,
  { owner, leaseMs }: Claim,
  limit: number,
  codeVersion: number,
  steps: ClockSteps,
  from = 0,
): Promise<ClaimedCommand[]> {
  const early = steps.early();
  const rows = await query(
    `with ${CLOCK},
      next as materialized (
        select k.key from commands k
        where not k.cancelled and k.command >= $7 and k.code <= $4 and (k.ready_at <= (select now from clock)
          or k.created_at > (select now from clock) + ${STEP_MS_MIN} and k.ready_at >= $5::bigint
            and k.ready_at - $6::bigint <= (select now from clock))
        order by k.rank, k.command limit $3 for update skip locked)
     update commands k set owner = $1, ready_at = now + $2::bigint, tries = k.tries + 1,
       first_sent_at = coalesce(k.first_sent_at, now)
     from next, clock where k.key = next.key
     returning k.command, k.document, k.tries, k.first_sent_at, k.created_at, k.ready_at, now`,
    [owner, leaseMs, limit, codeVersion, early.before - OVERDUE_MS, Math.round(early.ms), from],
  );
  // An update returns its rows in no particular order.
  rows.sort((a, b) => Number(a.command) - Number(b.command));
  return urgentFirst(
    rows.map((row) => {
      const command = JSON.parse(String(row.document)) as Command;
      const now = Number(row.now);
      const setAt = Number(row.created_at);
      const byThisClock = (dueAt: number) => steps.dueAt({ dueAt, setAt }, now);
      const { giveUpAt } = command;
      return {
        command: { ...command, giveUpAt: giveUpAt === null ? null : byThisClock(giveUpAt) },
        tries: Number(row.tries),
        firstSentAt: Number(row.first_sent_at),
        leaseUntil: Number(row.ready_at),
        now,
        createdAt: byThisClock(setAt),
      };
    }),
  );
}

export async function stillToSend(
  query: Query,
  owner: string,
  commandIds: string[],
): Promise<Set<string>> {
  const rows = await query(
    'select key from commands where key = any ($1::uuid[]) and owner = $2 and not cancelled',
    [arrayOf(commandIds.map(keyText)), owner],
  );
  const keys = new Set(rows.map(({ key }) => plainKey(String(key))));
  return new Set(commandIds.filter((id) => keys.has(keyText(id))));
}

/** Locked rows are skipped: somebody is using them right now. */
export async function releaseLeases(query: Query, owner: string | null): Promise<void> {
  await query(
    `with mine as materialized (
       select key from commands where owner = coalesce($1::text, owner) for update skip locked),
     dropped as (delete from commands k using mine where k.key = mine.key and k.cancelled)
     update commands k set owner = null, ready_at = ${NOW_MS}
     from mine where k.key = mine.key and not k.cancelled`,
    [owner],
  );
}

/**
 * Deadlines that are due by their row but held back after a step of the clock: this many more rows
 * are read to get past them.
 */
const HELD_BACK_MAX = 20_000;

/**
 * Longer than a commit of another replica takes: what it sets is due after its load, and seen after
 * its commit.
 */
const UNSEEN_MS = 15_000;
/** How often everything is read, in case a commit took longer all the same. */
const ALL_EVERY_MS = 60_000;
/** Reading everything may take a hundredth of the time. */
const ALL_SHARE = 100;
const ALL = Number.MIN_SAFE_INTEGER;

/**
 * Reads on from the first that was due, not from the beginning of the index: there, each earlier
 * deadline of each call has left an entry, and while somebody holds a snapshot (a backup, or a
 * session left open) none can be removed. With 150,000 of them each reading took a second.
 */
export class DueDeadlines {
  readonly #steps: ClockSteps;
  readonly #onStep: (ms: number) => void;
  #heldBack = 0;
  #earlyMs = 0;
  /** Nothing is due before it. */
  #from = ALL;
  /** The first that a commit of ours has set since the last reading began. */
  #set = Number.POSITIVE_INFINITY;
  /** When everything is read again. */
  #allAt = 0;

  constructor(steps: ClockSteps, onStep: (ms: number) => void) {
    this.#steps = steps;
    this.#onStep = onStep;
  }

  /** After a commit of ours, whatever became of it. */
  wereSet(units: CommitUnit[]): void {
    for (const { changes } of units) {
      for (const { call } of changes) {
        for (const { dueAt } of call.deadlines) this.#set = Math.min(this.#set, Math.floor(dueAt));
      }
    }
    this.#from = Math.min(this.#from, this.#set);
  }

  async read(query: Query, limit: number, codeVersion: number): ReturnType<Store['due']> {
    const askedAt = performance.now();
    const isAll = askedAt >= this.#allAt;
    const took = () => performance.now() - askedAt;
    try {
      const found = await this.#read(query, limit, codeVersion, isAll ? ALL : this.#from);
      if (isAll) this.#allAt = askedAt + Math.max(ALL_EVERY_MS, ALL_SHARE * took());
      return found;
    } catch (error) {
      // A server that took over may lack the last commits. One that is merely slow has them.
      this.#allAt = isAll ? askedAt + ALL_SHARE * took() : 0;
      throw error;
    }
  }

  async #read(query: Query, limit: number, codeVersion: number, from: number) {
    const askedAt = performance.now();
    const rowsMax = limit + Math.min(this.#heldBack, HELD_BACK_MAX);
    this.#set = Number.POSITIVE_INFINITY;
    const rows = await query(
      `with ${CLOCK},
        reach as materialized (select now + $3::bigint as until from clock)
       select now, document, due_at
       from clock left join lateral (
         select document, due_at from calls
         where due_at >= $4::bigint and due_at <= (select until from reach) and code <= $2
         order by due_at limit $1) d on true`,
      [rowsMax, codeVersion, Math.round(this.#earlyMs), from],
    );
    const now = Number(rows[0]?.now);
    const stepMs = this.#steps.saw(now, askedAt, performance.now());
    const documents = rows.filter((row) => row.document !== null);
    const first = Number(documents[0]?.due_at ?? now);
    this.#from = Math.min(first, now - UNSEEN_MS, this.#set);
    if (stepMs !== 0) {
      this.#allAt = 0;
      this.#onStep(stepMs);
    }
    const calls = documents.map((row) => unpackCall(String(row.document)));
    const { due, held } = this.#sort(calls, now);
    this.#heldBack = held;
    this.#earlyMs = this.#steps.early(now).ms;
    return { now, due: due.slice(0, limit) };
  }

  #sort(calls: Call[], now: number): { due: DueDeadline[]; held: number } {
    const reached = dueOf(calls, now + this.#earlyMs).map((deadline) => {
      return { ...deadline, dueAt: this.#steps.dueAt(deadline, now) };
    });
    const due = reached.filter(({ dueAt }) => dueAt <= now).sort((a, b) => a.dueAt - b.dueAt);
    return { due, held: reached.length - due.length };
  }
}

export async function outboxHealth(query: Query): Promise<OutboxHealth> {
  const [row] = await query(
    `select count(*) as pending, greatest(0, ${NOW_MS} - min(created_at)) as oldest
     from commands where not cancelled`,
  );
  const pending = Number(row?.pending);
  return { pending, oldestMs: pending === 0 ? 0 : Number(row?.oldest) };
}
