import { expect, test } from 'vitest';
import { withoutSecrets } from '../../src/log/secrets-in-text.ts';
import { Problems } from '../../src/routing/problem.ts';
import { redactError } from '../../src/telnyx/redact-error.ts';
import { cpuTimeMs } from '../helpers/cpu-time.ts';

const HOLDING_SECRETS = [
  'postgres://user:S3cr3t@db:5432/x',
  'postgres://:S3cr3t@db/x',
  'postgres://user:a/S3cr3t@db/x',
  'postgres://user:S3cr3t@b@db/x',
  'redis://:S3cr3t@cache/0',
  'https://S3cr3t@crm.example.com/who',
  'HTTPS://USER:S3cr3t@crm.example.com/who',
  '//user:S3cr3t@crm.example.com/who',
  `https://user:${'p'.repeat(600)}S3cr3t@crm.example.com`,
  'sip:user:S3cr3t@pbx.example.com',
  'sips:+14155550100:S3cr3t@pbx.example.com;transport=tls',
  'https://crm.example.com/who?token=S3cr3t',
  'https://crm.example.com/who?n=1&access_token=S3cr3t&m=2',
  'https://crm.example.com/who?api_key=S3cr3t',
  'https://crm.example.com/who?key=S3cr3t',
  'https://crm.example.com/who?sig=S3cr3t',
  'sqlite:/data/x.db?key=S3cr3t',
  'postgres://db/x?user=a&password=S3cr3t',
  'host=db user=a password=S3cr3t dbname=x',
  'DATABASE_URL=postgres://u:S3cr3t@h/d',
  'ADMIN_TOKEN=S3cr3t',
  'PBX_PASSWORD="S3cr3t"',
  'client_secret=S3cr3t',
  'passwd=S3cr3t',
  'Authorization: Bearer S3cr3t',
  'Authorization: Basic S3cr3t',
  'Authorization: Token S3cr3t',
  'Authorization: S3cr3t',
  'Authorization: Digest username="S3cr3t", response="S3cr3t"',
  'Proxy-Authorization: Basic S3cr3t',
  'authorization=S3cr3t',
  '{"authorization":"Bearer S3cr3t","next":1}',
  '{"authorization":["Bearer S3cr3t"]}',
  '{\\"authorization\\":\\"Bearer S3cr3t\\"}',
  "[ 'authorization', 'Bearer S3cr3t' ]",
  'sent bearer S3cr3t',
  'Bearer "S3cr3t"',
  'X-Api-Key: S3cr3t',
  'Cookie: session=S3cr3t; other=S3cr3t',
  'Set-Cookie: session=S3cr3t; Path=/',
  'password: S3cr3t',
  "apiKey: 'S3cr3t'",
  '{"api_key":"S3cr3t"}',
  '{"token": "S3cr3t"}',
  '{\\"sip_auth_password\\": \\"S3cr3t\\"}',
  'sip_auth_password: S3cr3t',
  'Invalid key KEY018F3A9C2D4E5F60718293A4B5C_S3cr3t',
];

test.each(HOLDING_SECRETS)('no secret is left in %s', (text) => {
  const clean = withoutSecrets(`before ${text} after`, '[redacted]');
  expect(clean).not.toContain('S3cr3t');
  expect(clean).toMatch(/^before .*\[redacted\]/);
  expect(withoutSecrets(clean, '[redacted]')).toBe(clean);
  expect(redactError(text, [])).not.toContain('S3cr3t');
  const problems = new Problems();
  problems.problem({ file: 'f', line: 1, column: 1 }, `"${text}" is wrong`, `write "${text}"`);
  problems.warning({ file: 'f', line: 1, column: 1 }, `"${text}" is odd`, `write "${text}"`);
  expect(JSON.stringify(problems.sorted())).not.toContain('S3cr3t');
});

test.each([
  'https://api.telnyx.com/v2',
  'postgres://referee@db/referee',
  'sip:support@pbx.example.com',
  'sip:{row:extension}@{row:site}.pbx.example.com',
  'https://{row:user}@{row:site}.example.com',
  `add for example password: "\${PBX_PASSWORD}"`,
  `write secrets as references, such as Authorization: "\${CRM_TOKEN}"`,
  'REFEREE_TOKEN: a token has no spaces and only ASCII characters',
  'ADMIN_TOKEN: at least 10 different characters, got 3. Generate a token with: openssl rand -base64 32',
  'TELNYX_API_KEY: required, but not set.',
  'Write only ADMIN_TOKEN=…',
  '"password" must be a reference, because secrets do not belong in a file',
  'Authorization is written as plain text',
  'a key of "digits" must be text',
  'write tokens: []',
  'signature: wrong, the key: another one',
])('words about secrets stay: %s', (text) => {
  expect(withoutSecrets(text, '[redacted]')).toBe(text);
});

test('an address without its scheme keeps no password in a problem', () => {
  const problems = new Problems();
  const text = '"alice:S3cr3t@pbx.example.com" is not a SIP URI';
  problems.problem({ file: 'f', line: 1, column: 1 }, text);
  problems.problem({ file: 'f', line: 2, column: 1 }, '"alice@pbx.example.com" is not a SIP URI');
  expect(problems.sorted().problems.map(({ message }) => message)).toEqual([
    '"alice:…@pbx.example.com" is not a SIP URI',
    '"alice@pbx.example.com" is not a SIP URI',
  ]);
});

test('a hostile text is searched in time that grows with its length', () => {
  const hostile = [
    'a:',
    'x-',
    'a-',
    '//',
    'bearer ',
    'authorization:',
    'token=',
    'KEY',
    '"',
    'sip:',
  ];
  const before = cpuTimeMs();
  for (const part of hostile) withoutSecrets(`${part.repeat(5_000 / part.length)}@key`, '…');
  expect(cpuTimeMs() - before).toBeLessThan(500);
});
