/** Parses TOKENS_FILE into a list of people, or of located problems. */
import { atOnce } from '../../core/rules/at-once.ts';
import { decode } from '../../routing/decode/decode.ts';
import { parseSource } from '../../routing/files/source.ts';
import { type Problem, Problems } from '../../routing/problem.ts';
import type { SchemaNode } from '../../routing/schema/node.ts';
import { ADMIN_NAME, type Person } from './person.ts';
import { ROLES, type Role } from './roles.ts';

const PEOPLE_MAX = 500;
/** Names are shown, logged and stored in the audit. */
export const NAME_PATTERN = '^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$';
const SHA256_PATTERN = '^[0-9a-fA-F]{64}$';

const SCHEMA: SchemaNode = {
  type: 'object',
  description: 'Who has a token',
  additionalProperties: false,
  required: ['tokens'],
  properties: {
    tokens: {
      type: 'array',
      description: 'One entry for each person or program',
      maxItems: PEOPLE_MAX,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'role', 'sha256'],
        properties: {
          name: {
            type: 'string',
            title:
              'name of at most 64 letters, digits and ._@-, which begins with a letter or digit',
            pattern: NAME_PATTERN,
            examples: ['anna'],
          },
          role: { type: 'string', enum: ROLES, examples: ['viewer'] },
          sha256: {
            type: 'string',
            title: 'SHA-256 of the token as 64 hexadecimal digits, as "referee token" prints it',
            pattern: SHA256_PATTERN,
            // Never shown in problems, because somebody may have written the token itself here.
            writeOnly: true,
          },
        },
      },
    },
  },
};

interface Written {
  tokens?: { name: string; role: Role; sha256: string }[];
}

export type ReadTokens = { ok: true; people: Person[] } | { ok: false; problems: Problem[] };

export function readTokenFile(file: string, bytes: Uint8Array): ReadTokens {
  const problems = new Problems();
  const source = atOnce(parseSource(file, bytes, problems));
  if (source === null) return { ok: false, problems: problems.sorted().problems };
  if (source.root === null) {
    problems.problem({ file, line: 1, column: 1 }, 'the file is empty', 'write tokens: []');
  }
  const { value, positions } = atOnce(decode(source, SCHEMA, problems, 'the file'));
  const { tokens = [] } = (value ?? {}) as Written;
  const people = tokens.map(({ name, role, sha256 }) => ({
    name,
    role,
    digest: Buffer.from(sha256, 'hex'),
  }));
  for (const [n, { name, digest }] of people.entries()) {
    const entry = tokens[n] ?? tokens;
    const at = positions.at(entry, 'name');
    const earlier = people.slice(0, n);
    if (name === ADMIN_NAME) {
      problems.problem(at, `the name ${ADMIN_NAME} is that of ADMIN_TOKEN`, 'choose another name');
    } else if (earlier.some((each) => each.name === name)) {
      problems.problem(at, `a second token is called ${name}`, 'give each its own name');
    }
    const same = earlier.find((each) => each.digest.equals(digest));
    if (same !== undefined) {
      const place = positions.at(entry, 'sha256');
      problems.problem(place, `${name} has the same token as ${same.name}`, 'make one for each');
    }
  }
  const found = problems.sorted().problems;
  return found.length === 0 ? { ok: true, people } : { ok: false, problems: found };
}
