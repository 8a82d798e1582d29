/**
 * Claims commands that were not offered: left by a crash, due again, or beyond the free slots. It
 * polls at once if one is known to be due, soon after it found something, and otherwise every
 * second.
 */
import type { Log } from '../../log/log.ts';
import type { ClaimedCommand } from '../../store/contract/outbox.ts';
import { type Clock, type Mark, mark } from '../clock.ts';

const POLL_BUSY_MS = 250;
/** Slightly after the due time, because timers and the store's clock round differently. */
const DUE_SLACK_MS = 2;
/** While the store is down, every poll fails; one line is logged in this time. */
const UNREADABLE_LOG_MS = 10_000;

export interface OutboxPollOptions {
  claim(limit: number): Promise<ClaimedCommand[]>;
  take(claimed: ClaimedCommand[], askedAt: Mark): void;
  /** How many may be claimed now, and the minimum that makes a claim worthwhile. */
  room(): number;
  roomWorth: number;
  idleMs: number;
  clock: Clock;
  log: Log;
  /** Called when a claim has ended. */
  onEnd(): void;
}

export interface OutboxPoll {
  start(): void;
  /** Commands are pending. */
  wake(): void;
  /** There is more room than before. */
  roomFreed(): void;
  /** A command will be due again after this time. */
  dueWithin(ms: number): void;
  /** A claim is under way. */
  busy(): boolean;
  /** Commands are known to wait in the store; newer ones must not get ahead of them. */
  hasOlder(): boolean;
  stop(): void;
}

export function createOutboxPoll(options: OutboxPollOptions): OutboxPoll {
  const { clock, log } = options;
  let running = false;
  let claiming = false;
  /** A poll is owed as soon as there is room. */
  let backlog = false;
  let older = false;
  let timer: NodeJS.Timeout | null = null;
  let timerAt = Infinity;
  /** Monotonic times at which a command is known to be due again. */
  let dueAgain: number[] = [];
  let loggedAt = -Infinity;

  return {
    start() {
      running = true;
      void poll();
    },
    wake() {
      backlog = true;
      older = true;
      pollIfWorth();
    },
    roomFreed() {
      if (backlog) pollIfWorth();
    },
    dueWithin(ms) {
      const at = clock.monotonic() + Math.max(0, ms) + DUE_SLACK_MS;
      dueAgain.push(at);
      pollAt(at);
    },
    busy: () => claiming,
    hasOlder: () => older,
    stop() {
      running = false;
      if (timer !== null) clearTimeout(timer);
      timer = null;
    },
  };

  function pollIfWorth(): void {
    // Not for each free slot, because a claim is a transaction; but where requests take long, so
    // many slots may never be free together.
    if (options.room() >= options.roomWorth) void poll();
    else pollAt(clock.monotonic() + POLL_BUSY_MS);
  }

  async function poll(): Promise<void> {
    if (!running || claiming) return;
    const room = options.room();
    if (room === 0) {
      backlog = true;
      pollAt(clock.monotonic() + POLL_BUSY_MS);
      return;
    }
    const knewOlder = older;
    claiming = true;
    backlog = false;
    older = false;
    const askedAt = mark(clock);
    let waitMs = options.idleMs;
    try {
      const claimed = await options.claim(room);
      options.take(claimed, askedAt);
      if (claimed.length > 0) waitMs = Math.min(POLL_BUSY_MS, waitMs);
      // As many as requested, so there may be more.
      if (claimed.length >= room) {
        backlog = true;
        older = true;
      }
    } catch (error) {
      older ||= knewOlder;
      unreadable(error);
    }
    claiming = false;
    dueAgain = dueAgain.filter((at) => at > askedAt.monotonic);
    pollAt(Math.min(clock.monotonic() + waitMs, ...dueAgain.slice(0, 1_000)));
    if (backlog) pollIfWorth();
    options.onEnd();
  }

  function unreadable(error: unknown): void {
    const now = clock.monotonic();
    if (now - loggedAt < UNREADABLE_LOG_MS) return;
    loggedAt = now;
    log.emit('outbox.unreadable', { err: error });
  }

  /** Makes sure that the next poll is not later than this. */
  function pollAt(at: number): void {
    if (!running || (timer !== null && timerAt <= at)) return;
    if (timer !== null) clearTimeout(timer);
    timerAt = at;
    timer = setTimeout(
      () => {
        timer = null;
        void poll();
      },
      Math.max(0, Math.ceil(at - clock.monotonic())),
    );
  }
}
