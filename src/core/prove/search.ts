/**
 * Every way a call can continue from one moment. Moments that continue alike are played once. Each
 * moment is finished after everything that follows it, so its worst outcomes are known when it is
 * reached again.
 */
import type { Ends, Verdict } from '../machine/call.ts';
import type { Command } from '../machine/command.ts';
import { alike } from './attempt-choices.ts';
import { type Choice, type ChoiceName, type Choosing, choicesAt, settle } from './choices.ts';
import { Keys, mayReport } from './key.ts';
import { type Edge, emptySummary, endSummary, include, type Summary } from './path.ts';
import { movesOf, type Scene } from './scene.ts';

/** A moment at which several things may happen. */
export interface Fork {
  /** The step that the choice is about: `answer`, `refer support-us`, `menu`. */
  step: string;
  branches: { edge: Edge; to: Fork | End }[];
  summary: Summary;
}

export interface End {
  ends: Ends;
  summary: Summary;
}

interface Moment {
  at: Scene;
  asks: Command | null;
  /** Equal for moments that continue alike; see `key.ts`. */
  future: string;
  key: string;
}

interface Open {
  key: string;
  fork: Fork;
  moving: boolean;
  left: { edge: Edge; to: Moment }[];
  /** The branch that is being searched. */
  under: Edge | null;
}

export class Search {
  readonly #how: Choosing;
  readonly #pathsMax: number;
  readonly #keys = new Keys();
  readonly #known = new Map<string, Fork>();
  readonly #open: Open[] = [];
  #paths = 0;
  #complete = true;
  readonly root: Fork;
  /** The longest time from the beginning of an attempt to the end of the last one after it. */
  movingMs = 0;
  /** A caller is moved while a silent attempt may still report, so durations matter. */
  overlaps = false;

  /** After `pathsMax` paths it stops unfinished, and reports that. */
  constructor(start: Scene, how: Choosing, pathsMax: number) {
    this.#how = how;
    this.#pathsMax = pathsMax;
    this.root = { step: '', branches: [], summary: emptySummary() };
    const first = this.#moment(start);
    // A rule on a later event begins with its first attempt, which counts like any other.
    const before = { ...start, call: { ...start.call, attempts: [] } };
    const edge = this.#edge(before, first, { kind: 'answered' }, null);
    const left = [{ edge: { ...edge, names: [] }, to: fresh(first) }];
    this.#open.push({ key: '', fork: this.root, moving: false, left, under: null });
  }

  get complete(): boolean {
    return this.#complete;
  }

  /** True when nothing is left to do; `forksMax` limits what one call does. */
  advance(forksMax: number): boolean {
    for (let done = 0; done < forksMax; done += 1) {
      const open = this.#open.at(-1);
      if (open === undefined) return true;
      const next = this.#complete ? open.left.shift() : undefined;
      if (next === undefined) this.#close(open);
      else this.#follow(open, next.edge, next.to);
    }
    return this.#open.length === 0;
  }

  #follow(open: Open, edge: Edge, to: Moment): void {
    if (to.at.call.phase === 'ended') {
      this.#join(open, edge, endOf(to.at));
      return;
    }
    const { key } = to;
    const known = this.#known.get(key);
    if (known !== undefined) {
      this.#join(open, edge, known);
      return;
    }
    const action = to.asks?.action ?? null;
    const step = edge.steps.at(-1) ?? action ?? 'ringing';
    const fork: Fork = { step, branches: [], summary: emptySummary() };
    open.under = edge;
    const moving = action === 'refer' || action === 'transfer';
    if (moving) this.overlaps ||= mayReport(to.at.call, to.at.now).some((each) => !each.progress);
    this.#open.push({ key, fork, moving, left: this.#branches(to), under: null });
  }

  #join(open: Open, edge: Edge, to: Fork | End): void {
    const left = this.#pathsMax - this.#paths;
    if (to.summary.paths > left) this.#complete = false;
    if (left === 0) return;
    this.#paths += Math.min(to.summary.paths, left);
    this.#add(open, edge, to, left);
  }

  #add(open: Open, edge: Edge, to: Fork | End, pathsMax = this.#pathsMax): void {
    open.fork.branches.push({ edge, to });
    include(open.fork.summary, edge, countOf(to, pathsMax), open.moving);
  }

  #close(open: Open): void {
    this.#open.pop();
    if (open.moving) this.movingMs = Math.max(this.movingMs, open.fork.summary.movingMs);
    this.#known.set(open.key, open.fork);
    const above = this.#open.at(-1);
    if (above === undefined || above.under === null) return;
    this.#add(above, above.under, open.fork);
    above.under = null;
  }

  #moment(scene: Scene): Moment {
    const { at, asks } = settle(scene, this.#how);
    const future = this.#keys.future(at, asks);
    const time = this.#how.timed ? this.#keys.time(at) : '';
    return { at, asks, future, key: `${future}#${this.#keys.measure(at)}#${time}` };
  }

  /**
   * What may happen; choices that are followed by the same share one branch, represented by the
   * longest.
   */
  #branches({ at, asks }: Pick<Moment, 'at' | 'asks'>): { edge: Edge; to: Moment }[] {
    const groups = new Map<string, { edge: Edge; to: Moment }>();
    for (const choice of choicesAt(at, asks, this.#how)) {
      const to = this.#moment(choice.after);
      const edge = this.#edge(at, to, choice.name, asks);
      const key = this.#sameness(edge, to);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { edge: named(edge, at, choice), to: fresh(to) });
      else {
        const names = [...group.edge.names, ...named(edge, at, choice).names];
        const longer = edge.elapsedMs > group.edge.elapsedMs;
        group.edge = { ...(longer ? edge : group.edge), names };
        if (longer) group.to = fresh(to);
      }
    }
    return [...groups.values()];
  }

  #sameness(edge: Edge, to: Moment): string {
    const { steps, elapsedMs, silenceMs, refers, transfers } = edge;
    if (!this.#how.timed) return `${steps.join('|')}#${to.future}`;
    return `${steps.join('|')}#${[elapsedMs, silenceMs, refers, transfers].join('|')}#${to.key}`;
  }

  #edge(from: Scene, to: Pick<Moment, 'at'>, name: ChoiceName, asks: Command | null): Edge {
    const { call, steps, silenceMs, now } = to.at;
    const ended = call.attempts.find(({ id }) => id === asks?.id);
    const verdict = name.kind === 'verdict' ? name.verdict : (ended?.verdict ?? null);
    const refused = call.attempts.slice(from.call.attempts.length).filter(({ unsent }) => unsent);
    const verdicts: Verdict[] = verdict === null ? [] : [verdict];
    const counted = (kind: 'refer' | 'transfer') => movesOf(call, kind) - movesOf(from.call, kind);
    return {
      names: [name],
      steps,
      verdicts: [...verdicts, ...refused.map(() => 'rejected' as const)],
      pressed: name.kind === 'key' ? (name.digits ?? '') : null,
      elapsedMs: now - from.now,
      silenceMs,
      refers: counted('refer'),
      transfers: counted('transfer'),
    };
  }
}

/** The worst of everything that follows, but at most `pathsMax` paths of it are counted. */
function countOf(to: Fork | End, pathsMax: number): Summary {
  if (!('branches' in to) || to.summary.paths <= pathsMax) return to.summary;
  const summary: Summary = { ...to.summary, paths: 0, ends: new Map() };
  for (const branch of to.branches) {
    if (summary.paths === pathsMax) break;
    const { paths, ends } = countOf(branch.to, pathsMax - summary.paths);
    summary.paths += paths;
    for (const [end, each] of ends) {
      const shown = to.summary.ends.get(end)?.shown ?? each.shown;
      summary.ends.set(end, { paths: each.paths + (summary.ends.get(end)?.paths ?? 0), shown });
    }
  }
  return summary;
}

/** Adds the verdicts that need not be played because they lead to the same branch. */
function named(edge: Edge, from: Scene, { name }: Choice): Edge {
  if (name.kind !== 'verdict' || name.ringing) return edge;
  const names = alike(from, name.verdict).map((verdict) => ({ ...name, verdict }));
  return { ...edge, names };
}

/** Starts counting steps and silence from here. */
function fresh(moment: Moment): Moment {
  return { ...moment, at: { ...moment.at, steps: [], silenceMs: 0 } };
}

function endOf(scene: Scene): End {
  const { call, now, promptAt, overAt, unheard } = scene;
  const ends = call.ends ?? 'abandoned';
  const waitMs = (promptAt ?? overAt ?? now) - now;
  const path = { waitMs, silenceMs: 0, moves: 0, ends, unheard, rest: null };
  return { ends, summary: endSummary(path) };
}
