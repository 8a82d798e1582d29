/** Checks what a route set promises its callers against every path of its rules. */
import type { Ends } from '../machine/call.ts';
import type { Path } from './path.ts';
import type { RuleProof } from './prove.ts';
import { durationWords } from './words.ts';

export interface Guarantee {
  name: string;
  /** Null: every rule and `otherwise`. */
  rules: string[] | null;
  waitMs: number | null;
  silenceMs: number | null;
  moves: number | null;
  neverEnds: Ends[];
  alwaysHears: boolean;
}

export type Clause = 'wait' | 'silence' | 'moves' | 'never_ends' | 'always_hears';

export interface Breach {
  rule: string;
  /** Null if nothing violates it but not every path was examined. */
  clause: Clause | null;
  why: string;
  path: Path | null;
}

/**
 * Every clause that a rule violates, with its worst path, the worst rule of each clause first; none
 * if the guarantee holds.
 */
export function breaches(guarantee: Guarantee, proofs: readonly RuleProof[]): Breach[] {
  const { rules } = guarantee;
  const meant = proofs.filter(({ rule }) => rules === null || rules.includes(rule));
  const found = [
    ...limited(guarantee.waitMs, meant, 'wait'),
    ...limited(guarantee.silenceMs, meant, 'silence'),
    ...limited(guarantee.moves, meant, 'moves'),
    ...guarantee.neverEnds.flatMap((ends) => ended(ends, meant)),
    ...(guarantee.alwaysHears ? unheard(meant) : []),
  ];
  if (found.length > 0) return found;
  return meant.flatMap(({ rule, unfinished }) =>
    unfinished === null ? [] : [{ rule, clause: null, why: unfinished, path: null }],
  );
}

function limited(
  most: number | null,
  proofs: readonly RuleProof[],
  clause: 'wait' | 'silence' | 'moves',
): Breach[] {
  if (most === null) return [];
  const measured = proofs.flatMap(({ rule, summary }) => {
    const path = summary[clause];
    return path === null ? [] : [{ rule, path, value: MEASURES[clause](path) }];
  });
  return measured
    .filter(({ value }) => value > most)
    .toSorted((a, b) => b.value - a.value)
    .map(({ rule, path, value }) => {
      const [got, limit] =
        clause === 'moves' ? [moveWords(value), moveWords(most)] : unlikeDurations(value, most);
      const why = `${WHAT[clause]} ${got}, more than ${limit}`;
      return { rule, clause, why, path };
    });
}

/** Exact where rounding would write both alike: "1 min 20 s, more than 1 min 20 s". */
function unlikeDurations(...ms: [number, number]): string[] {
  const [got, limit] = ms.map(durationWords);
  return got === limit ? ms.map((each) => `${each / 1_000} s`) : ms.map(durationWords);
}

function moveWords(count: number): string {
  return count === 1 ? '1 move' : `${count} moves`;
}

const MEASURES = {
  wait: ({ waitMs }: Path) => waitMs,
  silence: ({ silenceMs }: Path) => silenceMs,
  moves: ({ moves }: Path) => moves,
};

const WHAT = {
  wait: 'a caller may wait',
  silence: 'a caller may hear nothing for',
  moves: 'a caller may cost',
};

function ended(ends: Ends, proofs: readonly RuleProof[]): Breach[] {
  return proofs.flatMap(({ rule, summary }): Breach[] => {
    const path = summary.ends.get(ends)?.shown;
    if (path === undefined) return [];
    return [{ rule, clause: 'never_ends', why: `it may end ${ends}`, path }];
  });
}

function unheard(proofs: readonly RuleProof[]): Breach[] {
  const why = 'a caller may be let go without having heard a prompt';
  return proofs.flatMap(({ rule, summary: { unheard: path } }): Breach[] =>
    path === null ? [] : [{ rule, clause: 'always_hears', why, path }],
  );
}
