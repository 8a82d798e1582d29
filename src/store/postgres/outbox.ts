/** Commands to be sent, shared by the replicas. */
import type { Command } from '../../core/machine/command.ts';
import type { Claim, ClaimedCommand, OutboxCommand, OutboxHealth } from '../contract/outbox.ts';
import { keyText } from '../rows/key.ts';
import { commandOf, urgentFirst } from '../rows/outbox-command.ts';
import { CLOCK, NOW_MS } from './clock.ts';
import { type ClockSteps, STEP_MS_MIN } from './clock-steps.ts';
import type { Query } from './pool.ts';
import { arrayOf, plainKey } from './values.ts';

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

export async function outboxHealth(query: Query): Promise<OutboxHealth> {
  const [row] = await query(
    `select count(*) as pending, greatest(0, ${NOW_MS} - min(created_at)) as oldest
     from commands where not cancelled`,
  );
  const pending = Number(row?.pending);
  return { pending, oldestMs: pending === 0 ? 0 : Number(row?.oldest) };
}

export async function listCommands(query: Query, limit: number): Promise<OutboxCommand[]> {
  const rows = await query(
    `select k.*, caller, callee from commands k left join call_filters using (call)
     where not cancelled order by command limit $1`,
    [limit],
  );
  return rows.map(commandOf);
}
