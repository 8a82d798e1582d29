/**
 * Walks the nodes of a document by the schema, and returns a valid value or problems with their
 * positions. An invalid part is left out, and its owner too if it was required, so that everything
 * else is still checked.
 */
import { isAlias, isMap, isPair, isScalar, isSeq, type Node, type Pair, type YAMLMap } from 'yaml';
import { NodeReport } from './decode-report.ts';
import { decodeScalar } from './decode-scalar.ts';
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
import { inAscii, lookAlike } from './look-alikes.ts';
import { DecodedPositions, type Positions } from './positions.ts';
import { didYouMean, nearest, type Problems } from './problem.ts';
import { matches, resolved, type SchemaNode } from './schema/node.ts';
import { type Source, startOf } from './source.ts';

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
  return { value, positions: walk.positions };
}

class Walk {
  readonly positions: DecodedPositions;
  readonly #report: NodeReport;

  constructor(source: Source, problems: Problems) {
    this.positions = new DecodedPositions(source);
    this.#report = new NodeReport(source, problems);
  }

  /** `name` is what messages call the value; `key` the key it stands behind. */
  value(node: Node | null, written: SchemaNode, name: string, key: Node | null): unknown {
    const schema = resolved(written);
    // Reported with the tokens already.
    if (isAlias(node)) return undefined;
    if (node === null || isNull(node)) {
      if (allowsNull(schema) && node !== null && this.#report.textOf(node) !== '') return null;
      this.#report.at(
        node ?? key,
        `${name} has no value`,
        missingHint(this.#report.source, node, schema),
      );
      return undefined;
    }
    if (schema.anyOf !== undefined) return this.#union(node, schema, name, key);
    if (schema.type === 'object') return this.#object(node, schema, name);
    if (schema.type === 'array') return this.#list(node, schema, name, key);
    return decodeScalar(this.#report, node, schema, name, key, written);
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
      this.#report.at(
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
      this.#report.at(
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
      this.#report.at(
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
      this.#report.at(
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
      this.#report.at(
        node,
        `${name} must be ${expected(schema)}, not ${describe(node)}`,
        mapHint(node, schema),
      );
      return undefined;
    }
    const strange: string[] = [];
    const value: Record<string, unknown> = Object.create(null);
    const spot = this.positions.add(value, node);
    const seen = new Set<string>();
    for (const pair of node.items) {
      const key = this.#key(pair, name, schema);
      if (key === null) {
        strange.push(textOfKey(pair.key) ?? '');
        continue;
      }
      const keyNode = pair.key as Node;
      if (seen.has(key)) {
        this.#report.at(keyNode, `${shown(key)} appears twice in ${name}`, 'keep one of them');
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
      this.#report.at(node, `${name} is empty`, mapHint(node, schema));
    }
    let complete = true;
    for (const required of schema.required ?? []) {
      if (value[required] !== undefined) continue;
      complete = false;
      // The one mistake was reported: `sipp` stands for `sip`, and << may bring anything.
      const meant = strange.some((key) => key === '<<' || nearest(key, [required]) !== null);
      if (!seen.has(required) && !meant) {
        this.#report.at(
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
      this.#report.at((pair.key ?? null) as Node | null, `a key of ${name} must be text`, '');
      return null;
    }
    const key = pair.key;
    const source = this.#report.textOf(key);
    if (typeof key.value !== 'string') {
      const known = schema.propertyNames === undefined ? '' : `write it in quotes: "${source}"`;
      this.#report.at(
        key,
        `a key of ${name} must be text, ${shown(source)} is ${describe(key)}`,
        known,
      );
      return null;
    }
    if (key.value === '<<' && schema.properties?.['<<'] === undefined) {
      this.#report.at(key, 'a merge key (<<) is not allowed', 'write the values directly');
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
      this.#report.at(node, `${shown(key)} is not a ${names.title ?? 'name'}`, hint);
      return null;
    }
    if (!reported.has(key)) {
      this.#report.at(node, `unknown key ${shown(key)} in ${name}`, keyHint(key, properties));
    }
    return null;
  }

  #list(node: Node, schema: SchemaNode, name: string, key: Node | null): unknown {
    if (!isSeq(node)) {
      const hint = isScalar(node) || isMap(node) ? 'write it as a list: [ … ]' : '';
      this.#report.at(
        isMap(node) ? (key ?? node) : node,
        `${name} must be a list, not ${describe(node)}`,
        hint,
      );
      return undefined;
    }
    const value: unknown[] = [];
    const spot = this.positions.add(value, node);
    const item = schema.items ?? {};
    for (const member of node.items) {
      const result = this.value(member as Node | null, item, itemName(item, name), node);
      if (result === undefined) continue;
      spot.values.set(value.length, startOf(member as Node));
      value.push(result);
    }
    if (node.items.length < (schema.minItems ?? 0)) {
      this.#report.at(node, `${name} is empty`, emptyListHint(schema));
      return undefined;
    }
    if (node.items.length > (schema.maxItems ?? Number.POSITIVE_INFINITY)) {
      this.#report.at(
        node,
        `${name} has ${node.items.length} items, more than ${schema.maxItems}`,
        '',
      );
    }
    return value;
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

function isNull(node: Node): boolean {
  return isScalar(node) && node.value === null;
}

function allowsNull(schema: SchemaNode): boolean {
  return schema.type === 'null' || (schema.anyOf ?? []).some((variant) => variant.type === 'null');
}

function textOfKey(key: unknown): string | null {
  return isScalar(key) && typeof key.value === 'string' ? key.value : null;
}
