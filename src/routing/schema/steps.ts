/** Steps in a route file: their types, and their part of the schema. */
import Type from 'typebox';
import { FAILED_VERDICTS } from '../../core/machine/verdict.ts';
import { HOW_TO_REACH, type WrittenDestination } from './destination.ts';
import {
  DURATION,
  duration,
  language,
  nameKey,
  oneOf,
  playUrl,
  record,
  reference,
  STRICT,
  text,
  via,
  voice,
  type WAYS,
  words,
} from './words.ts';

export type WrittenVia = (typeof WAYS)[number] | (typeof WAYS)[number][];
export interface WrittenBranches {
  [verdict: string]: WrittenStep[];
}
export type WrittenWords = string | { prompt: string };
export type WrittenMenu = WrittenKeys &
  ({ say: WrittenWords; voice?: string; language?: string } | { play: string });
interface WrittenKeys {
  digits: Record<string, WrittenStep[]>;
  tries?: number;
  timeout?: string;
}
export interface WrittenRefer {
  refer: string | { pick: Record<string, number> } | WrittenDestination;
  via?: WrittenVia;
  timeout?: string;
  if_failed?: WrittenBranches;
}
export interface WrittenTransfer {
  transfer: string;
  from?: string;
  timeout?: string;
  if_failed?: WrittenBranches;
}
interface WrittenSay {
  say: WrittenWords;
  voice?: string;
  language?: string;
}
export type WrittenStep =
  | 'hangup'
  | 'ignore'
  | 'continue'
  | WrittenRefer
  | WrittenTransfer
  | WrittenSay
  | { run: string }
  | { play: string }
  | { menu: WrittenMenu }
  | { reject: 'busy' | 'declined' };

export const steps = (description: string) => reference<WrittenStep[]>('steps', description);
const branches = reference<WrittenBranches>(
  'branches',
  'Steps for each verdict of a failed attempt; without one, the next step runs.',
);
const keys = {
  digits: record(
    'what each key does',
    { title: 'telephone key, in quotes', pattern: '^[0-9*#]{1,8}$', examples: ['1'] },
    steps('What this key does.'),
    { minProperties: 1 },
  ),
  tries: Type.Optional(
    Type.Integer({
      title: 'tries',
      description: 'How many times the menu is heard; default 3.',
      minimum: 1,
      maximum: 10,
      examples: [2],
    }),
  ),
  timeout: Type.Optional(duration('How long to wait for a key; default 8s.')),
};
export const STEP_DEFS = {
  spoken: Type.String({
    title: 'text to speak',
    description:
      'The text to say. Quote it if it contains "#" or ": " or starts with a sign. It may contain {from} and {to}, spoken digit by digit, {row:column} and {header:X-Name}.',
    examples: ['Please hold.'],
    minLength: 1,
    maxLength: 3000,
  }),
  duration: Type.String({
    title: 'duration',
    description: 'A whole number and ms, s, m or h.',
    pattern: DURATION,
    examples: ['30s', '500ms', '2m'],
  }),
  steps: Type.Array(reference<WrittenStep>('step'), {
    title: 'list of steps',
    description: 'Steps, run in order until one succeeds.',
    minItems: 1,
    maxItems: 100,
  }),
  step: Type.Union(
    [
      oneOf(
        'step',
        ['hangup', 'ignore', 'continue'] as const,
        'hangup: end the call. ignore: leave the call to another application. continue: at the end of a branch, go back to the list it left.',
      ),
      Type.Object(
        {
          refer: Type.Union(
            [
              text('target or SIP URI', {
                description: 'Name of a target, or a SIP URI in quotes.',
                examples: ['support-us', 'sip:support@pbx.example.com'],
              }),
              Type.Object(
                {
                  pick: record(
                    'weights',
                    nameKey('target', 'support-us'),
                    Type.Integer({ title: 'weight', minimum: 1, maximum: 10_000, examples: [9] }),
                    {
                      description:
                        'One target by weight, always the same for the same caller; the others are tried if it fails.',
                      minProperties: 1,
                    },
                  ),
                },
                STRICT,
              ),
              Type.Object(HOW_TO_REACH, {
                title: 'destination',
                description: 'A destination of this step alone; targets are for several steps.',
                ...STRICT,
              }),
            ],
            { title: 'refer', description: 'Move the caller with a SIP REFER.' },
          ),
          via: Type.Optional(
            via("How the caller is moved; default: the target's, then the policy's, then refer."),
          ),
          timeout: Type.Optional(
            duration("How long this attempt may take; default: the target's."),
          ),
          if_failed: Type.Optional(branches),
        },
        { title: 'refer', ...STRICT },
      ),
      Type.Object(
        {
          transfer: text('number, SIP URI or target', {
            description: 'Bridge the caller through Telnyx to a number or SIP URI.',
            examples: ['+14155550199', 'sip:support@pbx.example.com'],
          }),
          from: Type.Optional(
            text('caller id', {
              description: 'Number shown to the far end; default: the number that was called.',
              examples: ['+14155550100', '{from}'],
            }),
          ),
          timeout: Type.Optional(duration('How long it may ring; default 30s.')),
          if_failed: Type.Optional(branches),
        },
        { title: 'transfer', ...STRICT },
      ),
      Type.Object(
        { say: words, voice: Type.Optional(voice), language: Type.Optional(language) },
        { title: 'say', description: 'Speak a text.', ...STRICT },
      ),
      Type.Object(
        { play: playUrl },
        { title: 'play', description: 'Play a recording.', ...STRICT },
      ),
      Type.Object(
        {
          menu: Type.Union(
            [
              Type.Object(
                {
                  say: words,
                  ...keys,
                  voice: Type.Optional(voice),
                  language: Type.Optional(language),
                },
                { description: 'Speak a text and wait for a key.', ...STRICT },
              ),
              Type.Object(
                { play: playUrl, ...keys },
                { description: 'Play a recording and wait for a key.', ...STRICT },
              ),
            ],
            { title: 'menu' },
          ),
        },
        {
          title: 'menu',
          description:
            'Speak a text, or play a recording, and wait for digits; without a valid choice the next step runs.',
          ...STRICT,
        },
      ),
      Type.Object(
        { run: text('name of a flow', { examples: ['after-hours'] }) },
        { title: 'run', description: 'The steps of a flow.', ...STRICT },
      ),
      Type.Object(
        { reject: oneOf('cause', ['busy', 'declined'] as const) },
        { title: 'reject', description: 'Refuse the call.', ...STRICT },
      ),
    ],
    { title: 'step' },
  ),
  branches: Type.Object(
    Object.fromEntries(
      [...FAILED_VERDICTS, 'any'].map((verdict) => [
        verdict,
        Type.Optional(
          steps(
            verdict === 'any' ? 'Any failure not named here.' : `After the verdict ${verdict}.`,
          ),
        ),
      ]),
    ),
    { title: 'branches by verdict', minProperties: 1, ...STRICT },
  ),
};
