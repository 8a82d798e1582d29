/**
 * Reads the hourly sums for a report one day at a time, so that a year of them does not block the
 * event loop.
 */
import { setImmediate } from 'node:timers/promises';
import { createReport, numberOfRow, type Report } from '../core/history/report.ts';
import { type ReportAsked, spanBefore } from '../core/history/report-asked.ts';
import type { Store } from './store.ts';

const DAY_MS = 86_400_000;

/** The operator's label of a number; null if it has none. */
export type Labels = (number: string) => string | null | Promise<string | null>;

export async function readReport(
  store: Pick<Store, 'sums'>,
  asked: ReportAsked,
  labels: Labels,
): Promise<ReturnType<Report['json']>> {
  const report = createReport(asked);
  const spans = [['now', asked] as const, ['before', spanBefore(asked)] as const];
  for (const [when, span] of spans) {
    if (span === null) continue;
    for (let from = span.from; from < span.to; from += DAY_MS) {
      const sums = await store.sums(from, Math.min(from + DAY_MS, span.to));
      for (const sum of sums) report.add(sum, when);
      await setImmediate();
    }
  }
  const read = report.json();
  for (const row of read.rows) {
    const number = numberOfRow(asked.by, row.key);
    if (number !== null) row.label = (await labels(number)) ?? row.label;
  }
  return read;
}
