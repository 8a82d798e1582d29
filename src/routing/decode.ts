/**
 * Walks the nodes of a document by the schema, and returns a valid value or problems with their
 * positions. An invalid part is left out, and its owner too if it was required, so that everything
 * else is still checked.
 */
import { isAlias, isMap, isScalar, isSeq, type Node } from 'yaml';
import { decodeKey, keyHint, textOfKey } from './decode-key.ts';
import { NodeReport } from './decode-report.ts';
import { decodeScalar } from './decode-scalar.ts';
import { chooseShape } from './decode-shape.ts';
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
  withArticle,
} from './decode-words.ts';
import { lookAlike } from './look-alikes.ts';
import { DecodedPositions, type Positions } from './positions.ts';
import { nearest, type Problems } from './problem.ts';
import { matches, resolved, type SchemaNode } from './schema/node.ts';
import { type Source, startOf } from './source.ts';

export interface Decoded {
  /** Undefined if nothing was usable. */
  value: unknown;
  positions: Positions;
}

/** Yields regularly, see slices.ts. */
export function* decode(
  source: Source,
  schema: SchemaNode,
  problems: Problems,
  name = 'the file',
): Generator<void, Decoded> {
  const walk = new Walk(source, problems);
  const { root } = source;
  const value = root === null ? undefined : yield* walk.value(root, schema, name, null);
  return { value, positions: walk.positions };
}

class Walk {
  readonly positions: DecodedPositions;
  readonly #report: NodeReport;

  constructor(source: Source, problems: Problems) {
    this.positions = new DecodedPositions(source);
    this.#report = new NodeReport(source, problems);
  }

  /** `name` is the value's name in messages; `key` is the node of its key. */
  *value(
    node: Node | null,
    written: SchemaNode,
    name: string,
    key: Node | null,
  ): Generator<void, unknown> {
    const schema = resolved(written);
    // Aliases have already been reported by inspect.ts.
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
    if (schema.anyOf !== undefined) return yield* this.#union(node, schema, name, key);
    if (schema.type === 'object') return yield* this.#object(node, schema, name);
    if (schema.type === 'array') return yield* this.#list(node, schema, name, key);
    return decodeScalar(this.#report, node, schema, name, key, written);
  }

  *#union(
    node: Node,
    schema: SchemaNode,
    name: string,
    key: Node | null,
  ): Generator<void, unknown> {
    const variants = (schema.anyOf ?? []).map((variant) => ({ variant, plain: resolved(variant) }));
    const kind = isMap(node) ? 'object' : isSeq(node) ? 'array' : 'scalar';
    const fitting = variants.filter(({ plain }) =>
      kind === 'scalar'
        ? plain.type !== 'object' && plain.type !== 'array' && plain.type !== 'null'
        : plain.type === kind,
    );
    const sort = isScalar(node) ? typeof node.value : kind;
    const first = fitting.find(({ plain }) => plain.type === sort) ?? fitting[0];
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
    if (!isMap(node) || fitting.length === 1) {
      return yield* this.value(node, first.variant, name, key);
    }
    const shapes = fitting.map(({ plain }) => plain);
    const chosen = chooseShape(this.#report, node, shapes, name);
    if (chosen === null) return undefined;
    return yield* this.#object(node, chosen.shape, name, chosen.reported);
  }

  *#object(
    node: Node,
    schema: SchemaNode,
    name: string,
    reported = new Set<string>(),
  ): Generator<void, unknown> {
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
      yield;
      const key = decodeKey(this.#report, pair, name, schema);
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
      const result = yield* this.value(pair.value as Node | null, member, shown(key), keyNode);
      if (result !== undefined) value[key] = result;
    }
    // A map with too few keys is complete here; who uses it says what it lacks.
    if (schema.minProperties !== undefined && node.items.length === 0) {
      this.#report.at(node, `${name} is empty`, mapHint(node, schema));
    }
    let complete = true;
    for (const required of schema.required ?? []) {
      if (value[required] !== undefined) continue;
      complete = false;
      // The actual mistake was reported already: `sipp` is a misspelt `sip`, and << may merge in
      // anything.
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
      this.#report.at(node, `${shown(key)} is not ${withArticle(names.title ?? 'name')}`, hint);
      return null;
    }
    if (!reported.has(key)) {
      this.#report.at(node, `unknown key ${shown(key)} in ${name}`, keyHint(key, properties));
    }
    return null;
  }

  *#list(node: Node, schema: SchemaNode, name: string, key: Node | null): Generator<void, unknown> {
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
      yield;
      const result = yield* this.value(member as Node | null, item, itemName(item, name), node);
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

function isNull(node: Node): boolean {
  return isScalar(node) && node.value === null;
}

function allowsNull(schema: SchemaNode): boolean {
  return schema.type === 'null' || (schema.anyOf ?? []).some((variant) => variant.type === 'null');
}
