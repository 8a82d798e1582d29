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

/** Every clause that is violated, each with its worst path; none if the guarantee holds. */
export function breaches(guarantee: Guarantee, proofs: readonly RuleProof[]): Breach[] {
  const { rules } = guarantee;
  const meant = proofs.filter(({ rule }) => rules === null || rules.includes(rule));
  const found = [
    limited(guarantee.waitMs, meant, 'wait'),
    limited(guarantee.silenceMs, meant, 'silence'),
    limited(guarantee.moves, meant, 'moves'),
    ...guarantee.neverEnds.map((ends) => ended(ends, meant)),
    guarantee.alwaysHears ? unheard(meant) : null,
  ].filter((breach) => breach !== null);
  if (found.length > 0) return found;
  return meant.flatMap(({ rule, unfinished }) =>
    unfinished === null ? [] : [{ rule, clause: null, why: unfinished, path: null }],
  );
}

function limited(
  most: number | null,
  proofs: readonly RuleProof[],
  clause: 'wait' | 'silence' | 'moves',
): Breach | null {
  if (most === null) return null;
  const measured = proofs.flatMap(({ rule, summary }) => {
    const path = summary[clause];
    return path === null ? [] : [{ rule, path, value: MEASURES[clause](path) }];
  });
  const worst = measured.reduce<(typeof measured)[number] | null>(
    (known, each) => (known === null || each.value > known.value ? each : known),
    null,
  );
  if (worst === null || worst.value <= most) return null;
  const words = clause === 'moves' ? moveWords : durationWords;
  const why = `${WHAT[clause]} ${words(worst.value)}, more than ${words(most)}`;
  return { rule: worst.rule, clause, why, path: worst.path };
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

function ended(ends: Ends, proofs: readonly RuleProof[]): Breach | null {
  for (const { rule, summary } of proofs) {
    const path = summary.ends.get(ends)?.shown;
    if (path !== undefined) return { rule, clause: 'never_ends', why: `it may end ${ends}`, path };
  }
  return null;
}

function unheard(proofs: readonly RuleProof[]): Breach | null {
  for (const { rule, summary } of proofs) {
    const path = summary.unheard;
    const why = 'a caller may be let go without having heard a prompt';
    if (path !== null) return { rule, clause: 'always_hears', why, path };
  }
  return null;
}
