/**
 * Searches every order of possible actions, depth first, and visits each state once. A story that
 * breaks an invariant is shortened until every action in it is needed.
 */
import { canonical, hashOf } from './canonical.ts';
import { cellOf } from './cell.ts';
import { oneOf } from './chance.ts';
import {
  type Action,
  actionsOf,
  actionsOfKind,
  apply,
  firstState,
  type Kind,
  type Setting,
  type State,
} from './world.ts';

export interface Found {
  violation: string;
  /** The names of the actions, from the first state. */
  story: string[];
}

export interface Report {
  states: number;
  /** Length of the longest story. */
  depth: number;
  /** True if every state within the number of faults was visited. */
  exhausted: boolean;
  found: Found | null;
  /** How often each situation occurred. */
  happened: Map<string, number>;
}

export interface Limits {
  states: number;
  /** Wall clock, milliseconds since the epoch. */
  until: number;
}

interface Frame {
  state: State;
  actions: Action[];
  next: number;
}

/** A state from which stories go on, and how it was reached. */
interface Cell {
  state: State;
  story: Told | null;
  visits: number;
}

interface Told {
  action: Action;
  before: Told | null;
}

/** How far a story goes from its cell. */
const STRETCH = 8;
/** Of so many cells, drawn by lot, the one that was visited least is taken. */
const DRAWN = 8;
/**
 * After one of so many states everything is forgotten: with many cells, few stories are told near
 * the beginning, and faults that need nothing rare would be found late.
 */
const ROUNDS = [1_000, 2_000, 4_000];
/** Every so many stretches, on average, the call is followed to its end. */
const FOLLOWED_EVERY = 40;

/**
 * Random stories that go on from where few have been, instead of from the beginning: it comes to
 * rare states, such as the third fault in the second attempt, with a small part of the effort.
 */
export function explore(
  setting: Setting,
  faults: number,
  limits: Limits,
  chance: () => number,
): Report {
  const happened = new Map<string, number>();
  const start = { state: firstState(setting, faults), story: null, visits: 0 };
  const beginnings = [start, movedOn(start, setting)];
  let cells = [...beginnings];
  const known = new Set<string>();
  let [states, depth, roundEnds] = [0, 0, oneOf(ROUNDS, chance)];
  while (states < limits.states && Date.now() < limits.until) {
    if (states >= roundEnds) {
      cells = [...beginnings];
      known.clear();
      roundEnds = states + oneOf(ROUNDS, chance);
    }
    const from = leastVisited(cells, chance);
    from.visits += 1;
    let { state, story } = from;
    const manner = mannerOf(chance);
    for (let n = 0; n < STRETCH; n += 1) {
      const action = drawn(state, setting, manner, chance);
      if (action === null) break;
      story = { action, before: story };
      const step = apply(state, action, setting);
      states += 1;
      for (const name of step.happened) happened.set(name, (happened.get(name) ?? 0) + 1);
      state = step.state;
      const violation = step.violations[0];
      if (violation !== undefined) return broken(violation, story);
      if (state.call?.phase === 'ended') continue;
      const cell = cellOf(state);
      if (known.has(cell)) continue;
      known.add(cell);
      cells.push({ state, story, visits: 0 });
    }
    if (chance() * FOLLOWED_EVERY > 1) continue;
    const violation = neverEnds(state, setting, () => {
      states += 1;
      return false;
    });
    if (violation !== null) return broken(violation, story);
  }
  return { states, depth, exhausted: false, found: null, happened };

  function broken(violation: string, last: Told | null): Report {
    const found = shorten({ violation, story: namesOf(last) }, setting, faults);
    depth = found.story.length;
    return { states, depth, exhausted: false, found, happened };
  }
}

/** As usual until the first move is about to be sent. */
function movedOn(from: Cell, setting: Setting): Cell {
  let { state, story } = from;
  for (let n = 0; n < CONTINUATION_MAX; n += 1) {
    if (
      state.outbox.some(
        ({ command }) => command.action === 'refer' || command.action === 'transfer',
      )
    )
      break;
    const action = actionsOf(state, setting)[0];
    if (action === undefined) return from;
    story = { action, before: story };
    state = apply(state, action, setting).state;
  }
  return { state, story, visits: 0 };
}

function leastVisited(cells: Cell[], chance: () => number): Cell {
  let least: Cell | undefined;
  for (let n = 0; n < DRAWN; n += 1) {
    const cell = cells[Math.floor(chance() * cells.length)];
    if (cell !== undefined && (least === undefined || cell.visits < least.visits)) least = cell;
  }
  if (least === undefined) throw new Error('there is always a first cell');
  return least;
}

function namesOf(last: Told | null): string[] {
  const names: string[] = [];
  for (let told = last; told !== null; told = told.before) names.unshift(told.action.name);
  return names;
}

/** How a story chooses: how often something happens that is not the usual next thing. */
type Manner = Record<Exclude<Kind, 'everyday'>, number> & {
  /** How often, of the things that happen by themselves, it need not be the first. */
  order: number;
};

const SHARES = [0.05, 0.2, 0.4];
const ORDERS = [0, 0.1, 0.5, 1];

function mannerOf(chance: () => number): Manner {
  return {
    fault: oneOf(SHARES, chance),
    'far end': oneOf(SHARES, chance),
    operator: oneOf(SHARES, chance),
    caller: 0.003,
    order: oneOf(ORDERS, chance),
  };
}

function drawn(
  state: State,
  setting: Setting,
  manner: Manner,
  chance: () => number,
): Action | null {
  let left = chance();
  for (const kind of ['fault', 'far end', 'operator', 'caller'] as const) {
    left -= manner[kind];
    if (left > 0) continue;
    const actions = actionsOfKind(state, setting, kind);
    if (actions.length > 0) return oneOf(actions, chance);
    break;
  }
  const usual = actionsOfKind(state, setting, 'everyday');
  if (usual.length === 0) {
    const others = actionsOf(state, setting);
    return others.length === 0 ? null : oneOf(others, chance);
  }
  return chance() < manner.order ? oneOf(usual, chance) : (usual[0] ?? null);
}

/** From every state, the usual continuation must end the call within this many actions. */
const CONTINUATION_MAX = 400;

export function search(setting: Setting, faults: number, limits: Limits): Report {
  const { alone } = setting.unknowns;
  const visited = new Set<number>();
  const ending = new Set<number>();
  const happened = new Map<string, number>();
  const first = firstState(setting, faults);
  const frames: Frame[] = [frameOf(first)];
  let depth = 0;
  const report = (found: Found | null, exhausted: boolean): Report => ({
    states: visited.size,
    depth,
    exhausted,
    found,
    happened,
  });

  for (;;) {
    const frame = frames.at(-1);
    if (frame === undefined) return report(null, true);
    const action = frame.actions[frame.next];
    if (action === undefined) {
      frames.pop();
      continue;
    }
    frame.next += 1;
    const step = apply(frame.state, action, setting);
    for (const name of step.happened) happened.set(name, (happened.get(name) ?? 0) + 1);
    const violation = step.violations[0];
    if (violation !== undefined)
      return report(shortened({ violation, story: storyOf(frames) }), false);
    const hash = hashOf(canonical(step.state, alone));
    if (visited.has(hash)) continue;
    visited.add(hash);
    const stuck = stuckAt(step.state);
    if (stuck !== null)
      return report(shortened({ violation: stuck, story: storyOf(frames) }), false);
    depth = Math.max(depth, frames.length);
    frames.push(frameOf(step.state));
    if (visited.size >= limits.states) return report(null, false);
    if (visited.size % 256 === 0 && Date.now() > limits.until) return report(null, false);
  }

  /** Follows a state only until one from which the call is known to end. */
  function stuckAt(state: State): string | null {
    const passed: number[] = [];
    const stuck = neverEnds(state, setting, (each) => {
      const hash = hashOf(canonical(each, alone));
      passed.push(hash);
      return ending.has(hash);
    });
    if (stuck === null) for (const hash of passed) ending.add(hash);
    return stuck;
  }

  function frameOf(state: State): Frame {
    return { state, actions: actionsOf(state, setting), next: 0 };
  }

  function shortened(found: Found): Found {
    return shorten(found, setting, faults);
  }
}

function continuation(state: State, setting: Setting): Action | null {
  const actions = actionsOf(
    { ...state, faults: 0, manualsLeft: 0, keysLeft: 0, actLeft: false },
    setting,
  );
  const talking = state.call?.phase === 'bridged' || state.call?.phase === 'unmanaged';
  const idle = actions[0] === undefined || actions[0].name === 'time passes';
  if (talking && idle)
    return actions.find(({ name }) => name === 'the caller leaves') ?? actions[0] ?? null;
  return actions[0] ?? null;
}

function storyOf(frames: Frame[]): string[] {
  return frames.map(({ actions, next }) => actions[next - 1]?.name ?? '');
}

/**
 * Removes unneeded pieces of the story, ever smaller ones, until no single action can be removed.
 */
export function shorten({ violation, story }: Found, setting: Setting, faults: number): Found {
  let shortest = story;
  for (
    let piece = Math.ceil(story.length / 2);
    piece >= 1;
    piece = piece === 1 ? 0 : Math.ceil(piece / 2)
  ) {
    for (let at = 0; at < shortest.length; ) {
      const shorter = [...shortest.slice(0, at), ...shortest.slice(at + piece)];
      if (replay(shorter, setting, faults).violation === violation) shortest = shorter;
      else at += piece;
    }
  }
  return { violation, story: shortest };
}

/** Plays a story by the names of its actions, and skips those that are not possible. */
export function replay(story: string[], setting: Setting, faults: number) {
  let state = firstState(setting, faults);
  const told: string[] = [];
  for (const name of story) {
    const action = actionsOf(state, setting).find((each) => each.name === name);
    if (action === undefined) continue;
    const step = apply(state, action, setting);
    told.push(
      `${((step.state.now - 1_000_000) / 1000).toFixed(1)} s  ${name}  (${step.state.call?.phase ?? '-'})`,
    );
    state = step.state;
    if (step.violations[0] !== undefined) return { violation: step.violations[0], told, state };
  }
  return { violation: neverEnds(state, setting), told, state };
}

/**
 * Follows the usual continuation: due events happen in order, the far end stays silent, and
 * connected callers hang up. Null if the call ends.
 */
function neverEnds(
  from: State,
  setting: Setting,
  knownToEnd: (state: State) => boolean = () => false,
): string | null {
  let state = from;
  for (let n = 0; n < CONTINUATION_MAX; n += 1) {
    if (knownToEnd(state) || state.call?.phase === 'ended') return null;
    const action = continuation(state, setting);
    if (action === null)
      return `nothing brings the call on, it is ${state.call?.phase ?? 'unknown'}`;
    const step = apply(state, action, setting);
    if (step.violations.length > 0) return null;
    state = step.state;
  }
  return `the call does not end, it is ${state.call?.phase}`;
}
