/** Chooses which of several schemas a map is meant for. */
import type { Node, YAMLMap } from 'yaml';
import { nearest } from '../problem.ts';
import type { SchemaNode } from '../schema/node.ts';
import { textOfKey } from './key.ts';
import type { NodeReport } from './report.ts';
import { wordHint } from './words.ts';

interface Chosen {
  shape: SchemaNode;
  /** Keys that have already been reported. */
  reported: Set<string>;
}

/** The schema whose distinctive key is present: `refer`, `say`, … */
export function chooseShape(
  report: NodeReport,
  node: YAMLMap,
  shapes: SchemaNode[],
  name: string,
): Chosen | null {
  const keys = node.items.map((pair) => textOfKey(pair.key)).filter((k) => k !== null);
  const own = shapes.filter((shape) => keys.includes(shape.required?.[0] ?? ''));
  const [shape] = own;
  if (shape === undefined) {
    const words = shapes.flatMap((s) => s.required?.[0] ?? []);
    const strange = keys.find((k) => nearest(k, words) !== null) ?? keys[0] ?? '';
    const pair = node.items.find((p) => textOfKey(p.key) === strange);
    const what = keys.length === 0 ? 'is empty' : `has none of the keys ${words.join(', ')}`;
    report.at((pair?.key as Node | undefined) ?? node, `${name} ${what}`, wordHint(strange, words));
    return likeliest(keys, shapes, { strange, meant: nearest(strange, words) });
  }
  const [, second] = own;
  if (second !== undefined) {
    const word = second.required?.[0] ?? '';
    const pair = node.items.find((p) => textOfKey(p.key) === word);
    report.at(
      (pair?.key as Node | undefined) ?? node,
      `${name} has both ${shape.required?.[0]} and ${word}`,
      shapes.some(({ required }) => required?.[0] === 'refer')
        ? `write ${word} as a separate item, after "- "`
        : 'keep one of them',
    );
    return { shape, reported: new Set(own.flatMap((s) => s.required?.[0] ?? [])) };
  }
  return { shape, reported: new Set() };
}

/**
 * The schema whose distinctive key is misspelt, otherwise the one that knows most of the keys; what
 * the map lacks has been reported. Null if none knows any.
 */
function likeliest(
  keys: string[],
  shapes: SchemaNode[],
  { strange, meant }: { strange: string; meant: string | null },
): Chosen | null {
  const known = ({ properties = {} }: SchemaNode) => keys.filter((key) => key in properties);
  const shape =
    shapes.find(({ required }) => meant !== null && required?.[0] === meant) ??
    shapes.reduce<SchemaNode | undefined>(
      (best, each) => (known(each).length > (best ? known(best).length : 0) ? each : best),
      undefined,
    );
  if (shape === undefined) return null;
  const unknown = keys.filter((key) => !known(shape).includes(key));
  const reported = meant === null ? unknown : [strange];
  return { shape, reported: new Set([...reported, shape.required?.[0] ?? '']) };
}
