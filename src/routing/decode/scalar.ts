/** Reads a string, number or boolean as the schema requires, or reports a problem. */
import { isScalar, type Node, type Scalar } from 'yaml';
import { startOf } from '../files/source.ts';
import { lookAlike } from '../look-alikes.ts';
import { didYouMean } from '../problem.ts';
import { matches, type SchemaNode } from '../schema/node.ts';
import { languageHint } from './languages.ts';
import type { NodeReport } from './report.ts';
import {
  describe,
  example,
  expected,
  inQuotes,
  meantHint,
  oppositeHint,
  otherwiseHint,
  shown,
} from './words.ts';

export function decodeScalar(
  report: NodeReport,
  node: Node,
  schema: SchemaNode,
  name: string,
  key: Node | null,
  written: SchemaNode,
): unknown {
  if (!isScalar(node)) {
    const hint = otherwiseHint(node, schema, name) || example(schema);
    report.at(node, `${name} must be ${expected(schema)}, not ${describe(node)}`, hint);
    return undefined;
  }
  if (schema.type === 'boolean') {
    if (typeof node.value === 'boolean') return node.value;
    report.at(
      node,
      `${name} must be true or false, not ${describe(node)}`,
      'write true or false, without quotes',
    );
    return undefined;
  }
  if (schema.type === 'number' || schema.type === 'integer')
    return decodeNumber(report, node, schema, name);
  if (typeof node.value !== 'string') {
    const source = report.textOf(node);
    const said = schema.writeOnly === true ? 'it' : shown(source);
    report.at(
      node,
      `${name} must be text; YAML reads ${said} as ${describe(node)}`,
      quotingHint(schema, source),
    );
    return undefined;
  }
  const text = node.value;
  if (written.$ref === '#/$defs/spoken') reportCutOff(report, node, key, name);
  if (schema.enum !== undefined) {
    if (schema.enum.includes(text)) return text;
    report.at(node, `${name} cannot be ${shown(text)}`, wordHintOf(schema, text));
    return undefined;
  }
  return decodeText(report, node, text, schema, name, written);
}

/** Quotes only help where the text would then be taken. */
function quotingHint(schema: SchemaNode, source: string): string {
  if (schema.enum?.includes(source) === false) return wordHintOf(schema, source);
  if (schema.pattern !== undefined && !matches(schema.pattern, source)) {
    return meantHint(source, schema.pattern, null) ?? example(schema);
  }
  return schema.writeOnly === true ? 'write it in quotes' : `write it in quotes: "${source}"`;
}

/** A hint for a text that is none of the words of an enum. */
function wordHintOf({ title, enum: words = [] }: SchemaNode, text: string): string {
  if (title === 'language') return languageHint(text);
  return oppositeHint(words, text) ?? didYouMean(text, words);
}

function decodeText(
  report: NodeReport,
  node: Scalar,
  text: string,
  schema: SchemaNode,
  name: string,
  written: SchemaNode,
): string | undefined {
  if (node.type === 'PLAIN' && IN_TYPOGRAPHIC_QUOTES.test(text)) {
    const meant = schema.writeOnly === true ? '' : `: ${shown(text.slice(1, -1))}`;
    report.at(
      node,
      `the quotation marks around ${name} are typographic: YAML takes them for a part of the text`,
      `write straight ones${meant}`,
    );
    return undefined;
  }
  if (text.trim().length < (schema.minLength ?? 0)) {
    report.at(node, `${name} is empty`, example(schema));
    return undefined;
  }
  if (text.length > (schema.maxLength ?? Number.POSITIVE_INFINITY)) {
    report.at(node, `${name} has ${text.length} characters, more than ${schema.maxLength}`, '');
    return undefined;
  }
  // Escapes in double quotes can produce characters that the file itself may not contain. Spoken
  // text may contain line breaks.
  const allowed = written.$ref === '#/$defs/spoken' ? text.replace(/[\n\t]/g, ' ') : text;
  if (CONTROL.test(allowed) || !allowed.isWellFormed()) {
    report.at(node, `${name} contains a control character`, 'remove it');
    return undefined;
  }
  if (schema.pattern !== undefined && !matches(schema.pattern, text)) {
    const due = expected(schema);
    if (schema.writeOnly === true) {
      report.at(node, `${name} must be ${due}`, example(schema));
      return undefined;
    }
    const hint = meantHint(text, schema.pattern, lookAlike(text)) ?? example(schema);
    const what =
      name === due ? `${shown(text)} is not ${due}` : `${name} must be ${due}, not ${shown(text)}`;
    report.at(node, what, hint);
    return undefined;
  }
  return text;
}

/** As word processors write them, in any language: “…”, „…“, ‘…’, «…». */
const IN_TYPOGRAPHIC_QUOTES = /^[\u2018-\u201f\u00ab].*[\u2018-\u201f\u00bb]$/s;

function decodeNumber(
  report: NodeReport,
  node: Scalar,
  schema: SchemaNode,
  name: string,
): number | undefined {
  const source = report.textOf(node);
  // 0x10, 0o17, 1e3 and .inf are numbers in YAML, but never intended in a route file. A negative
  // one is out of bounds.
  if (typeof node.value !== 'number' || !/^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,9})?$/.test(source)) {
    const quoted = typeof node.value === 'string' && /^[0-9.]+$/.test(node.value);
    const [, share] = /^([0-9.]+)\s*%$/.exec(String(node.value)) ?? [];
    report.at(
      node,
      `${name} must be a number, not ${typeof node.value === 'string' ? `the text ${shown(node.value)}` : shown(source)}`,
      quoted
        ? 'write it without quotes'
        : share === undefined
          ? example(schema) || digitsHint(schema)
          : `write ${share}, without %`,
    );
    return undefined;
  }
  const value = node.value;
  if (schema.type === 'integer' && !Number.isSafeInteger(value)) {
    report.at(node, `${name} must be a whole number, not ${source}`, '');
    return undefined;
  }
  if (value < (schema.minimum ?? value) || value > (schema.maximum ?? value)) {
    report.at(
      node,
      `${name} must be from ${schema.minimum} to ${schema.maximum}, not ${source}`,
      '',
    );
    return undefined;
  }
  return value;
}

function digitsHint({ minimum, maximum }: SchemaNode): string {
  return maximum === undefined ? 'write only digits' : `only digits, from ${minimum} to ${maximum}`;
}

/**
 * `say: Press #1` would only speak "Press". A comment right after unquoted spoken text is probably
 * a part of that text.
 */
function reportCutOff(report: NodeReport, node: Scalar, key: Node | null, name: string): void {
  if (node.type !== 'PLAIN' || !node.range) return;
  const after = report.source.text.slice(node.range[1], node.range[1] + 2_000);
  const sameLine = /^[ \t]+#/.test(after);
  // On a later line it can only be a part of the text if it is indented more than the key.
  const later = /^[ \t]*\r?\n(?:[ \t]*\r?\n)*([ \t]+)#/.exec(after);
  const keyColumn = key === null ? Number.POSITIVE_INFINITY : report.source.at(startOf(key)).column;
  if (!sameLine && (later?.[1] === undefined || later[1].length < keyColumn)) return;
  const from = after.indexOf('#');
  const comment = after.slice(from).split(/\r?\n/, 1)[0];
  report.atOffset(
    node.range[1] + from,
    `# starts a comment here, so ${name} ends before it`,
    `put the text into quotes, ${inQuotes(`${report.textOf(node)} ${comment}`)}, or the comment on a separate line`,
  );
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
