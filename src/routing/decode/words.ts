/** The texts for invalid values: what was expected, what was found, and a valid example. */
import { isMap, isNode, isScalar, isSeq, type Node } from 'yaml';
import { readPlaceholder } from '../../core/rules/texts/placeholder.ts';
import type { Source } from '../files/source.ts';
import { inAscii, oddSpaceHint } from '../look-alikes.ts';
import { didYouMean } from '../problem.ts';
import { matches, resolved, type SchemaNode } from '../schema/node.ts';

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

/**
 * With the article that its sound asks for: a user name, an E.164 number, an https address. Several
 * things have none: days and times.
 */
export function withArticle(title: string): string {
  if (WITHOUT_ARTICLE.test(title)) return title;
  return `${SOUNDS_LIKE_VOWEL.test(title) ? 'an' : 'a'} ${title}`;
}

const WITHOUT_ARTICLE = /^(?:how |days |digits|numbers$)/;
const SOUNDS_LIKE_VOWEL = /^(?:[aeio]|u(?!se)|https)/i;

/**
 * For `on` and `off`, which differ by less than a misspelling: from `no` it is one edit to `on`.
 */
export function oppositeHint(words: readonly string[], text: string): string | null {
  if (words.join() !== 'on,off') return null;
  const word = text.trim().toLowerCase();
  if (['on', 'yes', 'y', 'true'].includes(word)) return 'write on';
  return ['off', 'of', 'no', 'n', 'false'].includes(word) ? 'write off' : 'known: on, off';
}

export function expected(schema: SchemaNode): string {
  if (schema.type === 'object') return 'a map';
  if (schema.anyOf !== undefined) {
    const ways = schema.anyOf.flatMap((variant) => wordsOf(resolved(variant)));
    return oneOf([...new Set(ways)]);
  }
  if (schema.title !== undefined) return withArticle(schema.title);
  return schema.type === 'array' ? 'a list' : (schema.type ?? 'a value');
}

/** One way to write the value, or the words of which it may be one. */
function wordsOf(schema: SchemaNode): readonly string[] {
  if (schema.type === 'boolean') return ['true', 'false'];
  const few = schema.enum !== undefined && schema.enum.length <= WORDS_LISTED_MAX;
  return few ? (schema.enum ?? []) : [expected(schema)];
}

const WORDS_LISTED_MAX = 4;

function oneOf(ways: readonly string[]): string {
  const last = ways.at(-1) ?? '';
  return ways.length < 2 ? last : `${ways.slice(0, -1).join(', ')} or ${last}`;
}

export function example(schema: SchemaNode, key?: string): string {
  const found = schema.examples?.[0] ?? schema.enum?.[0];
  if (found === undefined) return key === undefined ? '' : `add ${key}: …`;
  const words = Array.isArray(found) ? `[${found.join(', ')}]` : String(found);
  const quoted = typeof found === 'string' ? `"${found}"` : words;
  return key === undefined ? `for example ${quoted}` : `add for example ${key}: ${quoted}`;
}

/**
 * The text in the form that the pattern accepts, if it only differs by case, spaces, look-alike
 * characters or the unit of a duration.
 */
export function meantHint(text: string, pattern: string, odd: string | null): string | null {
  const plain = inAscii(text).trim();
  const close = plain.replace(/\s+/g, '');
  const cases = [plain, plain.toUpperCase(), plain.toLowerCase(), close, close.toLowerCase()];
  const forms = [...cases, meantDuration(plain) ?? plain];
  const meant = forms.find((form) => matches(pattern, form));
  if (meant === undefined) return null;
  return `did you mean ${meant}?${odd === null ? '' : ` It is written with ${odd}`}`;
}

/** `25s` for `25 seconds`, and also for `25`, because shorter units are rarely meant. */
function meantDuration(text: string): string | null {
  const [, count = '', unit = ''] = /^([0-9]+)\s*([a-z]*)\.?$/i.exec(text) ?? [];
  const meant = DURATION_UNITS.find(([words]) => words.test(unit))?.[1];
  return count === '' || meant === undefined ? null : `${count}${meant}`;
}

const DURATION_UNITS: [words: RegExp, unit: string][] = [
  [/^(?:ms|msecs?|milliseconds?)$/i, 'ms'],
  [/^(?:|s|secs?|seconds?)$/i, 's'],
  [/^(?:m|mins?|minutes?)$/i, 'm'],
  [/^(?:h|hrs?|hours?)$/i, 'h'],
];

/** Neither a number, a SIP address nor a pattern of one. */
const FILE_NAME = /^[^+@:*?]+\.[a-z]+$/i;

/** For a list where one value is due, and for a text that belongs into a map. */
export function otherwiseHint(node: Node, schema: SchemaNode, name: string): string {
  const placeholder = placeholderIn(node);
  if (placeholder !== null) return `write it in quotes: "{${placeholder}}"`;
  if (isSeq(node)) {
    const [, step] = /^"(refer|transfer|say|play)"$/.exec(name) ?? [];
    const first = node.items.find((item) => isScalar(item) && typeof item.value === 'string');
    return step !== undefined && isScalar(first)
      ? `write a step for each: { ${step}: ${shown(String(first.value))} }`
      : '';
  }
  if (!isScalar(node)) return '';
  const shapes = (schema.anyOf ?? []).map(resolved);
  const text = typeof node.value === 'number' ? (node.source ?? '') : node.value;
  if (typeof text !== 'string') return '';
  if (shapes.some(({ type }) => type === 'array') && !FILE_NAME.test(text)) {
    return `write it as a list: [ ${shown(text)} ]`;
  }
  if (typeof node.value !== 'string') return '';
  const owner = shapes.find(({ type, required }) => type === 'object' && required?.length === 1);
  const [key] = owner?.required ?? [];
  return key === undefined ? '' : `write it as { ${key}: ${shown(node.value)} }`;
}

/** Without quotes YAML reads a text that is one placeholder, `{from}`, as a map. */
export function placeholderIn(node: Node): string | null {
  if (!isMap(node) || node.flow !== true || node.items.length !== 1) return null;
  const [pair] = node.items;
  const hasValue = isNode(pair?.value) && pair.value.range?.[0] !== pair.value.range?.[1];
  if (hasValue || !isScalar(pair?.key) || typeof pair.key.value !== 'string') return null;
  return 'problem' in readPlaceholder(pair.key.value) ? null : pair.key.value;
}

/** For something else in place of a map, or for an empty map. */
export function mapHint(node: Node, schema: SchemaNode): string {
  const odd = isScalar(node) && typeof node.value === 'string' ? oddSpaceHint(node.value) : null;
  if (odd !== null) return odd;
  const { properties = {}, required = [], propertyNames } = schema;
  if (isSeq(node) && properties.all !== undefined) return 'a list goes into any: or all:';
  const key =
    required[0] ??
    Object.keys(properties).find((name) => /^[a-z]/.test(name)) ??
    propertyNames?.examples?.[0];
  if (typeof key !== 'string') return '';
  // A telephone key or number without quotes would be the next problem: YAML reads it as a number.
  return `write keys with values, such as ${/^[a-z]/i.test(key) ? key : `"${key}"`}: …`;
}

/** For an empty list. */
export function emptyListHint(schema: SchemaNode): string {
  const item = resolved(schema.items ?? {});
  if (item.anyOf !== undefined) return 'for example [ { reject: declined } ]';
  return example(item) || 'write at least one, or remove the key';
}

export function missingHint(source: Source, node: Node | null, schema: SchemaNode): string {
  const written = node?.range ? source.text.slice(node.range[0], node.range[1]) : '';
  // For YAML, null and ~ are no text. No quotes make a map or a list of them.
  if (node !== null && written !== '' && schema.type === 'object') return mapHint(node, schema);
  if (written !== '' && schema.type === 'array') return emptyListHint(schema);
  if (written !== '') return `write it in quotes if you mean the text: "${written}"`;
  const rest = node?.range ? source.text.slice(node.range[1]).split('\n', 1)[0]?.trim() : '';
  if (rest?.startsWith('#'))
    return `# starts a comment; write it in quotes if you mean it: ${inQuotes(rest)}`;
  return example(schema) || 'write a value, or remove the key';
}

/** A text as it is to be written, on one line. */
export function inQuotes(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return JSON.stringify(line.length > 80 ? `${line.slice(0, 80)}…` : line);
}

export function shown(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return JSON.stringify(short);
}
