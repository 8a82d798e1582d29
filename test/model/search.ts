/**
 * Searches every order of possible actions, depth first, and visits each state once. A story that
 * breaks an invariant is shortened until every action in it is needed.
 */
import { canonical, hashOf } from './canonical.ts';
import { type Action, actionsOf, apply, firstState, type Setting, type State } from './world.ts';

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

/** Random stories instead of all stories: they see more of a large world in little time. */
export function walk(
  setting: Setting,
  faults: number,
  limits: Limits,
  chance: () => number,
): Report {
  const happened = new Map<string, number>();
  const first = firstState(setting, faults);
  let [states, depth] = [0, 0];
  while (states < limits.states && Date.now() < limits.until) {
    let state = first;
    const story: string[] = [];
    for (let n = 0; n < CONTINUATION_MAX; n += 1) {
      const action = weighted(actionsOf(state, setting), chance);
      if (action === null) break;
      story.push(action.name);
      const step = apply(state, action, setting);
      states += 1;
      for (const name of step.happened) happened.set(name, (happened.get(name) ?? 0) + 1);
      state = step.state;
      const violation = step.violations[0] ?? null;
      if (violation === null) continue;
      const found = shorten({ violation, story }, setting, faults);
      return { states, depth, exhausted: false, found, happened };
    }
    depth = Math.max(depth, story.length);
    const violation = neverEnds(state, setting);
    if (violation === null) continue;
    const found = shorten({ violation, story }, setting, faults);
    return { states, depth, exhausted: false, found, happened };
  }
  return { states, depth, exhausted: false, found: null, happened };
}

function weighted(actions: Action[], chance: () => number): Action | null {
  let left = chance() * actions.reduce((sum, { weight = 1 }) => sum + weight, 0);
  for (const action of actions) {
    left -= action.weight ?? 1;
    if (left <= 0) return action;
  }
  return actions.at(-1) ?? null;
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
  const actions = actionsOf({ ...state, faults: 0, manualLeft: false, actLeft: false }, setting);
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
