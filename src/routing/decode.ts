/**
 * Walks the nodes of a document by the schema, and returns a valid value or problems with their
 * positions. An invalid part is left out, and its owner too if it was required, so that everything
 * else is still checked.
 */
import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import {
  describe,
  emptyListHint,
  example,
  expected,
  itemName,
  mapHint,
  meantHint,
  missingHint,
  shown,
  wordHint,
} from './decode-words.ts';
import { languageHint } from './languages.ts';
import { inAscii, lookAlike } from './look-alikes.ts';
import { didYouMean, nearest, type Place, type Problems } from './problem.ts';
import { matches, resolved, type SchemaNode } from './schema/node.ts';
import type { Source } from './source.ts';

/** Where decoded objects and lists, and their members, stand in the file. */
export interface Positions {
  /** The object or list itself, or its member. */
  at(owner: object, key?: string | number): Place;
  /** The key of a member. */
  atKey(owner: object, key: string): Place;
  /** Line on which an object or list ends. */
  endLine(owner: object): number;
}

export interface Decoded {
  /** Undefined where nothing could be used. */
  value: unknown;
  positions: Positions;
}

export function decode(
  source: Source,
  schema: SchemaNode,
  problems: Problems,
  name = 'the file',
): Decoded {
  const walk = new Walk(source, problems);
  const value = source.root === null ? undefined : walk.value(source.root, schema, name, null);
  return { value, positions: walk };
}

interface Spot {
  node: number;
  end: number;
  values: Map<string | number, number>;
  keys: Map<string, number>;
}

class Walk implements Positions {
  readonly #source: Source;
  readonly #problems: Problems;
  readonly #spots = new WeakMap<object, Spot>();

  constructor(source: Source, problems: Problems) {
    this.#source = source;
    this.#problems = problems;
  }

  at(owner: object, key?: string | number): Place {
    const spot = this.#spots.get(owner);
    const own = spot?.node ?? 0;
    return this.#source.at(key === undefined ? own : (spot?.values.get(key) ?? own));
  }

  atKey(owner: object, key: string): Place {
    const spot = this.#spots.get(owner);
    return this.#source.at(spot?.keys.get(key) ?? spot?.node ?? 0);
  }

  endLine(owner: object): number {
    return this.#source.at(this.#spots.get(owner)?.end ?? 0).line;
  }

  /** `name` is what messages call the value; `key` the key it stands behind. */
  value(node: Node | null, written: SchemaNode, name: string, key: Node | null): unknown {
    const schema = resolved(written);
    // Reported with the tokens already.
    if (isAlias(node)) return undefined;
    if (node === null || isNull(node)) {
      if (allowsNull(schema) && node !== null && this.#textOf(node) !== '') return null;
      this.#report(node ?? key, `${name} has no value`, missingHint(this.#source, node, schema));
      return undefined;
    }
    if (schema.anyOf !== undefined) return this.#union(node, schema, name, key);
    if (schema.type === 'object') return this.#object(node, schema, name);
    if (schema.type === 'array') return this.#list(node, schema, name, key);
    return this.#scalar(node, schema, name, key, written);
  }

  #union(node: Node, schema: SchemaNode, name: string, key: Node | null): unknown {
    const variants = (schema.anyOf ?? []).map((variant) => ({ variant, plain: resolved(variant) }));
    const kind = isMap(node) ? 'object' : isSeq(node) ? 'array' : 'scalar';
    const fitting = variants.filter(({ plain }) =>
      kind === 'scalar'
        ? plain.type !== 'object' && plain.type !== 'array' && plain.type !== 'null'
        : plain.type === kind,
    );
    const [first] = fitting;
    if (first === undefined) {
      this.#report(
        node,
        `${name} must be ${expected(schema)}, not ${describe(node)}`,
        example(schema),
      );
      return undefined;
    }
    const word = isScalar(node) ? node.value : null;
    const owner = variants.find(
      ({ plain }) => plain.type === 'object' && plain.required?.[0] === word,
    );
    if (owner !== undefined && typeof word === 'string' && first.plain.enum !== undefined) {
      const inner = resolved(owner.plain.properties?.[word] ?? {});
      this.#report(
        node,
        `${name} ${shown(word)} needs a value`,
        `write it as { ${word}: … }; ${example(inner)}`,
      );
      return undefined;
    }
    if (!isMap(node) || fitting.length === 1) return this.value(node, first.variant, name, key);
    return this.#variant(
      node,
      fitting.map(({ plain }) => plain),
      name,
    );
  }

  /** Of several shapes of map the one whose own key stands there: `refer`, `say`, … */
  #variant(node: YAMLMap, shapes: SchemaNode[], name: string): unknown {
    const keys = node.items.map((pair) => textOfKey(pair.key)).filter((k) => k !== null);
    const own = shapes.filter((shape) => keys.includes(shape.required?.[0] ?? ''));
    const [shape] = own;
    if (shape === undefined) {
      const words = shapes.flatMap((s) => s.required?.[0] ?? []);
      const strange = keys.find((k) => nearest(k, words) !== null) ?? keys[0] ?? '';
      const pair = node.items.find((p) => textOfKey(p.key) === strange);
      const what = keys.length === 0 ? 'is empty' : `has none of the keys ${words.join(', ')}`;
      this.#report(
        (pair?.key as Node | undefined) ?? node,
        `${name} ${what}`,
        wordHint(strange, words),
      );
      return undefined;
    }
    const [, second] = own;
    if (second !== undefined) {
      const word = second.required?.[0] ?? '';
      const pair = node.items.find((p) => textOfKey(p.key) === word);
      this.#report(
        (pair?.key as Node | undefined) ?? node,
        `${name} has both ${shape.required?.[0]} and ${word}`,
        shapes.some(({ required }) => required?.[0] === 'refer')
          ? `write ${word} as a separate item, after "- "`
          : 'keep one of them',
      );
      return this.#object(node, shape, name, new Set(own.flatMap((s) => s.required?.[0] ?? [])));
    }
    return this.#object(node, shape, name);
  }

  #object(node: Node, schema: SchemaNode, name: string, reported = new Set<string>()): unknown {
    if (!isMap(node)) {
      this.#report(
        node,
        `${name} must be ${expected(schema)}, not ${describe(node)}`,
        mapHint(node, schema),
      );
      return undefined;
    }
    const strange: string[] = [];
    const value: Record<string, unknown> = Object.create(null);
    const spot = this.#spot(value, node);
    const seen = new Set<string>();
    for (const pair of node.items) {
      const key = this.#key(pair, name, schema);
      if (key === null) {
        strange.push(textOfKey(pair.key) ?? '');
        continue;
      }
      const keyNode = pair.key as Node;
      if (seen.has(key)) {
        this.#report(keyNode, `${shown(key)} appears twice in ${name}`, 'keep one of them');
        continue;
      }
      seen.add(key);
      const member = this.#memberSchema(keyNode, key, schema, name, reported);
      if (member === null) {
        strange.push(key);
        continue;
      }
      spot.keys.set(key, startOf(keyNode));
      spot.values.set(key, startOf(pair.value as Node | null) || startOf(keyNode));
      const result = this.value(pair.value as Node | null, member, shown(key), keyNode);
      if (result !== undefined) value[key] = result;
    }
    if (schema.minProperties !== undefined && node.items.length < schema.minProperties) {
      this.#report(node, `${name} is empty`, mapHint(node, schema));
    }
    let complete = true;
    for (const required of schema.required ?? []) {
      if (value[required] !== undefined) continue;
      complete = false;
      // The one mistake was reported: `sipp` stands for `sip`, and << may bring anything.
      const meant = strange.some((key) => key === '<<' || nearest(key, [required]) !== null);
      if (!seen.has(required) && !meant) {
        this.#report(
          node,
          `${name} has no ${required}`,
          example(resolved(schema.properties?.[required] ?? {}), required),
        );
      }
    }
    return complete ? value : undefined;
  }

  #key(pair: Pair, name: string, schema: SchemaNode): string | null {
    if (isAlias(pair.key)) return null;
    if (!isPair(pair) || !isScalar(pair.key)) {
      this.#report((pair.key ?? null) as Node | null, `a key of ${name} must be text`, '');
      return null;
    }
    const key = pair.key;
    const source = this.#textOf(key);
    if (typeof key.value !== 'string') {
      const known = schema.propertyNames === undefined ? '' : `write it in quotes: "${source}"`;
      this.#report(
        key,
        `a key of ${name} must be text, ${shown(source)} is ${describe(key)}`,
        known,
      );
      return null;
    }
    if (key.value === '<<' && schema.properties?.['<<'] === undefined) {
      this.#report(key, 'a merge key (<<) is not allowed', 'write the values directly');
      return null;
    }
    return key.value;
  }

  #memberSchema(
    node: Node,
    key: string,
    schema: SchemaNode,
    name: string,
    reported: Set<string>,
  ): SchemaNode | null {
    const properties = schema.properties ?? {};
    const known = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (known !== undefined) return known;
    const others = schema.additionalProperties;
    if (typeof others === 'object') {
      const names = schema.propertyNames;
      if (names?.pattern === undefined || matches(names.pattern, key)) return others;
      const hint = meantHint(key, names.pattern, lookAlike(key)) ?? example(names);
      this.#report(node, `${shown(key)} is not a ${names.title ?? 'name'}`, hint);
      return null;
    }
    if (!reported.has(key)) {
      this.#report(node, `unknown key ${shown(key)} in ${name}`, keyHint(key, properties));
    }
    return null;
  }

  #list(node: Node, schema: SchemaNode, name: string, key: Node | null): unknown {
    if (!isSeq(node)) {
      const hint = isScalar(node) || isMap(node) ? 'write it as a list: [ … ]' : '';
      this.#report(
        isMap(node) ? (key ?? node) : node,
        `${name} must be a list, not ${describe(node)}`,
        hint,
      );
      return undefined;
    }
    const value: unknown[] = [];
    const spot = this.#spot(value, node);
    const item = schema.items ?? {};
    for (const member of node.items) {
      const result = this.value(member as Node | null, item, itemName(item, name), node);
      if (result === undefined) continue;
      spot.values.set(value.length, startOf(member as Node));
      value.push(result);
    }
    if (node.items.length < (schema.minItems ?? 0)) {
      this.#report(node, `${name} is empty`, emptyListHint(schema));
      return undefined;
    }
    if (node.items.length > (schema.maxItems ?? Number.POSITIVE_INFINITY)) {
      this.#report(
        node,
        `${name} has ${node.items.length} items, more than ${schema.maxItems}`,
        '',
      );
    }
    return value;
  }

  #scalar(
    node: Node,
    schema: SchemaNode,
    name: string,
    key: Node | null,
    written: SchemaNode,
  ): unknown {
    if (!isScalar(node)) {
      this.#report(
        node,
        `${name} must be ${expected(schema)}, not ${describe(node)}`,
        example(schema),
      );
      return undefined;
    }
    if (schema.type === 'boolean') {
      if (typeof node.value === 'boolean') return node.value;
      this.#report(
        node,
        `${name} must be true or false, not ${describe(node)}`,
        'write true or false, without quotes',
      );
      return undefined;
    }
    if (schema.type === 'number' || schema.type === 'integer')
      return this.#number(node, schema, name);
    if (typeof node.value !== 'string') {
      const source = this.#textOf(node);
      const said = schema.writeOnly === true ? 'it' : shown(source);
      this.#report(
        node,
        `${name} must be text; YAML reads ${said} as ${describe(node)}`,
        schema.pattern === undefined || matches(schema.pattern, source)
          ? `write it in quotes: "${source}"`
          : example(schema),
      );
      return undefined;
    }
    const text = node.value;
    if (written.$ref === '#/$defs/spoken') this.#cutOff(node, key, name);
    if (schema.enum !== undefined) {
      if (schema.enum.includes(text)) return text;
      const hint = schema.title === 'language' ? languageHint(text) : didYouMean(text, schema.enum);
      this.#report(node, `${name} cannot be ${shown(text)}`, hint);
      return undefined;
    }
    return this.#text(node, text, schema, name, written);
  }

  #text(
    node: Node,
    text: string,
    schema: SchemaNode,
    name: string,
    written: SchemaNode,
  ): string | undefined {
    if (text.trim().length < (schema.minLength ?? 0)) {
      this.#report(node, `${name} is empty`, example(schema));
      return undefined;
    }
    if (text.length > (schema.maxLength ?? Number.POSITIVE_INFINITY)) {
      this.#report(
        node,
        `${name} has ${text.length} characters, more than ${schema.maxLength}`,
        '',
      );
      return undefined;
    }
    // An escape in double quotes brings in what the file itself may not hold; speech may break
    // lines.
    const allowed = written.$ref === '#/$defs/spoken' ? text.replace(/[\n\t]/g, ' ') : text;
    if (CONTROL.test(allowed) || !allowed.isWellFormed()) {
      this.#report(node, `${name} contains a control character`, 'remove it');
      return undefined;
    }
    if (schema.pattern !== undefined && !matches(schema.pattern, text)) {
      const hint = meantHint(text, schema.pattern, lookAlike(text)) ?? example(schema);
      const due = expected(schema);
      const what =
        schema.writeOnly === true
          ? `${name} must be a reference, because secrets do not belong in a file`
          : name === due
            ? `${shown(text)} is not ${due}`
            : `${name} must be ${due}, not ${shown(text)}`;
      this.#report(node, what, hint);
      return undefined;
    }
    return text;
  }

  #number(node: Scalar, schema: SchemaNode, name: string): number | undefined {
    const source = this.#textOf(node);
    // 0x10, 0o17, 1e3 and .inf are numbers to YAML; nobody who writes routes means them.
    if (typeof node.value !== 'number' || !/^(0|[1-9][0-9]{0,14})(\.[0-9]{1,9})?$/.test(source)) {
      const quoted = typeof node.value === 'string' && /^[0-9.]+$/.test(node.value);
      this.#report(
        node,
        `${name} must be a number, not ${typeof node.value === 'string' ? `the text ${shown(node.value)}` : shown(source)}`,
        quoted ? 'write it without quotes' : example(schema),
      );
      return undefined;
    }
    const value = node.value;
    if (schema.type === 'integer' && !Number.isSafeInteger(value)) {
      this.#report(node, `${name} must be a whole number, not ${source}`, '');
      return undefined;
    }
    if (value < (schema.minimum ?? value) || value > (schema.maximum ?? value)) {
      this.#report(
        node,
        `${name} must be from ${schema.minimum} to ${schema.maximum}, not ${source}`,
        '',
      );
      return undefined;
    }
    return value;
  }

  /** `say: Press #1` speaks "Press": a comment right after plain spoken text is a cut-off text. */
  #cutOff(node: Scalar, key: Node | null, name: string): void {
    if (node.type !== 'PLAIN' || !node.range) return;
    const after = this.#source.text.slice(node.range[1], node.range[1] + 2_000);
    const sameLine = /^[ \t]+#/.test(after);
    // On a later line it cuts the text only where the text could have gone on: deeper than its key.
    const later = /^[ \t]*\r?\n(?:[ \t]*\r?\n)*([ \t]+)#/.exec(after);
    const keyColumn =
      key === null ? Number.POSITIVE_INFINITY : this.#source.at(startOf(key)).column;
    if (!sameLine && (later?.[1] === undefined || later[1].length < keyColumn)) return;
    const offset = node.range[1] + after.indexOf('#');
    this.#problems.problem(
      this.#source.at(offset),
      `# starts a comment here, so ${name} ends before it`,
      `put the text into quotes, or the comment on a separate line: "${this.#textOf(node)} …"`,
    );
  }

  #spot(value: object, node: Node): Spot {
    const spot: Spot = {
      node: startOf(node),
      end: Math.max(startOf(node), (node.range?.[1] ?? 1) - 1),
      values: new Map(),
      keys: new Map(),
    };
    this.#spots.set(value, spot);
    return spot;
  }

  #textOf(node: Node): string {
    const range = node.range;
    return range ? this.#source.text.slice(range[0], range[1]).slice(0, 200) : '';
  }

  #report(node: Node | null, message: string, hint: string): void {
    this.#problems.problem(this.#source.at(startOf(node)), message, hint);
  }
}

/** To YAML a colon ends a key only before an ordinary space. */
function keyHint(key: string, properties: Record<string, SchemaNode>): string {
  const known = Object.keys(properties);
  const odd = lookAlike(key);
  if (odd === null) return didYouMean(key, known);
  const plain = inAscii(key);
  const meant = known.find((word) => plain.startsWith(`${word}:`));
  if (meant === undefined) return didYouMean(key, known);
  return `there is ${odd} after "${meant}:": write an ordinary space there`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

function startOf(node: Node | null): number {
  return node?.range?.[0] ?? 0;
}

function isNull(node: Node): boolean {
  return isScalar(node) && node.value === null;
}

function allowsNull(schema: SchemaNode): boolean {
  return schema.type === 'null' || (schema.anyOf ?? []).some((variant) => variant.type === 'null');
}

function textOfKey(key: unknown): string | null {
  return isScalar(key) && typeof key.value === 'string' ? key.value : null;
}
