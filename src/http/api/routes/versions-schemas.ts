/** The schemas of the endpoints for route versions, and their list as CSV. */
import { type Static, Type } from 'typebox';
import { csvText, members } from '../csv.ts';
import { orNull, time } from '../schemas.ts';

const text = Type.String();
const HASH = Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Hash of a route set' });

const VERSION = {
  hash: text,
  role: Type.Enum(['live', 'next'], {
    description: 'next: some callers followed it (ROUTES_NEXT_PERCENT) while another set was live',
  }),
  who: Type.String({
    description:
      'Who made it live the last time: an operator, or start, folder (it was watched), signal, replica',
  }),
  when: time,
  until: orNull(Type.String({ format: 'date-time', description: 'null: it is in use' })),
  commit: orNull(
    Type.String({
      description: 'Commit that the folder had checked out; files may differ from it',
    }),
  ),
  live: Type.Boolean({ description: 'This replica decides by it now' }),
};

export const VERSIONS_QUERY = Type.Object(
  { limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })) },
  { additionalProperties: false },
);

export const VERSIONS = Type.Object({
  versions: Type.Array(Type.Object({ ...VERSION, files: Type.Array(text) })),
});

type Versions = Static<typeof VERSIONS>;
type Version = Versions['versions'][number];

const COLUMNS = [
  ...members<Version>('hash', 'role', 'live', 'who', 'when', 'until', 'commit'),
  { name: 'files', value: ({ files }: Version) => files.join(', ') },
];

export function versionsCsv({ versions }: Versions): string {
  return csvText(COLUMNS, versions);
}

export const VERSION_PARAMS = Type.Object({ hash: HASH });

export const VERSION_QUERY = Type.Object(
  { against: Type.Optional(HASH) },
  { additionalProperties: false },
);

const OMITTED = Type.Object({ name: text, bytes: Type.Integer(), why: text });

export const VERSION_DETAIL = Type.Object({
  ...VERSION,
  files: Type.Record(text, text, { description: 'Text by name' }),
  omitted: Type.Array(OMITTED, { description: 'Files whose text is not shown, and why' }),
  differs: Type.Optional(
    Type.Object({
      against: text,
      files: Type.Array(
        Type.Object({
          name: text,
          change: Type.Enum(['added', 'removed', 'changed']),
          hunks: Type.Array(
            Type.Object({
              before_line: Type.Integer(),
              after_line: Type.Integer(),
              lines: Type.Array(
                Type.String({
                  description:
                    'Begins with - (only in `against`), + (only in this one), a space (both), or a backslash (no newline at the end)',
                }),
              ),
            }),
          ),
          why: orNull(Type.String({ description: 'Why the lines are not shown' })),
        }),
      ),
    }),
  ),
});
