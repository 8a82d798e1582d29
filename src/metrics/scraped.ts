/** Gauges that are read when they are scraped: outbox, problems, delay of the event loop, … */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Gauge, type Registry } from 'prom-client';
import type { OutboxHealth } from '../store/contract/outbox.ts';
import { boundedLabel } from './label.ts';

const SCRAPE_STORE_TIMEOUT_MS = 1_000;

/**
 * Both gauges share one query per scrape. If the store does not answer, the gauges are absent and
 * the scrape still succeeds.
 */
export function watchOutbox(registry: Registry, read: () => Promise<OutboxHealth>): void {
  let looking: Promise<OutboxHealth | null> | null = null;
  const look = () => {
    looking ??= inTime(read()).finally(() => {
      looking = null;
    });
    return looking;
  };
  const fromOutbox = (name: string, help: string, value: (health: OutboxHealth) => number) =>
    new Gauge({
      name: `referee_outbox_${name}`,
      help,
      registers: [registry],
      async collect() {
        const health = await look();
        if (health === null) this.remove();
        else this.set(value(health));
      },
    });
  fromOutbox(
    'pending',
    'Commands that are stored and have no outcome yet.',
    ({ pending }) => pending,
  );
  fromOutbox(
    'oldest_seconds',
    'Age of the oldest pending command; 0 if there is none.',
    ({ oldestMs }) => oldestMs / 1000,
  );
}

/** RefereeNoWebhooks is silent while all schedules are closed. */
export function watchSchedules(
  registry: Registry,
  read: () => Promise<{ name: string; open: boolean }[]>,
): void {
  const label = boundedLabel();
  new Gauge({
    name: 'referee_schedule_open',
    help: '1 while a schedule of the live call routes is open, overrides included.',
    labelNames: ['schedule'],
    registers: [registry],
    async collect() {
      const schedules = await inTime(read());
      this.reset();
      for (const { name, open } of schedules ?? []) {
        this.set({ schedule: label(name) }, open ? 1 : 0);
      }
    },
  });
}

/** Overrides by operators, while they last. */
export function watchOverrides(
  registry: Registry,
  read: () => Promise<{ kind: string; name: string }[]>,
): void {
  const label = boundedLabel();
  new Gauge({
    name: 'referee_forced',
    help: '1 while an operator forces this schedule, switch or target.',
    labelNames: ['kind', 'name'],
    registers: [registry],
    async collect() {
      const overrides = await inTime(read());
      this.reset();
      for (const { kind, name } of overrides ?? []) this.set({ kind, name: label(name) }, 1);
    },
  });
}

/** Targets that are down, or that an operator has put to rest. */
export function watchResting(registry: Registry, read: () => Promise<string[]>): void {
  const label = boundedLabel();
  new Gauge({
    name: 'referee_target_resting',
    help: '1 while a target of the live call routes rests, so that rules skip it.',
    labelNames: ['target'],
    registers: [registry],
    async collect() {
      const resting = await inTime(read());
      this.reset();
      for (const target of resting ?? []) this.set({ target: label(target) }, 1);
    },
  });
}

export function watchReady(registry: Registry, read: () => boolean): void {
  new Gauge({
    name: 'referee_ready',
    help: '1 while /health/ready answers 200.',
    registers: [registry],
    collect() {
      this.set(read() ? 1 : 0);
    },
  });
}

/** The kinds are our own words, so there are few. */
export function watchProblems(
  registry: Registry,
  read: () => { kind: string; severity: string }[],
): void {
  new Gauge({
    name: 'referee_problems',
    help: 'Current problems of this process, as /v1/problems lists them, by kind and severity.',
    labelNames: ['kind', 'severity'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { kind, severity } of read()) this.inc({ kind, severity });
    },
  });
}

/** How many moves per hour the live routes allow; no series if there is no limit. */
export function watchBudgets(
  registry: Registry,
  read: () => { kind: string; perHour: number | null }[],
): void {
  new Gauge({
    name: 'referee_budget_per_hour',
    help: 'The limit of refers or transfers an hour in the policy of the live call routes.',
    labelNames: ['kind'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { kind, perHour } of read()) if (perHour !== null) this.set({ kind }, perHour);
    },
  });
}

/** Returns a function that stops the measurement. */
export function watchEventLoop(registry: Registry): () => void {
  const loopDelay = monitorEventLoopDelay({ resolution: 10 });
  loopDelay.enable();
  new Gauge({
    name: 'referee_event_loop_delay_seconds',
    help: 'Event-loop delay since the last scrape.',
    // Not `quantile`, which Prometheus reserves for summaries.
    labelNames: ['percentile'],
    registers: [registry],
    collect() {
      for (const percentile of [50, 99, 100]) {
        this.set({ percentile: `${percentile}` }, loopDelay.percentile(percentile) / 1e9);
      }
      loopDelay.reset();
    },
  });
  return () => loopDelay.disable();
}

/** Null if the read fails or takes longer than a scrape may wait for the store. */
function inTime<T>(read: Promise<T>): Promise<T | null> {
  const limit = new Promise<null>((resolve) => {
    setTimeout(() => resolve(null), SCRAPE_STORE_TIMEOUT_MS).unref();
  });
  return Promise.race([read.catch(() => null), limit]);
}
