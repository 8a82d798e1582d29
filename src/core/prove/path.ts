/**
 * Everything that can happen to a call, counted and compared: the worst outcomes after a moment.
 */
import type { Ends, Verdict } from '../machine/call.ts';
import type { ChoiceName } from './choices.ts';

/** From one choice to the next, or to the end of the call. */
export interface Edge {
  /** All choices that are followed by the same. */
  names: ChoiceName[];
  steps: string[];
  /** Verdicts of the attempts that ended on the way. */
  verdicts: Verdict[];
  /** The keys pressed in a menu; null if there was none. */
  pressed: string | null;
  elapsedMs: number;
  silenceMs: number;
  refers: number;
  transfers: number;
}

/** A way to the end of the call, measured from where it begins. */
export interface Path {
  waitMs: number;
  silenceMs: number;
  moves: number;
  ends: Ends;
  unheard: boolean;
  rest: { edge: Edge; path: Path } | null;
}

export interface Summary {
  paths: number;
  /** How many paths end in each way, and one example of each. */
  ends: Map<Ends, { paths: number; shown: Path }>;
  wait: Path | null;
  silence: Path | null;
  moves: Path | null;
  /** A caller is released without having heard any prompt. */
  unheard: Path | null;
  /** The maximum of each kind of attempt separately. */
  refers: number;
  transfers: number;
  /** The longest time until the last attempt ends; 0 if there is no attempt. */
  movingMs: number;
}

export function emptySummary(): Summary {
  return {
    paths: 0,
    ends: new Map(),
    wait: null,
    silence: null,
    moves: null,
    unheard: null,
    refers: 0,
    transfers: 0,
    movingMs: 0,
  };
}

/** The end of a call: one path, of no length. */
export function endSummary(path: Path): Summary {
  return {
    ...emptySummary(),
    paths: 1,
    ends: new Map([[path.ends, { paths: 1, shown: path }]]),
    wait: path,
    silence: path,
    moves: path,
    unheard: path.unheard ? path : null,
  };
}

/** Adds what follows `edge` to what may happen. `moving`: the edge is an attempt. */
export function include(all: Summary, edge: Edge | null, next: Summary, moving: boolean): void {
  const from = (path: Path | null) => (path === null || edge === null ? path : extend(edge, path));
  all.paths += next.paths;
  for (const [ends, { paths, shown }] of next.ends) {
    const known = all.ends.get(ends);
    if (known !== undefined) known.paths += paths;
    else all.ends.set(ends, { paths, shown: from(shown) ?? shown });
  }
  all.wait = worse(all.wait, from(next.wait), ({ waitMs }) => waitMs);
  all.silence = worse(all.silence, from(next.silence), ({ silenceMs }) => silenceMs);
  all.moves = worse(all.moves, from(next.moves), ({ moves }) => moves);
  all.unheard ??= from(next.unheard);
  all.refers = Math.max(all.refers, next.refers + (edge?.refers ?? 0));
  all.transfers = Math.max(all.transfers, next.transfers + (edge?.transfers ?? 0));
  if (moving || next.movingMs > 0) {
    all.movingMs = Math.max(all.movingMs, next.movingMs + (edge?.elapsedMs ?? 0));
  }
}

/**
 * Of two equally bad paths the first stays, so an answer of a target is shown rather than the
 * caller hanging up.
 */
function worse(known: Path | null, other: Path | null, by: (path: Path) => number): Path | null {
  if (known === null || other === null) return known ?? other;
  return by(other) > by(known) ? other : known;
}

function extend(edge: Edge, path: Path): Path {
  return {
    waitMs: path.waitMs + edge.elapsedMs,
    silenceMs: Math.max(path.silenceMs, edge.silenceMs),
    moves: path.moves + edge.refers + edge.transfers,
    ends: path.ends,
    unheard: path.unheard,
    rest: { edge, path },
  };
}

/**
 * A path in the form in which it is shown and scripted: its steps, the verdicts of its attempts,
 * the keys pressed.
 */
export interface Told {
  path: string[];
  verdicts: Verdict[];
  digits: string[];
  waitMs: number;
  silenceMs: number;
  moves: number;
  ends: Ends;
}

export function tell(path: Path): Told {
  const steps: string[] = [];
  const verdicts: Verdict[] = [];
  const digits: string[] = [];
  for (let { rest } = path; rest !== null; rest = rest.path.rest) {
    const { edge } = rest;
    steps.push(...edge.steps);
    verdicts.push(...edge.verdicts);
    if (edge.pressed !== null) digits.push(edge.pressed);
  }
  // A menu that nobody answers needs no script, unless a later menu does.
  while (digits.at(-1) === '') digits.pop();
  const { waitMs, silenceMs, moves, ends } = path;
  return { path: steps, verdicts, digits, waitMs, silenceMs, moves, ends };
}
