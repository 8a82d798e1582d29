/** Reads the key of a map's member. */
import { isAlias, isPair, isScalar, type Node, type Pair } from 'yaml';
import type { NodeReport } from './decode-report.ts';
import { describe, shown } from './decode-words.ts';
import { inAscii, lookAlike } from './look-alikes.ts';
import { didYouMean } from './problem.ts';
import type { SchemaNode } from './schema/node.ts';

/** Null after a problem. */
export function decodeKey(
  report: NodeReport,
  pair: Pair,
  name: string,
  schema: SchemaNode,
): string | null {
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
    return null;
  }
  if (key.value === '<<' && schema.properties?.['<<'] === undefined) {
    report.at(key, 'a merge key (<<) is not allowed', 'write the values directly');
    return null;
  }
  return key.value;
}

/** In YAML a colon only ends a key if an ordinary space follows. */
export function keyHint(key: string, properties: Record<string, SchemaNode>): string {
  const known = Object.keys(properties);
  const odd = lookAlike(key);
  if (odd === null) return didYouMean(key, known);
  const plain = inAscii(key);
  const meant = known.find((word) => plain.startsWith(`${word}:`));
  if (meant === undefined) return didYouMean(key, known);
  return `there is ${odd} after "${meant}:": write an ordinary space there`;
}

export function textOfKey(key: unknown): string | null {
  return isScalar(key) && typeof key.value === 'string' ? key.value : null;
}
