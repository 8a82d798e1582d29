/** The texts of `referee replay`. */
import { counted } from '../../core/counted.ts';
import type { Apart } from '../../core/replay/apart.ts';
import type { Change, Comparison } from '../../core/replay/comparison.ts';
import type { Io } from '../terminal/io.ts';
import { momentText } from '../terminal/local-time.ts';
import { colours, plain } from '../terminal/terminal.ts';

interface ReplayQuestion {
  /** Null: all calls. */
  since: number | null;
  /** The source of the calls. */
  source: string;
  against?: string;
  utc?: boolean;
}

export function replayText(comparison: Comparison, question: ReplayQuestion, io: Io): string {
  const { calls, same, differs, skipped } = comparison;
  const { bold } = colours(io);
  if (calls === 0) return `There are no calls in ${plain(rangeOf(question))}.\n`;
  const paragraphs: string[][] = [];
  const asBefore =
    question.against === undefined
      ? `as ${same === 1 ? 'it' : 'they'} did`
      : `as with ${question.against}`;
  if (differs === 0) {
    const all = same === 0 ? 'No call could be replayed' : 'Nobody goes elsewhere';
    paragraphs.push([
      bold(all) +
        plain(
          same === 0
            ? '.'
            : `: ${counted(same, 'call')} ${same === 1 ? 'goes' : 'go'} ${asBefore}.`,
        ),
    ]);
  } else {
    const rest = same === 0 ? '' : plain(`, ${number(same)} ${asBefore}`);
    paragraphs.push([`${bold(`${counted(differs, 'call')} would go elsewhere`)}${rest}.`]);
    paragraphs.push(changeTable(comparison.changes, io));
    paragraphs.push(endsTable(comparison, io));
  }
  paragraphs.push(notes(comparison, question, io));
  if (skipped > 0) paragraphs.push([apartText(comparison)]);
  return `${paragraphs.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function rangeOf({ since, source, utc = false }: ReplayQuestion): string {
  return since === null ? source : `${source} since ${momentText(since, utc)}`;
}

/** Ordered by the number of calls, the most first. Example calls are listed below their row. */
function changeTable(changes: readonly Change[], io: Io): string[] {
  const { bold, dim } = colours(io);
  const rows = changes.map(({ before, after, calls, examples }) => ({
    cells: [number(calls), placeOf(before), placeOf(after)],
    examples,
  }));
  const head = ['calls', 'before', 'after'];
  const width = (column: number): number =>
    Math.max(
      ...[head, ...rows.map(({ cells }) => cells)].map((cells) => (cells[column] ?? '').length),
    );
  const line = (cells: string[]): string =>
    `${(cells[0] ?? '').padStart(width(0))}  ${(cells[1] ?? '').padEnd(width(1))}  ${cells[2] ?? ''}`;
  const lines = [bold(line(head))];
  for (const { cells, examples } of rows) {
    lines.push(line(cells));
    for (const id of examples) lines.push(dim(`${' '.repeat(width(0))}  ${plain(id)}`));
  }
  const open = changes[0]?.examples[0];
  if (open !== undefined) lines.push('', dim(`Open one with: referee calls ${plain(open)}`));
  return lines;
}

function placeOf({ rule, target }: Change['before']): string {
  return plain(`${rule} → ${target ?? 'nobody'}`);
}

function endsTable({ ends, moves }: Comparison, io: Io): string[] {
  const { bold } = colours(io);
  const names = [
    ...new Set([...Object.keys(ends.before), ...Object.keys(ends.after)]),
  ] as (keyof Comparison['ends']['before'])[];
  const rows = names
    .map((name) => [name, ends.before[name] ?? 0, ends.after[name] ?? 0] as const)
    .sort((one, other) => other[1] - one[1]);
  const line = (name: string, before: string, after: string): string =>
    `${name.padEnd(12)}${before.padStart(10)}${after.padStart(10)}`;
  return [
    bold(line('ends', 'before', 'after')),
    ...rows.map(([name, before, after]) => line(name, number(before), number(after))),
    line('billed moves', number(moves.before), number(moves.after)),
  ];
}

function notes(
  { assumed, truncated, calls }: Comparison,
  question: ReplayQuestion,
  io: Io,
): string[] {
  const { dim } = colours(io);
  const lines = Object.entries(assumed)
    .sort(([, one], [, other]) => other - one)
    .map(
      ([target, times]) =>
        `Assumed: ${plain(target)} completes, for ${counted(times, 'call')} that did not reach it then.`,
    );
  if (truncated) {
    lines.push('There are more kinds of change, or more calls, than are listed; all are counted.');
  }
  lines.push(
    dim(
      plain(
        `${counted(calls, 'call')} of ${rangeOf(question)}, each decided at its own time with the overrides of that time. Targets answered and callers acted as they really did. Budgets are not counted again.`,
      ),
    ),
  );
  return lines;
}

const APART_WORDS: Record<Apart, string> = {
  unmanaged: 'left to another application',
  undecided: 'without a decision',
  unrecorded: 'not recorded completely, or by another release',
};

function apartText({ skipped, skipped_because }: Comparison): string {
  const parts = (Object.keys(APART_WORDS) as Apart[])
    .filter((why) => skipped_because[why] > 0)
    .map((why) => `${number(skipped_because[why])} ${APART_WORDS[why]}`);
  return `Not compared: ${counted(skipped, 'call')} (${parts.join(', ')}).`;
}

function number(value: number): string {
  return value.toLocaleString('en');
}
