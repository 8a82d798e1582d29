/**
 * Walks the nodes of a document by the schema, and returns a valid value or problems with their
 * positions. An invalid part is left out, or has a stand-in if its owner needs it, so that
 * everything else is still checked.
 */
import { isAlias, isMap, isScalar, isSeq, type Node, type Pair } from 'yaml';
import { type Source, startOf } from '../files/source.ts';
import type { Problems } from '../problem.ts';
import { resolved, type SchemaNode } from '../schema/node.ts';
import { decodeKey, MapOwner, type Member, memberOf, textOfKey } from './key.ts';
import { DecodedPositions, type Positions } from './positions.ts';
import { NodeReport } from './report.ts';
import { decodeScalar } from './scalar.ts';
import { chooseShape } from './shape.ts';
import { standIn } from './stand-in.ts';
import {
  describe,
  emptyListHint,
  example,
  expected,
  itemName,
  mapHint,
  missingHint,
  otherwiseHint,
  placeholderIn,
  shown,
} from './words.ts';

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
    // Already reported by inspect.ts: an alias, and a tag or anchor that is all there is.
    if (isAlias(node) || isBareMark(node)) return undefined;
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
    const placeholder = placeholderIn(node);
    if (placeholder !== null && variants.some(({ plain }) => plain.type === 'string')) {
      const hint = otherwiseHint(node, schema, name);
      this.#report.at(node, `${name} must be ${expected(schema)}, not ${describe(node)}`, hint);
      return undefined;
    }
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
        otherwiseHint(node, schema, name) || example(schema),
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
    const value: Record<string, unknown> = Object.create(null);
    const spot = this.positions.add(value, node);
    const owner = new MapOwner(node, schema, name, reported);
    for (const pair of node.items) {
      yield;
      const member = this.#member(pair, owner);
      if (member === 'twice') continue;
      if (member === null) {
        spot.hasUnknownKey = true;
        continue;
      }
      const { key, keyNode } = member;
      const inner = pair.value as Node | null;
      spot.keys.set(key, startOf(keyNode));
      spot.values.set(key, startOf(inner) || startOf(keyNode));
      if (member.isReported) this.positions.sayNoMore(spot, key, 'key');
      const result = yield* this.value(inner, member.schema, shown(member.text), keyNode);
      if (result !== undefined) value[key] = result;
      else {
        spot.isWhole = false;
        this.positions.sayNoMore(spot, key);
        if (schema.properties?.[key] === undefined) this.#stand(value, key, member.schema, node);
      }
    }
    // A map with too few keys is complete here; who uses it says what it lacks.
    if (schema.minProperties !== undefined && node.items.length === 0) {
      this.#report.at(node, `${name} is empty`, mapHint(node, schema));
    }
    for (const required of schema.required ?? []) {
      if (value[required] !== undefined) continue;
      const wanted = schema.properties?.[required] ?? {};
      if (!owner.mayHave(required)) {
        this.#report.at(node, `${name} has no ${required}`, example(resolved(wanted), required));
      }
      this.positions.sayNoMore(spot, required);
      this.#stand(value, required, wanted, node);
    }
    return value;
  }

  /** The member that a pair is meant for, or why there is none. */
  #member(pair: Pair, owner: MapOwner): (Member & { keyNode: Node }) | 'twice' | null {
    const written = decodeKey(this.#report, pair, owner.name, owner.schema);
    if (written === null) {
      owner.strange.push(textOfKey(pair.key) ?? '');
      return null;
    }
    const keyNode = pair.key as Node;
    if (owner.seen.has(written.text)) {
      const hint = owner.twice(written.text);
      if (hint !== null) {
        this.#report.at(keyNode, `${shown(written.text)} appears twice in ${owner.name}`, hint);
      }
      return 'twice';
    }
    owner.seen.add(written.text);
    const member = memberOf(this.#report, written, keyNode, owner);
    if (member?.key !== written.text) owner.strange.push(written.text);
    return member === null ? null : { ...member, keyNode };
  }

  #stand(value: Record<string, unknown>, key: string, schema: SchemaNode, node: Node): void {
    value[key] = standIn(schema, key, (inner) => this.positions.add(inner, node, true));
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
      if (result === undefined) {
        spot.isWhole = false;
        continue;
      }
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

function isBareMark(node: Node | null): boolean {
  return isScalar(node) && node.source === '' && Boolean(node.tag ?? node.anchor);
}

function isNull(node: Node): boolean {
  return isScalar(node) && node.value === null;
}

function allowsNull(schema: SchemaNode): boolean {
  return schema.type === 'null' || (schema.anyOf ?? []).some((variant) => variant.type === 'null');
}
