/**
 * What a log line may contain: no secrets, masked numbers, DTMF digits only at debug, no terminal
 * control characters. It decides by the name of a field first, then by its text.
 */
import { createRedactor, type Masker, REDACTED } from './mask.ts';
import { withoutSecrets } from './secrets-in-text.ts';

export interface CleanerOptions {
  /** Null: numbers are shown in full. */
  masker: Masker | null;
  /** Values that are replaced anywhere in a text. */
  secrets: readonly string[];
}

export type Cleaner = (
  fields: Readonly<Record<string, unknown>>,
  level: string,
) => Record<string, unknown>;

const LIMITS = {
  textChars: 4000,
  /** Cleaned too and then dropped: half of a secret, at the cut, would not be recognised. */
  beyondChars: 1000,
  depth: 5,
  entries: 100,
  causes: 3,
  stackFrames: 20,
  knownNames: 1000,
} as const;

export function createCleaner(options: CleanerOptions): Cleaner {
  const redact = createRedactor(options.secrets);
  const { masker } = options;

  function cleanText(text: string, kind: FieldKind): string {
    const { textChars, beyondChars } = LIMITS;
    if (text.length <= textChars) return cleanedText(text, kind);
    const clean = cleanedText(text.slice(0, textChars + beyondChars), kind);
    const isCut = text.length > textChars + beyondChars;
    return `${clean.slice(0, Math.min(textChars, clean.length - (isCut ? beyondChars : 0)))}…`;
  }

  function cleanedText(text: string, kind: FieldKind): string {
    let clean = withoutSecrets(redact(text), REDACTED);
    if (masker !== null && kind !== 'id') {
      clean = kind === 'address' ? masker.address(clean) : masker.text(clean);
    }
    return UNSAFE.test(clean) ? escapeUnsafe(clean) : clean;
  }

  function cleanValue(value: unknown, kind: FieldKind, level: string, depth: number): unknown {
    switch (typeof value) {
      case 'string':
        return cleanText(value, kind);
      case 'number':
        return kind === 'address' ? cleanText(String(value), kind) : value;
      case 'boolean':
        return value;
      case 'bigint':
        return cleanText(String(value), kind);
      case 'object':
        break;
      default:
        return undefined;
    }
    if (value === null) return null;
    if (value instanceof Error) return cleanError(value, level, depth);
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    if (depth >= LIMITS.depth) return '[deeper]';
    const items = Array.isArray(value) || value instanceof Set ? [...value] : null;
    if (items === null) return cleanFields(value as Record<string, unknown>, level, depth + 1);
    return items
      .slice(0, LIMITS.entries)
      .map((item) => cleanValue(item, kind, level, depth + 1) ?? null);
  }

  function cleanFields(fields: Readonly<Record<string, unknown>>, level: string, depth: number) {
    const clean: Record<string, unknown> = {};
    for (const name of Object.keys(fields).slice(0, LIMITS.entries)) {
      const value = fields[name];
      if (value === undefined) continue;
      const kind = kindOf(name);
      if (kind === 'digits' && level !== 'debug' && level !== 'trace') continue;
      const shown = UNSAFE.test(name) ? escapeUnsafe(name) : name;
      if (kind === 'secret') clean[shown] = value === null ? null : REDACTED;
      else clean[shown] = cleanValue(value, kind, level, depth);
    }
    return clean;
  }

  /** Separates message and frames: the message may contain a caller's text, the frames are ours. */
  function cleanError(error: Error, level: string, depth: number): Record<string, unknown> {
    const stack = error.stack ?? '';
    const afterMessage = stack.indexOf(error.message) + error.message.length;
    const frames = stack.slice(Math.max(0, afterMessage)).split('\n');
    const details = cleanFields({ ...error }, level, depth + 1);
    delete details.cause;
    return {
      ...details,
      type: cleanText(error.name, 'text'),
      message: cleanText(error.message, 'text'),
      stack: frames
        .filter((line) => /^\s+at /.test(line))
        .slice(0, LIMITS.stackFrames)
        .map((line) => cleanText(line, 'text'))
        .join('\n'),
      ...(error.cause === undefined || depth >= LIMITS.causes
        ? {}
        : { cause: cleanValue(error.cause, 'text', level, depth + 1) }),
    };
  }

  return (fields, level) => cleanFields(fields, level, 0);
}

type FieldKind = 'secret' | 'digits' | 'address' | 'id' | 'text';

const SECRET_NAME =
  /^(proxy-)?authorization$|^(set-)?cookie$|pass(word|wd)$|secret$|token$|api_?key$|^auth$|^sip_auth/i;
const ADDRESS_NAME =
  /^(from|to|number|numbers|caller|callers|caller_id|destination|sip_address|sip_uri)$|_sip_uri$/i;
const ID_NAME =
  /(^|_)(id|ids|key|hash|version|at)$|^(attempt|command|route_set|owner|replica|time)$/i;

const kinds = new Map<string, FieldKind>();

function kindOf(name: string): FieldKind {
  const known = kinds.get(name);
  if (known !== undefined) return known;
  const kind = classify(name);
  if (kinds.size < LIMITS.knownNames) kinds.set(name, kind);
  return kind;
}

function classify(name: string): FieldKind {
  if (SECRET_NAME.test(name)) return 'secret';
  if (name === 'digits' || name === 'digit') return 'digits';
  if (ADDRESS_NAME.test(name)) return 'address';
  return ID_NAME.test(name) ? 'id' : 'text';
}

/** Control characters, line separators and bidirectional marks. */
const UNSAFE = /[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
const UNSAFE_ALL = new RegExp(UNSAFE, 'gu');

function escapeUnsafe(text: string): string {
  return text.replace(UNSAFE_ALL, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`;
  });
}
