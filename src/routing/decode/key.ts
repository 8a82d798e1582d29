/** Reads the key of a map's member, and finds the member that is meant. */
import { isAlias, isPair, isScalar, type Node, type Pair, type YAMLMap } from 'yaml';
import { inAscii, lookAlike } from '../look-alikes.ts';
import { didYouMean, nearest } from '../problem.ts';
import { matches, type SchemaNode } from '../schema/node.ts';
import type { NodeReport } from './report.ts';
import { describe, example, meantHint, shown, withArticle } from './words.ts';

interface DecodedKey {
  text: string;
  /** True: it has a problem, but what it is meant to be is clear. */
  isReported: boolean;
}

/** Null after a problem that leaves the key unknown. */
export function decodeKey(
  report: NodeReport,
  pair: Pair,
  name: string,
  schema: SchemaNode,
): DecodedKey | null {
  if (isAlias(pair.key)) return null;
  if (!isPair(pair) || !isScalar(pair.key)) {
    report.at((pair.key ?? null) as Node | null, `a key of ${name} must be text`, '');
    return null;
  }
  const key = pair.key;
  const source = report.textOf(key);
  if (typeof key.value !== 'string') {
    const known = schema.propertyNames === undefined ? '' : `write it in quotes: "${source}"`;
    report.at(key, `a key of ${name} must be text, ${shown(source)} is ${describe(key)}`, known);
    const isName = schema.propertyNames !== undefined && key.value !== null;
    return isName ? { text: source, isReported: true } : null;
  }
  if (key.value === '<<' && schema.properties?.['<<'] === undefined) {
    report.at(key, 'a merge key (<<) is not allowed', 'write the values directly');
    return null;
  }
  return { text: key.value, isReported: false };
}

export interface Member {
  /** As the schema names it. */
  key: string;
  /** As it is written. */
  text: string;
  schema: SchemaNode;
  isReported: boolean;
}

/** A map whose members are being read. */
export class MapOwner {
  readonly #node: YAMLMap;
  readonly schema: SchemaNode;
  readonly name: string;
  /** Keys that have already been reported. */
  readonly reported: ReadonlySet<string>;
  /** The keys so far, as written. */
  readonly seen = new Set<string>();
  /** Those among them that the schema does not have. */
  readonly strange: string[] = [];
  #texts: Set<string | null> | null = null;
  #isTwo = false;

  constructor(node: YAMLMap, schema: SchemaNode, name: string, reported: ReadonlySet<string>) {
    this.#node = node;
    this.schema = schema;
    this.name = name;
    this.reported = reported;
  }

  has(key: string): boolean {
    this.#texts ??= new Set(this.#node.items.map((pair) => textOfKey(pair.key)));
    return this.#texts.has(key);
  }

  /**
   * The hint for a key that appears again. Null if that only follows from a second name: without
   * the "- " before its name, an item of a list becomes a part of the one before it.
   */
  twice(key: string): string | null {
    if (this.#isTwo) return null;
    this.#isTwo = key === 'name' && this.schema.required?.[0] === 'name';
    return `keep one of them${this.#isTwo ? ', or begin another item with "- name"' : ''}`;
  }

  /**
   * Whether the map may have this key in a form that was reported already: `sipp` is a misspelt
   * `sip`, and << may merge in anything.
   */
  mayHave(key: string): boolean {
    const isMeant = (strange: string) => strange === '<<' || nearest(strange, [key]) !== null;
    return this.seen.has(key) || this.reported.has(key) || this.strange.some(isMeant);
  }
}

/**
 * A misspelt key is taken for the one that is meant, so that its value is checked; null after a
 * problem that leaves that open.
 */
export function memberOf(
  report: NodeReport,
  { text: key, isReported }: DecodedKey,
  node: Node,
  owner: MapOwner,
): Member | null {
  const { properties = {}, additionalProperties: others, propertyNames: names } = owner.schema;
  const known = Object.hasOwn(properties, key) ? properties[key] : undefined;
  if (known !== undefined) return { key, text: key, schema: known, isReported };
  if (typeof others === 'object') {
    if (names?.pattern === undefined || matches(names.pattern, key)) {
      return { key, text: key, schema: others, isReported };
    }
    const allowed = names.description === undefined ? '' : `use only ${names.description}, `;
    const hint = meantHint(key, names.pattern, lookAlike(key)) ?? allowed + example(names);
    if (!isReported) {
      report.at(node, `${shown(key)} is not ${withArticle(names.title ?? 'name')}`, hint);
    }
    return { key, text: key, schema: others, isReported: true };
  }
  if (!owner.reported.has(key)) {
    report.at(node, `unknown key ${shown(key)} in ${owner.name}`, keyHint(key, properties));
  }
  const meant = otherWord(key, properties) ?? nearest(key, Object.keys(properties));
  if (meant === null || owner.has(meant)) return null;
  return { key: meant, text: key, schema: properties[meant] ?? {}, isReported: false };
}

/** What other languages call `any` and `all`; `or` is nearer to `not` than to either. */
function otherWord(key: string, properties: Record<string, SchemaNode>): string | null {
  const meant = { or: 'any', and: 'all' }[key.toLowerCase()];
  return meant !== undefined && Object.hasOwn(properties, meant) ? meant : null;
}

/** In YAML a colon only ends a key if an ordinary space follows. */
function keyHint(key: string, properties: Record<string, SchemaNode>): string {
  const known = Object.keys(properties);
  const odd = lookAlike(key);
  const other = otherWord(key, properties);
  if (other !== null) return `did you mean ${other}?`;
  if (odd === null) return didYouMean(key, known);
  const plain = inAscii(key);
  const meant = known.find((word) => plain.startsWith(`${word}:`));
  if (meant === undefined) return didYouMean(key, known);
  return `there is ${odd} after "${meant}:": write an ordinary space there`;
}

export function textOfKey(key: unknown): string | null {
  return isScalar(key) && typeof key.value === 'string' ? key.value : null;
}
