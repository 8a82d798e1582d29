/** The problem for a request that does not match the schema of its endpoint: what, where, and got. */
import { counted } from '../core/counted.ts';
import type { Problem } from './problem.ts';

interface InvalidRequest extends Error {
  validation: Mismatch[];
  validationContext?: string;
}

/** What the validator found, and the value that `strict-validators.ts` adds. */
interface Mismatch {
  instancePath?: string;
  keyword?: string;
  message?: string;
  params?: Record<string, unknown>;
  got?: unknown;
}

export function isInvalidRequest(error: unknown): error is InvalidRequest {
  return error instanceof Error && Array.isArray((error as Partial<InvalidRequest>).validation);
}

export function invalidRequest(error: InvalidRequest): Problem {
  const where = error.validationContext ?? 'body';
  const first = error.validation[0];
  const { additionalProperties, requiredProperties } = first?.params ?? {};
  const named = additionalProperties ?? requiredProperties;
  const inner = Array.isArray(named) ? named.join(', ') : '';
  const path = (first?.instancePath ?? '').slice(1).replaceAll('/', '.');
  const field = [path, inner].filter((part) => part !== '').join('.');
  const words = first === undefined ? error.message : wordsOf(first, error.validation, where);
  return {
    status: 400,
    reason: where === 'body' ? 'invalid_body' : 'invalid_parameter',
    detail: `${where}${field === '' ? '' : ` field "${field}"`}: ${words}`,
    ...(field === '' ? {} : { field }),
  };
}

function wordsOf(first: Mismatch, all: readonly Mismatch[], where: string): string {
  const { keyword = '', params = {}, message = '' } = first;
  switch (keyword) {
    case 'required':
      return 'it is required';
    case 'additionalProperties':
    case 'boolean':
      return 'it is unknown here; /v1/openapi.json lists what is known';
    case 'type':
      return `expected ${typesOf(first, all)}, got ${gotOf(first, where)}`;
    case 'enum': {
      const allowed = Array.isArray(params.allowedValues) ? params.allowedValues.join(', ') : '';
      return `expected one of ${allowed}, got ${gotOf(first, 'any')}`;
    }
    case 'minLength':
    case 'maxLength': {
      const length = typeof first.got === 'string' ? [...first.got].length : 0;
      return `expected ${bound(keyword)} ${counted(Number(params.limit), 'character')}, got ${length === 0 ? 'an empty text' : length}`;
    }
    case 'minimum':
    case 'maximum':
      return `expected ${bound(keyword)} ${String(params.limit)}, got ${String(first.got)}`;
    default:
      return `${message}, got ${gotOf(first, where)}`;
  }
}

/** All types that a field may have, such as "true or false, or null". */
function typesOf({ instancePath }: Mismatch, all: readonly Mismatch[]): string {
  const types = all
    .filter((each) => each.keyword === 'type' && each.instancePath === instancePath)
    .map(({ params }) => String(params?.type));
  return [...new Set(types)].map((type) => TYPES[type] ?? type).join(' or ');
}

const TYPES: Readonly<Record<string, string>> = {
  object: 'a JSON object',
  array: 'a list',
  string: 'a text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
};

function bound(keyword: string): string {
  return keyword.startsWith('min') ? 'at least' : 'at most';
}

const SHOWN_CHARS_MAX = 60;

/** A text of a body may be a secret, so only its kind is said. */
function gotOf({ got, instancePath }: Mismatch, where: string): string {
  // fastify gives null for a request without a body.
  if (got === null && instancePath === '') return 'no body, or null';
  if (got === undefined || got === null) return 'null';
  if (Array.isArray(got)) return where === 'querystring' ? 'it more than once' : 'a list';
  if (typeof got === 'object') return 'an object';
  if (typeof got !== 'string') return String(got);
  if (where === 'body') return 'a text';
  return JSON.stringify(got.length > SHOWN_CHARS_MAX ? `${got.slice(0, SHOWN_CHARS_MAX)}…` : got);
}
