/** Placeholders: their names, and what each stands for in one call. */
import type { CallFacts } from '../../machine/call.ts';
import { readAddress } from '../addresses/address.ts';
import type { Placeholder } from '../rule.ts';

const TEMPLATE_PLACES = [
  'from',
  'to',
  'from_user',
  'to_user',
  'call_session_id',
  'header:X-Name',
  'row:column',
  'lookup:name.field',
] as const;

/** The last key of a path in `keep`. */
export const LOOKUP_FIELD = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;

/** A header name: RFC 3261 token. */
const HEADER_NAME = /^[A-Za-z0-9\-.!%*_+`'~]{1,128}$/;
/** The value of a placeholder in one call; null or empty if it has none. */
export type ValueFor = (piece: Placeholder) => string | null;

/** Values from the call's own facts; the cells of its rows come from `cell`. */
export function valuesFor(facts: CallFacts, cell: (column: string) => string | null): ValueFor {
  return (piece) => (piece.place === 'row' ? cell(piece.column) : factOf(piece, facts));
}

/** Reads the name between the braces. */
export function readPlaceholder(name: string): Placeholder | { problem: string } {
  switch (name) {
    case 'from':
    case 'to':
    case 'from_user':
    case 'to_user':
    case 'call_session_id':
      return { place: name };
  }
  if (name.startsWith('lookup:')) return lookupPlace(name, name.slice('lookup:'.length));
  if (name.startsWith('header:')) {
    const header = name.slice('header:'.length);
    if (HEADER_NAME.test(header)) return { place: 'header', header };
    return { problem: `{${name}}: ${JSON.stringify(header)} is not the name of a header` };
  }
  if (name.startsWith('row:')) {
    const column = name.slice('row:'.length).trim();
    if (column !== '') return { place: 'row', column };
    return { problem: `{${name}} names no column of a table` };
  }
  const known = TEMPLATE_PLACES.map((place) => `{${place}}`).join(' ');
  return { problem: `{${name}} is not a placeholder; known: ${known}` };
}

/** The field is after the last dot, because the name of a lookup may contain one. */
function lookupPlace(name: string, text: string): Placeholder | { problem: string } {
  const dot = text.lastIndexOf('.');
  const field = text.slice(dot + 1);
  if (dot > 0 && LOOKUP_FIELD.test(field)) {
    return { place: 'lookup', lookup: text.slice(0, dot), field };
  }
  return {
    problem: `{${name}}: expected a lookup and a field that it keeps, such as {lookup:crm.agent}`,
  };
}

export function placeholderText(piece: Placeholder): string {
  switch (piece.place) {
    case 'header':
      return `{header:${piece.header}}`;
    case 'row':
      return `{row:${piece.column}}`;
    case 'lookup':
      return `{lookup:${piece.lookup}.${piece.field}}`;
    default:
      return `{${piece.place}}`;
  }
}

function factOf(piece: Exclude<Placeholder, { place: 'row' }>, facts: CallFacts): string | null {
  switch (piece.place) {
    case 'from':
      return facts.from;
    case 'to':
      return facts.to;
    case 'from_user':
      return userOf(facts.from);
    case 'to_user':
      return userOf(facts.to);
    case 'call_session_id':
      return facts.sessionId;
    case 'lookup': {
      const fact = ownValue(facts.lookups, piece.lookup);
      return ownValue(fact?.values, piece.field) ?? null;
    }
    case 'header': {
      const wanted = piece.header.toLowerCase();
      return facts.headers.find((header) => header.name.toLowerCase() === wanted)?.value ?? null;
    }
  }
}

function ownValue<T>(values: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return values !== undefined && Object.hasOwn(values, name) ? values[name] : undefined;
}

/** Escapes are decoded first, so that filling does not escape them twice. */
function userOf(text: string | null): string | null {
  const user = readAddress(text).user;
  if (user === null || !user.includes('%')) return user;
  try {
    return decodeURIComponent(user);
  } catch {
    return user;
  }
}
