/** The texts for invalid values: what was expected, what was found, and a valid example. */
import { isMap, isScalar, isSeq, type Node } from 'yaml';
import { inAscii } from './look-alikes.ts';
import { didYouMean } from './problem.ts';
import { matches, resolved, type SchemaNode } from './schema/node.ts';
import type { Source } from './source.ts';

const BARE_WORDS = ['hangup', 'ignore', 'continue'];

/** For a map without any distinctive key: a step, or what plays while the caller is moved. */
export function wordHint(strange: string, words: string[]): string {
  if (!words.includes('refer')) return didYouMean(strange, words);
  if (BARE_WORDS.includes(strange)) return `write it alone: ${strange}`;
  return didYouMean(strange, [...words, ...BARE_WORDS]);
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
  if (schema.anyOf !== undefined) {
    return [...new Set(schema.anyOf.map((variant) => expected(resolved(variant))))].join(' or ');
  }
  if (schema.title !== undefined) return withArticle(schema.title);
  return schema.type === 'array' ? 'a list' : (schema.type ?? 'a value');
}

export function example(schema: SchemaNode, key?: string): string {
  const found = schema.examples?.[0] ?? schema.enum?.[0];
  if (found === undefined) return key === undefined ? '' : `add ${key}: …`;
  const quoted = typeof found === 'string' ? `"${found}"` : String(found);
  return key === undefined ? `for example ${quoted}` : `add for example ${key}: ${quoted}`;
}

/**
 * The text in the form that the pattern accepts, if it only differs by case, spaces or look-alike
 * characters.
 */
export function meantHint(text: string, pattern: string, odd: string | null): string | null {
  const plain = inAscii(text).trim();
  const close = plain.replace(/\s+/g, '');
  const forms = [plain, plain.toUpperCase(), plain.toLowerCase(), close, close.toLowerCase()];
  const meant = forms.find((form) => matches(pattern, form));
  if (meant === undefined) return null;
  return `did you mean ${meant}?${odd === null ? '' : ` It is written with ${odd}`}`;
}

/** For something else in place of a map, or for an empty map. */
export function mapHint(node: Node, schema: SchemaNode): string {
  const { properties = {}, required = [], propertyNames } = schema;
  if (isSeq(node) && properties.all !== undefined) return 'a list goes into any: or all:';
  const key =
    required[0] ??
    Object.keys(properties).find((name) => /^[a-z]/.test(name)) ??
    propertyNames?.examples?.[0];
  return key === undefined ? '' : `write keys with values, such as ${key}: …`;
}

/** For an empty list. */
export function emptyListHint(schema: SchemaNode): string {
  const item = resolved(schema.items ?? {});
  if (item.anyOf !== undefined) return 'for example [ { reject: declined } ]';
  return example(item) || 'write at least one, or remove the key';
}

export function missingHint(source: Source, node: Node | null, schema: SchemaNode): string {
  const written = node?.range ? source.text.slice(node.range[0], node.range[1]) : '';
  if (written !== '') return `write it in quotes if you mean the text: "${written}"`;
  const rest = node?.range ? source.text.slice(node.range[1]).split('\n', 1)[0]?.trim() : '';
  if (rest?.startsWith('#'))
    return `# starts a comment; write it in quotes if you mean it: "${rest.slice(0, 80)}"`;
  return example(schema) || 'write a value, or remove the key';
}

export function shown(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return JSON.stringify(short);
}
