/** What a field of a command may contain, and how the API refuses anything else. */
import { badRequest, fieldRefusal, type Refusal } from './refusal.ts';

export type Check = (value: unknown, field: string) => Refusal | null;

/** 3,000 characters: the description of `payload` in speak and gather_using_speak. */
export const PAYLOAD_CHARS_MAX = 3000;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const SIP_URI = /^sips?:(?:[^@\s<>"]+@)?[^@\s<>"/]+$/i;
const E164 = /^\+[1-9]\d{1,14}$/;
export const LANGUAGES =
  'arb cmn-CN cy-GB da-DK de-DE en-AU en-GB en-GB-WLS en-IN en-US es-ES es-MX es-US fr-CA fr-FR hi-IN is-IS it-IT ja-JP ko-KR nb-NO nl-NL pl-PL pt-BR pt-PT ro-RO ru-RU sv-SE tr-TR';

const wrongType = (field: string, expected: string, value: unknown): Refusal =>
  fieldRefusal(
    '10026',
    field,
    `"${field}" must be ${expected}, got ${value === null ? 'null' : typeof value}.`,
  );

export const text: Check = (value, field) =>
  typeof value === 'string' ? null : wrongType(field, 'a string', value);

export const filledText =
  (charsMax: number): Check =>
  (value, field) => {
    if (typeof value !== 'string') return wrongType(field, 'a string', value);
    if (value.length === 0 || value.length > charsMax) {
      return fieldRefusal('10033', field, `"${field}" must have 1 to ${charsMax} characters.`);
    }
    return null;
  };

export const flag: Check = (value, field) =>
  typeof value === 'boolean' ? null : wrongType(field, 'a boolean', value);

export const object: Check = (value, field) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? null
    : wrongType(field, 'an object', value);

export const oneOf =
  (...allowed: string[]): Check =>
  (value, field) => {
    if (typeof value !== 'string') return wrongType(field, 'a string', value);
    if (allowed.includes(value)) return null;
    return fieldRefusal('10032', field, `"${field}" must be one of ${allowed.join(', ')}.`);
  };

export const integer =
  (least: number, most: number): Check =>
  (value, field) => {
    if (typeof value !== 'number' || !Number.isInteger(value)) {
      return wrongType(field, 'an integer', value);
    }
    if (value >= least && value <= most) return null;
    return fieldRefusal('10033', field, `"${field}" must lie between ${least} and ${most}.`);
  };

export const base64: Check = (value, field) => {
  if (typeof value === 'string' && BASE64.test(value)) return null;
  return fieldRefusal('90017', field, `"${field}" must be a valid Base-64 encoded string.`);
};

export const sipUri: Check = (value, field) => {
  if (typeof value !== 'string') return wrongType(field, 'a string', value);
  if (SIP_URI.test(value)) return null;
  return fieldRefusal('10015', field, `"${field}" must be a SIP URI such as sip:user@host.`);
};

export const destination: Check = (value, field) => {
  if (typeof value !== 'string') return wrongType(field, 'a string', value);
  if (E164.test(value) || SIP_URI.test(value)) return null;
  return fieldRefusal('10016', field, `"${field}" must be a number in +E164 format or a SIP URI.`);
};

export const loop: Check = (value, field) => {
  if (value === 'infinity' || (Number.isInteger(value) && Number(value) > 0)) return null;
  return fieldRefusal('10032', field, `"${field}" must be "infinity" or a positive integer.`);
};

export const headers =
  (...names: string[]): Check =>
  (value, field) => {
    if (!Array.isArray(value)) return wrongType(field, 'an array', value);
    for (const [index, header] of value.entries()) {
      const at = `${field}/${index}`;
      const refusal = checkHeader(header, at, names);
      if (refusal !== null) return refusal;
    }
    return null;
  };

function checkHeader(header: unknown, at: string, names: string[]): Refusal | null {
  if (typeof header !== 'object' || header === null) return wrongType(at, 'an object', header);
  for (const key of Object.keys(header)) {
    if (key !== 'name' && key !== 'value') return badRequest(`Unknown field "${key}".`, `/${at}`);
  }
  const { name, value } = header as { name?: unknown; value?: unknown };
  if (name === undefined) return fieldRefusal('10004', `${at}/name`, '"name" is required.');
  if (value === undefined) return fieldRefusal('10004', `${at}/value`, '"value" is required.');
  if (typeof name !== 'string') return wrongType(`${at}/name`, 'a string', name);
  if (typeof value !== 'string') return wrongType(`${at}/value`, 'a string', value);
  if (names.length > 0 && !names.includes(name)) {
    return fieldRefusal('10032', `${at}/name`, `"name" must be one of ${names.join(', ')}.`);
  }
  // A line break would let a value inject headers into the SIP message (RFC 3261, 7.3.1).
  const hasBreak = /[\r\n\0]/.test(value) || !/^[A-Za-z0-9\-.!%*_+`'~]+$/.test(name);
  return hasBreak ? badRequest('A header must be a token and one line of text.', `/${at}`) : null;
}
