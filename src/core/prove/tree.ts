/** What the callers of a rule can meet: one line for each branch, or a Mermaid flowchart. */
import type { Ends } from '../machine/call.ts';
import type { RuleProof } from './prove.ts';
import type { End, Fork } from './search.ts';
import { branchWords } from './words.ts';

export interface TreeLine {
  depth: number;
  /** What happens, such as `busy, declined`; empty if nothing else can happen. */
  when: string;
  /** What is then done, such as `refer support-eu`. */
  steps: string[];
  /** How the call ends; null if more lines follow. */
  ends: Ends | null;
  /** It continues like a branch above. */
  again: boolean;
}

export function treeLines(proof: Pick<RuleProof, 'trees'>): TreeLine[] {
  const lines: TreeLine[] = [];
  for (const { who, root } of proof.trees) {
    const depth = who === null ? 0 : 1;
    if (who !== null) lines.push({ depth: 0, when: who, steps: [], ends: null, again: false });
    addLines(lines, root, depth, new Set());
  }
  return lines;
}

function addLines(lines: TreeLine[], fork: Fork, depth: number, seen: Set<Fork>): void {
  for (const { edge, to } of fork.branches) {
    const again = !isEnd(to) && seen.has(to);
    const ends = isEnd(to) ? to.ends : null;
    lines.push({ depth, when: branchWords(edge.names), steps: edge.steps, ends, again });
    if (isEnd(to) || again) continue;
    seen.add(to);
    addLines(lines, to, depth + 1, seen);
  }
}

function isEnd(to: Fork | End): to is End {
  return !('branches' in to);
}

/** Names of the steps that callers of a rule can meet, such as `refer support-us`. */
export function stepsIn(proof: Pick<RuleProof, 'trees'>): Set<string> {
  return new Set(treeLines(proof).flatMap(({ steps }) => steps));
}

export function mermaid(proofs: readonly RuleProof[]): string {
  const lines = ['flowchart TD'];
  const numbers = new Map<Fork | string, string>();
  const numberOf = (what: Fork | string): string => {
    const known = numbers.get(what);
    if (known !== undefined) return known;
    const number = `n${numbers.size}`;
    numbers.set(what, number);
    return number;
  };
  for (const proof of proofs) {
    const start = numberOf(`rule ${proof.rule}`);
    lines.push(`  ${start}([${label(proof.rule)}])`);
    for (const { who, root } of proof.trees) addFork(root, start, who);
  }
  return `${lines.join('\n')}\n`;

  function addFork(fork: Fork, from: string, who: string | null): void {
    for (const { edge, to } of fork.branches) {
      const known = numbers.has(isEnd(to) ? to.ends : to);
      const there = numberOf(isEnd(to) ? to.ends : to);
      if (!known) {
        lines.push(isEnd(to) ? `  ${there}((${label(to.ends)}))` : `  ${there}[${label(to.step)}]`);
      }
      const done = isEnd(to) ? edge.steps : edge.steps.slice(0, -1);
      const words = [who, branchWords(edge.names), done.join(', ')].filter(Boolean).join(': ');
      lines.push(
        words === '' ? `  ${from} --> ${there}` : `  ${from} -- ${label(words)} --> ${there}`,
      );
      if (!known && !isEnd(to)) addFork(to, there, null);
    }
  }
}

/** Quoted, with entities for the characters that Mermaid or HTML would interpret. */
function label(text: string): string {
  const safe = text.replace(/[#"<>&\n\r]/g, (character) => `#${character.codePointAt(0)};`);
  return `"${safe}"`;
}
