/** What a problem of a value says: what was expected, what came, and an example of the right thing. */
import { isMap, isScalar, isSeq, type Node } from 'yaml';
import { resolved, type SchemaNode } from './schema-node.ts';
import type { Source } from './source.ts';

export function bareWords(strange: string): string[] {
  const words = ['hangup', 'ignore', 'continue'];
  return words.includes(strange) ? [] : words;
}

export function itemName(item: SchemaNode, list: string): string {
  const title = resolved(item).title;
  return title === undefined ? `an item of ${list}` : withArticle(title);
}

export function describe(node: Node): string {
  if (isMap(node)) return 'a map';
  if (isSeq(node)) return 'a list';
  if (!isScalar(node)) return 'something else';
  if (node.value === null) return 'nothing';
  return typeof node.value === 'string'
    ? 'text'
    : typeof node.value === 'boolean'
      ? 'true or false'
      : 'a number';
}

function withArticle(title: string): string {
  return `${/^[aeiou]/i.test(title) ? 'an' : 'a'} ${title}`;
}

export function expected(schema: SchemaNode): string {
  if (schema.type === 'object') return 'a map';
  if (schema.title !== undefined) return withArticle(schema.title);
  if (schema.anyOf !== undefined) {
    return [...new Set(schema.anyOf.map((variant) => expected(resolved(variant))))].join(' or ');
  }
  return schema.type === 'array' ? 'a list' : (schema.type ?? 'a value');
}

export function example(schema: SchemaNode, key?: string): string {
  const found = schema.examples?.[0] ?? schema.enum?.[0];
  if (found === undefined) return key === undefined ? '' : `add ${key}: …`;
  const quoted = typeof found === 'string' ? `"${found}"` : String(found);
  return key === undefined ? `for example ${quoted}` : `add for example ${key}: ${quoted}`;
}

export function missingHint(source: Source, node: Node | null, schema: SchemaNode): string {
  const written = node?.range ? source.text.slice(node.range[0], node.range[1]) : '';
  if (written !== '') return `write it in quotes if you mean the text: "${written}"`;
  const rest = node?.range ? source.text.slice(node.range[1]).split('\n', 1)[0]?.trim() : '';
  if (rest?.startsWith('#'))
    return `# starts a comment; write it in quotes if you mean it: "${rest.slice(0, 80)}"`;
  return example(schema);
}

export function shown(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return JSON.stringify(short);
}
