/**
 * Checks values of unknown shape, and says where one of them is wrong. A replay checks every field
 * of every call, so nothing is copied, and a path is built only if something is wrong: each check
 * then adds the name of its own field.
 */

export class BadRecording extends Error {
  /** Where the problem is, such as `events[3].outcome`; empty: the value itself. */
  readonly path: string;
  readonly problem: string;

  constructor(path: string, problem: string) {
    super(path === '' ? problem : `${path}: ${problem}`);
    this.name = 'BadRecording';
    this.path = path;
    this.problem = problem;
  }
}

export type Fields = Record<string, unknown>;
/** Throws BadRecording with a path that begins at the value. */
export type Check = (value: unknown) => void;

export function isFields(value: unknown): asserts value is Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new BadRecording('', `an object is expected, not ${inWords(value)}`);
  }
}

export function isList(value: unknown): asserts value is unknown[] {
  if (!Array.isArray(value)) {
    throw new BadRecording('', `a list is expected, not ${inWords(value)}`);
  }
}

export function isText(value: unknown): asserts value is string {
  if (typeof value !== 'string') {
    throw new BadRecording('', `a text is expected, not ${inWords(value)}`);
  }
}

export function isNumber(value: unknown): asserts value is number {
  if (typeof value !== 'number') {
    throw new BadRecording('', `a number is expected, not ${inWords(value)}`);
  }
}

export function isFlag(value: unknown): asserts value is boolean {
  if (typeof value !== 'boolean') {
    throw new BadRecording('', `true or false is expected, not ${inWords(value)}`);
  }
}

export function oneOf(words: readonly string[]): Check {
  const known = new Set<unknown>(words);
  return (value) => {
    if (known.has(value)) return;
    isText(value);
    throw new BadRecording('', `expected one of ${words.join(', ')}, got ${inWords(value)}`);
  };
}

export function nullOr(check: Check): Check {
  return (value) => {
    if (value !== null) check(value);
  };
}

export function listOf(check: Check): Check {
  return (value) => {
    isList(value);
    for (let n = 0; n < value.length; n += 1) checkAt(n, check, value[n]);
  };
}

export function mapOf(check: Check): Check {
  return (value) => {
    isFields(value);
    for (const name in value) checkAt(name, check, value[name]);
  };
}

/** Every field of the value must be in `checks`, and all of `needed` must be present. */
export function shapeOf(checks: Record<string, Check>, needed: readonly string[]): Check {
  const known = new Map(Object.entries(checks));
  return (value) => {
    isFields(value);
    for (const name of needed) {
      if (value[name] === undefined) throw new BadRecording('', `"${name}" is missing`);
    }
    for (const name in value) {
      const check = known.get(name);
      if (check === undefined) throw new BadRecording('', `"${name}" is not known here`);
      checkAt(name, check, value[name]);
    }
  };
}

/** `place`: a field name, or the index in a list. */
export function checkAt(place: string | number, check: Check, value: unknown): void {
  try {
    check(value);
  } catch (error) {
    if (!(error instanceof BadRecording)) throw error;
    const { path, problem } = error;
    const joint = path === '' || path.startsWith('[') ? '' : '.';
    const head = typeof place === 'number' ? `[${place}]` : place;
    throw new BadRecording(`${head}${joint}${path}`, problem);
  }
}

function inWords(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
