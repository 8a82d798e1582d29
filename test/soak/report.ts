/** The results of a soak as text. */
import type { CallBook } from '../../src/simulator/books.ts';
import type { SoakOptions } from './options.ts';
import type { SoakResult } from './play.ts';
import { story } from './story.ts';

const STORIES_MAX = 12;
const LISTED_MAX = 30;

export function report(options: SoakOptions, result: SoakResult): string {
  const { calls, problems, statuses, digests, kills, foundDead, seconds } = result;
  const broken = calls.filter(({ violations }) => violations.length > 0);
  const struck = calls.filter(({ book }) => book.faults.length > 0).length;
  return [
    '',
    `seed ${options.seed}: ${calls.length} calls in ${Math.round(seconds)} s, ${struck} of them met faults, ${kills} kills`,
    '',
    table(
      'what became of the callers',
      tally(calls, ({ book }) => book.fate),
    ),
    table(
      'how the calls ended',
      tally(calls, ({ call }) => call?.ends ?? 'never heard of'),
    ),
    table('the simulator’s faults', tallyAll(calls.flatMap(({ book }) => faultsOf(book)))),
    table(
      'webhooks by answer',
      [...statuses].map(([status, count]) => [statusName(status), count]),
    ),
    `  hangups that never came, found out   ${foundDead}`,
    '',
    `scripts ${digests.scripts}  ends ${digests.ends}   (the same seed gives the same)`,
    '',
    ...problems.slice(0, LISTED_MAX).map((problem) => `✗ ${problem}`),
    ...broken
      .slice(0, LISTED_MAX)
      .map(
        ({ book, violations }) => `✗ call ${book.number} “${book.name}”: ${violations.join('; ')}`,
      ),
    ...broken.slice(0, STORIES_MAX).map((call) => `\n${story(call)}`),
    broken.length === 0 && problems.length === 0
      ? '✓ every caller was moved, released or hung up, each at most once; nobody in silence; every call has ended'
      : `\n✗ ${broken.length} calls and ${problems.length} other things are not as they must be; logs and database: ${result.folder}`,
    '',
  ].join('\n');
}

function faultsOf(book: CallBook): string[] {
  return book.faults.map((text) => text.split(': ')[1]?.split(' ')[0] ?? text);
}

function statusName(status: number): string {
  return status === 0 ? 'no answer' : String(status);
}

function tally<T>(items: T[], name: (item: T) => string): [string, number][] {
  return tallyAll(items.map(name));
}

function tallyAll(names: string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a);
}

function table(title: string, rows: [string, number][]): string {
  const lines = rows.map(([name, count]) => `  ${name.padEnd(36)} ${String(count).padStart(6)}`);
  return [`${title}:`, ...lines, ''].join('\n');
}
