/** Building blocks of the route schema. */
import Type, { type Static, type TSchema } from 'typebox';
import { FAILED_VERDICTS } from '../../core/machine/verdict.ts';
import { LANGUAGES } from '../../core/rules/texts/language.ts';

export const DURATION = '^[0-9]{1,9}(ms|s|m|h)$';
export const NAME = '^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,63}$';
export const EVENTS = ['call.initiated', 'call.answered', 'call.dtmf.received'] as const;
/** What a dry run can play: all but `skipped`, because a dry run rests no target. */
export const SCRIPTED_VERDICTS = ['completed', ...FAILED_VERDICTS, 'abandoned'] as const;

export const STRICT = { additionalProperties: false } as const;

export function text(title: string, options: Record<string, unknown> = {}) {
  return Type.String({ title, minLength: 1, maxLength: 1024, ...options });
}

export function oneOf<T extends string>(title: string, values: readonly T[], description = '') {
  return Type.Unsafe<T>({
    type: 'string',
    title,
    ...(description === '' ? {} : { description }),
    enum: [...values],
  });
}

export function reference<T>(name: string, description = '') {
  return Type.Unsafe<T>(
    description === '' ? { $ref: `#/$defs/${name}` } : { $ref: `#/$defs/${name}`, description },
  );
}

export function record<S extends TSchema>(
  title: string,
  key: { title: string; pattern: string; examples: string[] },
  values: S,
  options: Record<string, unknown> = {},
) {
  return Type.Unsafe<Record<string, Static<S>>>({
    type: 'object',
    title,
    propertyNames: { type: 'string', ...key },
    additionalProperties: values,
    ...options,
  });
}

/** One value, or a list of which any may match. */
export function oneOrMore<S extends TSchema>(value: S, description: string) {
  return Type.Union([value, Type.Array(value, { minItems: 1 })], { description });
}

export const spoken = reference<string>('spoken');
export const duration = (description: string) => reference<string>('duration', description);
export const nameKey = (what: string, example: string) => ({
  title: `name of a ${what}`,
  description: 'letters A to Z, digits, spaces and . _ / - (64 characters, the first no sign)',
  pattern: NAME,
  examples: [example],
});
export const headerKey = (example: string) => ({
  title: 'header name',
  pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$",
  examples: [example],
});
/** The last key of a path in `keep`. */
export const fieldKey = {
  title: 'field of a lookup',
  description: 'letters A to Z, digits, _ and - (64 characters, the first a letter or _)',
  pattern: '^[A-Za-z_][A-Za-z0-9_-]{0,63}$',
  examples: ['tier'],
};
export const voice = text('voice', {
  description: 'The Telnyx voice.',
  examples: ['Telnyx.KokoroTTS.af'],
  maxLength: 200,
});
export const language = oneOf(
  'language',
  LANGUAGES,
  'Language of the voice; must be one that Telnyx supports. Polly voices have their own.',
);
export const LANGUAGE_TAG = '^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$';
export const languageTag = (description: string) =>
  text('language', {
    description,
    pattern: LANGUAGE_TAG,
    examples: ['de', 'en-GB'],
    maxLength: 20,
  });
const prompted = Type.Object(
  { prompt: text('name of a prompt', { examples: ['welcome'] }) },
  { title: 'prompt', ...STRICT },
);
/** What is spoken: a text, or a prompt in the caller's language. */
export const words = Type.Union([spoken, prompted], {
  description: 'The text to say, or { prompt: name }.',
});
export const playUrl = text('address of a recording', {
  description: 'An https address of an MP3 or WAV file.',
  pattern: '^https://[^\\s/?#]+[^\\s]*$',
  examples: ['https://media.example.com/welcome.mp3'],
});
export const WAYS = ['refer', 'transfer'] as const;
/** How to move a caller: one way, or both in the order of trying. */
export const via = (description: string) =>
  Type.Union(
    [oneOf('way', WAYS), Type.Array(oneOf('way', WAYS), { minItems: 1, maxItems: WAYS.length })],
    { description, examples: [[...WAYS]] },
  );
export const number = text('number, SIP URI, pattern or list:name', {
  description:
    'Exact E.164 number or SIP URI, `prefix*`, a glob with * and ?, or `list:name`. Always in quotes.',
  examples: ['+14155550100', '+1415555*', 'sip:*@pbx.example.com', 'list:vip'],
  maxLength: 256,
});
