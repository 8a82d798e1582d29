/** Deadlines that are due, shared by the replicas. */
import type { Call } from '../../core/machine/call.ts';
import type { CommitUnit, DueDeadline } from '../contract/calls.ts';
import { unpackCall } from '../rows/call-document.ts';
import { dueOf } from '../rows/due-deadlines.ts';
import type { Store } from '../store.ts';
import { againAt } from './again-at.ts';
import { CLOCK } from './clock.ts';
import type { ClockSteps } from './clock-steps.ts';
import type { Query } from './pool.ts';

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
    try {
      const found = await this.#read(query, limit, codeVersion, isAll ? ALL : this.#from);
      if (isAll) this.#allAt = againAt(askedAt, ALL_EVERY_MS);
      return found;
    } catch (error) {
      // A server that took over may lack the last commits. One that is merely slow has them.
      this.#allAt = isAll ? againAt(askedAt, 0) : 0;
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
