/** The results, for people and for machines: each figure with the command that measures it. */
import type { Figure } from './figures.ts';
import { type BenchOptions, commandOf } from './options.ts';

/** The figures of one group, measured together. */
export interface MeasuredGroup {
  /** The names that `--only` accepts. */
  lines: readonly string[];
  figures: readonly Figure[];
}

export interface Measurement {
  /** Whether server and load had separate cores. */
  pinned: boolean;
  groups: readonly MeasuredGroup[];
}

export function jsonOf({ pinned, groups }: Measurement, options: BenchOptions): string {
  const figures = groups.flatMap((group) =>
    group.figures.map((figure) => ({
      ...figure,
      command: commandOf(wordFor(group, figure.name), options),
    })),
  );
  return JSON.stringify({ pinned, figures }, null, 2);
}

/** A table, each group under its command, then each figure as `name: number`. */
export function textOf({ groups }: Measurement, options: BenchOptions): string {
  const all = groups.flatMap(({ figures }) => figures);
  const width = Math.max(...all.map(({ name }) => name.length));
  const lines: string[] = [];
  for (const group of groups) {
    lines.push(`$ ${commandOf(wordFor(group), options)}`);
    for (const figure of group.figures) lines.push(rowOf(figure, width));
    lines.push('');
  }
  for (const { name, value } of all) {
    if (/^\S+$/.test(name)) lines.push(`${name}: ${short(value.median)}`);
  }
  return lines.join('\n');
}

/** A figure without its own name is measured with its group. */
function wordFor({ lines }: MeasuredGroup, name?: string): string {
  return lines.find((word) => word === name) ?? lines[0] ?? '';
}

function rowOf({ name, value, unit, goal }: Figure, width: number): string {
  const spread = `${short(value.low)} to ${short(value.high)}`;
  const judged = goal === null ? '' : `goal ${goalText(goal)}${isMet(goal, value.median)}`;
  return `${name.padEnd(width)}  ${short(value.median).padStart(9)} ${(unit ?? '').padEnd(13)} ${spread.padEnd(20)} ${judged}`.trimEnd();
}

function goalText(goal: NonNullable<Figure['goal']>): string {
  return 'atLeast' in goal ? `${goal.atLeast} at least` : `${goal.atMost} at most`;
}

function isMet(goal: NonNullable<Figure['goal']>, value: number): string {
  const met = 'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost;
  return met ? '' : ', missed';
}

function short(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2);
}
