/**
 * A state as text that does not depend on names and dates: ids are numbered in order of appearance,
 * times are relative to now, and everything that the machine does not look at is left out. Two
 * states with the same text have the same future.
 */
import type { State } from './world.ts';

/** Fields that the machine does not look at, or only passes on. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  'now',
  'emitted',
  'createdAt',
  'startedAt',
  'setAt',
  'n',
  'deadlineCount',
  'reason',
  'detail',
  'facts',
  'receivedAt',
  'deliveryAttempt',
  'lastResort',
  'policy',
  'rule',
  'routeSet',
  'connectionId',
  'sipAddress',
  'source',
  'targetClientState',
  'text',
  'voice',
]);
/** Older times are all treated as this old, because every limit that looks back is shorter. */
const LONG_AGO_MS = -70_000;

export function canonical(state: State, alone: boolean): string {
  const names = new Map<string, string>();
  return write(state, '');

  function write(value: unknown, key: string): string {
    switch (typeof value) {
      case 'string':
        if (STATE.test(value)) return `~${nameOf(attemptIn(value))}`;
        return ID.test(value) ? nameOf(value) : EVENT.test(value) ? '' : value;
      case 'number':
        return isTime(key) ? String(Math.max(LONG_AGO_MS, value - state.now)) : String(value);
      case 'object': {
        if (value === null) return '-';
        if (Array.isArray(value)) {
          let text = '[';
          for (const each of value) text += `${write(each, key)},`;
          return `${text}]`;
        }
        if ('do' in value) return stepName(value);
        let text = '{';
        for (const name in value) {
          const each = (value as Record<string, unknown>)[name];
          if (
            each === null ||
            each === false ||
            LEFT_OUT.has(name) ||
            (key === 'call' && name === 'heardAt' && !alone)
          )
            continue;
          if (key === 'attempts' && name === 'endedAt') continue;
          text += `${name}:${write(each, name)},`;
        }
        return `${text}}`;
      }
      case 'boolean':
        return value ? 'y' : 'n';
      default:
        return '-';
    }
  }

  function nameOf(id: string): string {
    let name = names.get(id);
    if (name === undefined) {
      name = `#${names.size}`;
      names.set(id, name);
    }
    return name;
  }
}

/** Steps are never modified, so each can be identified by object identity. */
function stepName(step: object): string {
  let name = steps.get(step);
  if (name === undefined) {
    name = `step ${steps.size}`;
    steps.set(step, name);
  }
  return name;
}
const steps = new Map<object, string>();

function isTime(key: string): boolean {
  return key.endsWith('At') || key.endsWith('Until') || key === 'at';
}

/** The envelope is base64 of JSON. It is decoded only once, because every event has it. */
function attemptIn(clientState: string): string {
  let id = attempts.get(clientState);
  if (id === undefined) {
    id = String(JSON.parse(Buffer.from(clientState, 'base64').toString()).a);
    if (attempts.size > 10_000) attempts.clear();
    attempts.set(clientState, id);
  }
  return id;
}
const attempts = new Map<string, string>();

const ID = /^(b:|outcome:)?[0-9a-f]{8}-/;
const STATE = /^eyJ2/;
const EVENT = /^event-/;

/**
 * 53 bits of two 32-bit FNV-1a hashes: of a million states two share one with a chance of 1 in
 * 18,000.
 */
export function hashOf(text: string): number {
  let a = 0x811c9dc5;
  let b = 0x050c5d1f;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x0100019d);
  }
  return (a >>> 0) * 0x20_0000 + ((b >>> 0) & 0x1f_ffff);
}
