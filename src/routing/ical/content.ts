/**
 * Parses an iCal file into a tree of components (RFC 5545, section 3.1). It tolerates what real
 * feeds contain: folding inside a character, control characters or line breaks in a description,
 * and anything else that does not affect times.
 */

export interface Property {
  /** In capitals. */
  name: string;
  /** By name in capitals, without quotes; the first value of several. */
  params: ReadonlyMap<string, string>;
  value: string;
}

export interface Component {
  /** In capitals. */
  name: string;
  /** Line of its BEGIN, from 1. */
  line: number;
  properties: Property[];
  components: Component[];
}

export interface Content {
  calendars: Component[];
  /** Lines inside a component that are not properties and were skipped. */
  skippedLines: number[];
  /** False: the file was decoded as Windows-1252. */
  utf8: boolean;
}

/** Throws if this is not an iCal file, or not a complete one. Yields regularly, see slices.ts. */
export function* readContent(bytes: Uint8Array): Generator<void, Content> {
  const { lines, utf8 } = yield* decodeLines(yield* unfold(bytes));
  const root: Component = { name: '', line: 1, properties: [], components: [] };
  const open: Component[] = [root];
  const skippedLines: number[] = [];
  for (const { line, text } of lines) {
    yield;
    const inner = open.at(-1) ?? root;
    const property = readProperty(text);
    if (property === null) {
      if (inner === root) throw new Error(OUTSIDE);
      skippedLines.push(line);
    } else if (property.name === 'BEGIN') {
      const name = property.value.trim().toUpperCase();
      const begun: Component = { name, line, properties: [], components: [] };
      inner.components.push(begun);
      open.push(begun);
    } else if (property.name === 'END') {
      if (property.value.trim().toUpperCase() !== inner.name) {
        throw new Error(
          inner === root
            ? OUTSIDE
            : `line ${line} ends ${property.value.trim()}, and ${inner.name} of line ${inner.line} is still open`,
        );
      }
      open.pop();
    } else if (inner === root) throw new Error(OUTSIDE);
    else inner.properties.push(property);
  }
  const last = open.at(-1) ?? root;
  if (last !== root) throw new Error(`it ends before END:${last.name}, so the file is incomplete`);
  const calendars = root.components.filter(({ name }) => name === 'VCALENDAR');
  if (calendars.length === 0) throw new Error('it has no VCALENDAR');
  return { calendars, skippedLines, utf8 };
}

const OUTSIDE = 'a line is outside every BEGIN and END';

interface Line {
  line: number;
  /**
   * One character per byte until the whole line is decoded, because a fold may split a character.
   */
  text: string;
}

function* unfold(bytes: Uint8Array): Generator<void, Line[]> {
  const all = Buffer.from(bytes)
    .toString('latin1')
    .replace(/^\u00ef\u00bb\u00bf/, '');
  const lines: Line[] = [];
  // Files from old Macs end their lines with CR only; in other files a lone CR is a control
  // character.
  for (const [index, raw] of all.split(all.includes('\n') ? '\n' : '\r').entries()) {
    yield;
    const text = raw.replaceAll('\r', '');
    const last = lines.at(-1);
    if (last !== undefined && /^[ \t]/.test(text)) last.text += text.slice(1);
    else if (text.trim() !== '') lines.push({ line: index + 1, text });
  }
  return lines;
}

/** C0 except the tab, DEL, and C1. */
const CONTROL =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: taking them out is the point
  /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g;

function* decodeLines(lines: Line[]): Generator<void, { lines: Line[]; utf8: boolean }> {
  try {
    return { lines: yield* decodedAs('utf-8', lines), utf8: true };
  } catch {
    return { lines: yield* decodedAs('windows-1252', lines), utf8: false };
  }
}

function* decodedAs(
  encoding: 'utf-8' | 'windows-1252',
  lines: readonly Line[],
): Generator<void, Line[]> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  const decoded: Line[] = [];
  for (const { line, text } of lines) {
    yield;
    const plain = decoder.decode(Buffer.from(text, 'latin1')).replace(CONTROL, '');
    decoded.push({ line, text: plain });
  }
  return decoded;
}

const NAME = /^([A-Za-z0-9-]+)/;
const PARAMETER = /^;([^=;:]+)=("[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*/;

function readProperty(line: string): Property | null {
  const name = NAME.exec(line)?.[1];
  if (name === undefined) return null;
  const params = new Map<string, string>();
  let rest = line.slice(name.length);
  for (let part = PARAMETER.exec(rest); part !== null; part = PARAMETER.exec(rest)) {
    params.set((part[1] ?? '').trim().toUpperCase(), (part[2] ?? '').replaceAll('"', ''));
    rest = rest.slice(part[0].length);
  }
  if (!rest.startsWith(':')) return null;
  return { name: name.toUpperCase(), params, value: rest.slice(1) };
}

export function propertyOf({ properties }: Component, name: string): Property | null {
  return properties.find((property) => property.name === name) ?? null;
}

export function propertiesOf({ properties }: Component, name: string): Property[] {
  return properties.filter((property) => property.name === name);
}

/** A value of type TEXT with its escapes decoded: `\n`, `\,`, `\;` and `\\`. */
export function textOf(property: Property | null): string {
  return (property?.value ?? '').replace(/\\(.)/g, (_, escaped: string) =>
    escaped.toLowerCase() === 'n' ? '\n' : escaped,
  );
}
