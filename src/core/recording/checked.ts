/** Reads values of which nothing is known yet, and says where one of them is not what it must be. */

export class BadRecording extends Error {
  /** Where in the object, such as `events[3].outcome`; empty: the object itself. */
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
export type Check = (value: unknown, path: string) => unknown;

export function fieldsAt(value: unknown, path: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new BadRecording(path, `an object is expected, not ${inWords(value)}`);
  }
  return value as Fields;
}

export function listAt(value: unknown, path: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new BadRecording(path, `a list is expected, not ${inWords(value)}`);
}

export function textAt(value: unknown, path: string): string {
  if (typeof value === 'string') return value;
  throw new BadRecording(path, `a text is expected, not ${inWords(value)}`);
}

export function numberAt(value: unknown, path: string): number {
  if (typeof value === 'number') return value;
  throw new BadRecording(path, `a number is expected, not ${inWords(value)}`);
}

export function flagAt(value: unknown, path: string): boolean {
  if (typeof value === 'boolean') return value;
  throw new BadRecording(path, `true or false is expected, not ${inWords(value)}`);
}

export function oneOf<const Words extends readonly string[]>(words: Words) {
  return (value: unknown, path: string): Words[number] => {
    const text = textAt(value, path);
    if (words.includes(text)) return text;
    throw new BadRecording(path, `expected one of ${words.join(', ')}, got ${inWords(value)}`);
  };
}

export function nullOr<T>(check: (value: unknown, path: string) => T) {
  return (value: unknown, path: string): T | null => (value === null ? null : check(value, path));
}

export function listOf<T>(check: (value: unknown, path: string) => T) {
  return (value: unknown, path: string): T[] =>
    listAt(value, path).map((each, n) => check(each, `${path}[${n}]`));
}

export function mapOf(check: Check): Check {
  return (value, path) =>
    Object.fromEntries(
      Object.entries(fieldsAt(value, path)).map(([name, each]) => [
        name,
        check(each, `${path}.${name}`),
      ]),
    );
}

/** Every name of `value` must stand in `checks`; those of `needed` must be there. */
export function shapeAt(
  value: unknown,
  path: string,
  checks: Record<string, Check>,
  needed: readonly string[],
): Fields {
  const fields = fieldsAt(value, path);
  const missing = needed.find((name) => fields[name] === undefined);
  if (missing !== undefined) throw new BadRecording(path, `"${missing}" is missing`);
  const checked: Fields = {};
  for (const [name, each] of Object.entries(fields)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (check === undefined) throw new BadRecording(path, `"${name}" is not known here`);
    checked[name] = check(each, path === '' ? name : `${path}.${name}`);
  }
  return checked;
}

function inWords(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
