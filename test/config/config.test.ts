import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import nacl from 'tweetnacl';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { limitedSettings, weakToken } from '../../src/config/checks.ts';
import { readConfig } from '../../src/config/config.ts';
import { type Environment, withEnvFile } from '../../src/config/env-file.ts';
import { isOptional, VARIABLES } from '../../src/config/environment.ts';
import { parseAdminToken } from '../../src/config/values.ts';
import { InvalidConfiguration } from '../../src/errors.ts';

const publicKey = newPublicKey();
const API_KEY = 'KEY0123_very_secret';
const TOKEN = 'q1W8e2R7t3Y6u4I5o9P0-_aS';
const good = { TELNYX_PUBLIC_KEY: publicKey, TELNYX_API_KEY: API_KEY };

describe('readConfig', () => {
  it('fills in the documented defaults', () => {
    expect({ ...readConfig(good) }).toEqual({
      publicKeys: [Buffer.from(publicKey, 'base64')],
      apiKey: API_KEY,
      apiUrl: 'https://api.telnyx.com/v2',
      proxy: null,
      connectionIds: null,
      host: '0.0.0.0',
      port: 3000,
      adminPort: null,
      database: { kind: 'sqlite', path: 'data/referee.db' },
      routesDir: 'routes',
      routesWatch: false,
      routesHandlers: true,
      routesNextDir: null,
      routesNextPercent: 0,
      adminToken: null,
      logLevel: 'info',
      logNumbers: 'masked',
      signatureEngine: 'auto',
      signatureToleranceSecs: 300,
      tokensFile: null,
      retentionDays: 30,
      historyDays: 400,
      accountCheckMinutes: 60,
      keepWarmSecs: 15,
      warmUpCalls: 40,
      drainDelaySecs: 3,
      shutdownTimeoutSecs: 10,
    });
  });

  it('takes every variable as written', () => {
    const second = newPublicKey();
    const config = readConfig({
      TELNYX_PUBLIC_KEY: `${publicKey}, ${second}`,
      TELNYX_API_KEY: API_KEY,
      TELNYX_API_URL: 'http://127.0.0.1:4010/v2/',
      TELNYX_CONNECTION_IDS: '1494404757140276705, 1684641123236054244',
      HOST: '::',
      PORT: '0',
      ADMIN_PORT: '9000',
      DATABASE_URL: 'sqlite:/var/lib/referee.db',
      ROUTES_DIR: '/etc/referee/routes',
      ROUTES_WATCH: 'true',
      ROUTES_HANDLERS: 'false',
      ADMIN_TOKEN: TOKEN,
      LOG_LEVEL: 'debug',
      LOG_NUMBERS: 'full',
      SIGNATURE_ENGINE: 'tweetnacl',
      SIGNATURE_TOLERANCE_SECS: '60',
      RETENTION_DAYS: '1',
      DRAIN_DELAY_SECS: '0',
      SHUTDOWN_TIMEOUT_SECS: '20',
    });
    expect(config.publicKeys.map((key) => key.toString('base64'))).toEqual([publicKey, second]);
    expect(config).toMatchObject({
      apiUrl: 'http://127.0.0.1:4010/v2',
      connectionIds: new Set(['1494404757140276705', '1684641123236054244']),
      host: '::',
      port: 0,
      adminPort: 9000,
      database: { kind: 'sqlite', path: '/var/lib/referee.db' },
      routesDir: '/etc/referee/routes',
      routesWatch: true,
      routesHandlers: false,
      adminToken: TOKEN,
      logLevel: 'debug',
      logNumbers: 'full',
      signatureEngine: 'tweetnacl',
      signatureToleranceSecs: 60,
      retentionDays: 1,
      historyDays: 400,
      warmUpCalls: 40,
      drainDelaySecs: 0,
      shutdownTimeoutSecs: 20,
    });
  });

  it('takes an empty variable for one that is not set', () => {
    const empty = Object.fromEntries(VARIABLES.map(([name]) => [name, '']));
    expect(readConfig({ ...empty, ...good })).toEqual(readConfig(good));
    expect(problemsOf(empty)).toHaveLength(2);
  });

  it('leaves variables alone that it does not know', () => {
    expect(readConfig({ ...good, TELNYX_PROFILE: 'x', ROUTES_DIRECTORY: 'y' })).toEqual(
      readConfig(good),
    );
  });

  it('cannot be changed afterwards', () => {
    const config = readConfig(good);
    expect(() => Object.assign(config, { port: 1 })).toThrow(TypeError);
    expect(() => Object.assign(config.database, { path: 'x' })).toThrow(TypeError);
    expect(Object.isFrozen(config.publicKeys)).toBe(true);
  });

  it('names every problem at once, in the order of the table, each with what to do', () => {
    const problems = problemsOf({
      TELNYX_API_URL: 'http://api.telnyx.com/v2',
      HTTPS_PROXY: 'socks5://proxy:1080',
      TELNYX_CONNECTION_IDS: '12,x',
      HOST: 'a b',
      PORT: '65536',
      ADMIN_PORT: 'x',
      DATABASE_URL: 'mysql://root@db/x',
      ROUTES_WATCH: 'yes',
      ROUTES_NEXT_PERCENT: '101',
      ROUTES_HANDLERS: '1',
      ADMIN_TOKEN: 'short',
      LOG_LEVEL: 'loud',
      LOG_NUMBERS: 'some',
      SIGNATURE_ENGINE: 'openssl',
      SIGNATURE_TOLERANCE_SECS: '-1',
      RETENTION_DAYS: '1.5',
      HISTORY_DAYS: '0',
      ACCOUNT_CHECK_MINUTES: 'hourly',
      KEEP_WARM_SECS: 'always',
      WARM_UP_CALLS: 'many',
      DRAIN_DELAY_SECS: '1e1',
      SHUTDOWN_TIMEOUT_SECS: '0',
    });
    const expected = VARIABLES.map(([name]) => name).filter(
      (name) => !['ROUTES_DIR', 'ROUTES_NEXT_DIR', 'TOKENS_FILE', 'NO_PROXY'].includes(name),
    );
    expect(problems.map((problem) => problem.split(':')[0])).toEqual(expected);
    for (const problem of problems) expect(problem).toMatch(/\. [A-Z].*[.a-z0-9/]$|[.]$/);
  });

  it('says what an address to listen on looks like, where brackets or a port were added', () => {
    for (const HOST of ['[::1]', 'http://127.0.0.1']) {
      expect(problemsOf({ ...good, HOST })).toEqual([
        `HOST: expected an IP address or a host name, without brackets and port, got "${HOST}". Write it alone, such as 127.0.0.1 or ::1.`,
      ]);
    }
  });

  it('says which settings another one limits', () => {
    const said = (env: Environment) => limitedSettings(readConfig({ ...good, ...env }));
    expect(said({})).toEqual([]);
    expect(said({ DRAIN_DELAY_SECS: '9' })).toEqual([]);
    expect(said({ DRAIN_DELAY_SECS: '10' })).toEqual([
      'DRAIN_DELAY_SECS: 10 is cut to 9, because SHUTDOWN_TIMEOUT_SECS (10) includes it and a second to close everything. Set SHUTDOWN_TIMEOUT_SECS to more than 11, so that commands can still be sent after it.',
    ]);
    expect(said({ SHUTDOWN_TIMEOUT_SECS: '2' })).toHaveLength(1);
    expect(said({ ROUTES_NEXT_DIR: './routes/' })).toEqual([
      'ROUTES_NEXT_DIR: "./routes/" is ROUTES_DIR, so the next routes never differ. Give another folder, or leave it unset.',
    ]);
    expect(said({ ADMIN_PORT: '9000' })).toHaveLength(1);
    expect(said({ ADMIN_PORT: '9000', TOKENS_FILE: 'tokens.yaml' })).toEqual([]);
    expect(said({ ADMIN_PORT: '9000', ADMIN_TOKEN: TOKEN })).toEqual([]);
  });

  it.each(['a'.repeat(24), 'abababababababababababab1', 'passwordpasswordpassword'])(
    'takes the token %s, which is easy to guess, and says so',
    (token) => {
      const said = weakToken(readConfig({ ...good, ADMIN_TOKEN: token }));
      expect(said).toMatch(/^ADMIN_TOKEN: it has only \d different characters.*openssl/);
      expect(said).not.toContain(token);
      expect(weakToken(readConfig({ ...good, ADMIN_TOKEN: TOKEN }))).toBeNull();
    },
  );

  it('lets a share of the callers follow the next routes only where there are some', () => {
    const next = { ROUTES_NEXT_DIR: 'next', ROUTES_NEXT_PERCENT: '5' };
    expect(readConfig({ ...good, ...next })).toMatchObject({
      routesNextDir: 'next',
      routesNextPercent: 5,
    });
    expect(readConfig(good)).toMatchObject({ routesNextDir: null, routesNextPercent: 0 });
    const [problem] = problemsOf({ ...good, ROUTES_NEXT_PERCENT: '5' });
    expect(problem).toContain('Set ROUTES_NEXT_DIR');
  });

  it.each([
    ['not set', undefined, 'required'],
    ['an API key in its place', 'KEY0123456789ABCDEF', 'looks like an API key'],
    ['31 bytes', Buffer.alloc(31, 1).toString('base64'), '32 bytes, got one of 31'],
    ['33 bytes', Buffer.alloc(33, 1).toString('base64'), '32 bytes, got one of 33'],
    ['url-safe base64', Buffer.alloc(32, 0xff).toString('base64url'), 'canonical base64'],
    ['no padding', publicKey.replace('=', ''), 'canonical base64'],
    ['hexadecimal', Buffer.from(publicKey, 'base64').toString('hex'), '32 bytes, got one of 48'],
    ['PEM', '-----BEGIN PUBLIC KEY-----', 'canonical base64'],
    ['an empty key among several', `${publicKey},`, 'key 2 of 2'],
    [
      'bytes off the curve',
      Buffer.from(`02${'00'.repeat(31)}`, 'hex').toString('base64'),
      'not an Ed25519',
    ],
    [
      'a coordinate past the prime',
      Buffer.from(`f0${'ff'.repeat(30)}7f`, 'hex').toString('base64'),
      'canonical point',
    ],
  ])('refuses a public key that is %s', (_, text, problem) => {
    const [only, ...others] = problemsOf({ ...good, TELNYX_PUBLIC_KEY: text });
    expect(others).toEqual([]);
    expect(only).toContain(problem);
  });

  it('refuses the eight points of small order', () => {
    for (const [y, signs] of [
      ['0100000000000000000000000000000000000000000000000000000000000000', 2],
      ['ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', 2],
      ['0000000000000000000000000000000000000000000000000000000000000000', 2],
      ['c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', 2],
      ['26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', 2],
    ] as const) {
      for (let sign = 0; sign < signs; sign += 1) {
        const bytes = Buffer.from(y, 'hex');
        bytes.writeUInt8(bytes.readUInt8(31) | (sign << 7), 31);
        const problems = problemsOf({ ...good, TELNYX_PUBLIC_KEY: bytes.toString('base64') });
        expect(problems.join()).toContain('small order');
      }
    }
  });

  it('takes every key that tweetnacl makes', () => {
    for (let i = 0; i < 20; i += 1) {
      expect(() => readConfig({ ...good, TELNYX_PUBLIC_KEY: newPublicKey() })).not.toThrow();
    }
  });

  it.each([
    ['http://api.telnyx.com/v2', false],
    ['http://localhost.example.com', false],
    ['http://127.0.0.1.example.com', false],
    ['http://10.0.0.1/v2', false],
    ['ftp://127.0.0.1/', false],
    ['https://user:pass@api.telnyx.com', false],
    ['https://api.telnyx.com/v2?x=1', false],
    ['api.telnyx.com', false],
    ['https://api.telnyx.eu/v2', true],
    ['http://localhost:4010', true],
    ['http://127.1.2.3:4010/v2', true],
    ['http://[::1]:4010', true],
  ])('judges the API URL %s: %s', (url, fine) => {
    expect(problemsOf({ ...good, TELNYX_API_URL: url })).toHaveLength(fine ? 0 : 1);
  });

  it.each([
    ['sqlite:calls.db', { kind: 'sqlite', path: 'calls.db' }],
    ['sqlite:./calls.db', { kind: 'sqlite', path: './calls.db' }],
    ['sqlite:///var/calls.db', { kind: 'sqlite', path: '/var/calls.db' }],
    ['postgres://u:p@h:5432/d', { kind: 'postgres', url: 'postgres://u:p@h:5432/d' }],
    [
      'postgresql://h/d?sslmode=require',
      { kind: 'postgres', url: 'postgresql://h/d?sslmode=require' },
    ],
    ['sqlite:', null],
    ['sqlite: ', null],
    ['sqlite::memory:', null],
    ['sqlite:file:data/referee.db', null],
    ['sqlite:file:m?mode=memory', null],
    ['sqlite://calls.db', null],
    [
      'postgres:///d?host=/var/run/postgresql',
      { kind: 'postgres', url: 'postgres:///d?host=/var/run/postgresql' },
    ],
    ['postgres://u:p@/d?host=/run', { kind: 'postgres', url: 'postgres://u:p@/d?host=/run' }],
    ['postgres://%2Frun%2Fpg/d', { kind: 'postgres', url: 'postgres://%2Frun%2Fpg/d' }],
    ['postgres://u:p%40%2F%23@h/d', { kind: 'postgres', url: 'postgres://u:p%40%2F%23@h/d' }],
    [
      'postgres://h/d?target_session_attrs=read-write',
      { kind: 'postgres', url: 'postgres://h/d?target_session_attrs=read-write' },
    ],
    ['postgres://a,b/d?target_session_attrs=read-write', null],
    ['postgres://u:p@a:5432,b:5432/d', null],
    ['postgres:///d?host=a,b', null],
    ['postgres://h/d?target_session_attrs=standby', null],
    ['postgres:h/d', null],
    ['postgres://u:p@ss:w/rd@h:x/d', null],
    ['calls.db', null],
  ])('judges the database %s', (text, database) => {
    const env = { ...good, DATABASE_URL: text };
    if (database === null) expect(problemsOf(env)).toHaveLength(1);
    else expect(readConfig(env).database).toEqual(database);
  });

  it.each([
    ['p@Secret#1', '#'],
    ['p@Secret', '@'],
    ['12/Secret@', '/'],
    ['12/Secret', '/'],
    ['12?Secret', '?'],
    ['Secret#', '#'],
    ['100%Secret', '%'],
    ['12\\Secret', '\\'],
    ['Sec ret', 'white space'],
    ['Sec\tret', 'white space'],
  ])('refuses the password %s as it stands, names %s and repeats nothing', (password, named) => {
    const report = problemsOf({
      ...good,
      DATABASE_URL: `postgres://u:${password}@db/referee`,
      HTTPS_PROXY: `http://u:${password}@proxy:3128`,
      TELNYX_API_URL: `https://u:${password}@api.telnyx.com`,
    });
    expect(report.map((problem) => problem.split(':')[0])).toEqual([
      'TELNYX_API_URL',
      'HTTPS_PROXY',
      'DATABASE_URL',
    ]);
    expect(report.join('\n')).not.toMatch(/Sec.?ret/);
    for (const problem of report.slice(1)) {
      expect(problem).toContain(`because of ${named}`);
      expect(problem).toContain('%40');
    }
    const encoded = `postgres://u:${encodeURIComponent(password)}@db/referee`;
    expect(problemsOf({ ...good, DATABASE_URL: encoded })).toEqual([]);
  });

  it.each([
    'replace-with-openssl-rand-base64-32',
    'change-me-change-me-change-me-1',
    'ChangeMeChangeMeChangeMe42',
    'your-admin-token-goes-here',
    'an-example-token-0123456789',
    'todo: a-token-with-24-chars'.replace(': ', '-'),
    '<a-token-of-24-characters>',
    '\u0024{ADMIN_TOKEN_OF_THE_VAULT}',
  ])('refuses the admin token %s with the command that makes a good one', (token) => {
    const [only, ...others] = problemsOf({ ...good, ADMIN_TOKEN: token });
    expect(others).toEqual([]);
    expect(only).toMatch(/^ADMIN_TOKEN: .*openssl rand -base64 32$/);
    expect(only).not.toContain(token);
  });

  it.each(['tbd/', '/Tbd+', '+xxx+', 'todo='])(
    'takes a token in which chance wrote %s',
    (chance) => {
      for (const token of [`${chance}${TOKEN}`, `${TOKEN}${chance}${TOKEN}`, `${TOKEN}${chance}`]) {
        expect(parseAdminToken(token)).toBe(token);
      }
    },
  );

  it('takes every token that openssl makes', { tags: ['long'] }, () => {
    for (let i = 0; i < 20_000; i += 1) {
      const token = randomBytes(32).toString(i % 2 === 0 ? 'base64' : 'hex');
      expect(parseAdminToken(token)).toBe(token);
    }
  });

  it('leaves out quotation marks and white space around values, as docker --env-file hands them on', () => {
    const quoted = {
      TELNYX_PUBLIC_KEY: `"${publicKey}"`,
      TELNYX_API_KEY: `'${API_KEY}'\r`,
      PORT: '"8080"',
      ROUTES_WATCH: ' true ',
      DATABASE_URL: '"sqlite:calls.db"',
      ADMIN_TOKEN: `"${TOKEN}"`,
    };
    expect(readConfig(quoted)).toMatchObject({
      apiKey: API_KEY,
      port: 8080,
      routesWatch: true,
      database: { path: 'calls.db' },
      adminToken: TOKEN,
    });
    expect(problemsOf({ ...good, TELNYX_API_KEY: `"${API_KEY}` }).join()).toContain(
      'TELNYX_API_KEY: it has a quotation mark at only one end',
    );
  });

  it.each(['"PORT"', "'PORT'", '\ufeffPORT', 'export PORT', 'PORT '])(
    'says that the name %j is not PORT',
    (name) => {
      expect(problemsOf({ ...good, [name]: '8080' })).toEqual([
        expect.stringMatching(/^PORT: its name is written as .*Write only PORT=…$/),
      ]);
      expect(problemsOf({ ...good, PORT: '1', [name]: '8080' })).toEqual([]);
    },
  );

  it('takes HTTPS_PROXY and https_proxy, with or without a scheme, but for loopback', () => {
    const proxyOf = (env: Environment) => readConfig({ ...good, ...env }).proxy;
    expect(proxyOf({ HTTPS_PROXY: 'http://u:p@proxy:3128', NO_PROXY: 'a.example' })).toEqual({
      url: 'http://u:p@proxy:3128/',
      none: 'a.example',
    });
    expect(proxyOf({ https_proxy: 'proxy:3128' })?.url).toBe('http://proxy:3128/');
    const loopback = { TELNYX_API_URL: 'http://127.0.0.1:1/v2', HTTPS_PROXY: 'socks5://x' };
    expect(proxyOf(loopback)).toBeNull();
    expect(problemsOf({ ...good, HTTPS_PROXY: 'socks5://x' })).toHaveLength(1);
  });

  it('wants two different ports, unless the system picks them', () => {
    expect(problemsOf({ ...good, ADMIN_PORT: '3000' }).join()).toContain('ADMIN_PORT');
    expect(problemsOf({ ...good, PORT: '0', ADMIN_PORT: '0' })).toEqual([]);
  });

  it('shows no secret: neither in a report nor when it is printed', () => {
    const secrets = {
      API: 'KEY spaced secret',
      TOKEN: 'tiny-secret',
      DB: 'postgres//u:db-secret@h',
    };
    const report = problemsOf({
      TELNYX_PUBLIC_KEY: 'KEY0123secretInTheWrongPlace',
      TELNYX_API_KEY: secrets.API,
      ADMIN_TOKEN: secrets.TOKEN,
      DATABASE_URL: secrets.DB,
      TELNYX_API_URL: 'https://user:url-secret@api.telnyx.com',
    });
    expect(report).toHaveLength(5);
    expect(report.join()).not.toMatch(/secret(?!\.)/i);

    const config = readConfig({
      ...good,
      ADMIN_TOKEN: 'admin-token-very-secret-0123456',
      DATABASE_URL: 'postgres://u:very-secret@h/d',
    });
    expect(`${inspect(config)} ${JSON.stringify(config)}`).not.toContain('secret');
  });

  it('never throws anything else, whatever the environment holds', { tags: ['long'] }, () => {
    const names = VARIABLES.map(([name]) => name);
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constant('1'), fc.constant('sqlite:x'));
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), text), (env) => {
        problemsOf(env);
      }),
    );
  });
});

describe('withEnvFile', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'referee-env-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it('adds what the file says, and lets the real environment win', () => {
    writeFileSync(join(dir, '.env'), '# a comment\nPORT=1\nHOST="::1"\n');
    expect(withEnvFile({ PORT: '2' }, join(dir, '.env'))).toEqual({ PORT: '2', HOST: '::1' });
  });

  it('is content without a file', () => {
    expect(withEnvFile({ PORT: '2' }, join(dir, '.env'))).toEqual({ PORT: '2' });
  });

  it.each([
    ['with a BOM', Buffer.from('\ufeffPORT=1\r\nHOST=::1\r\n')],
    ['with line ends of Windows', Buffer.from('PORT=1\r\nHOST="::1"\r\n')],
  ])('reads a file %s', (_, bytes) => {
    writeFileSync(join(dir, '.env'), bytes);
    expect(withEnvFile({}, join(dir, '.env'))).toEqual({ PORT: '1', HOST: '::1' });
  });

  it.each([
    ['UTF-16 with a BOM', Buffer.from('\ufeffPORT=1\n', 'utf16le'), /UTF-16.*Save it as UTF-8/],
    ['UTF-16, big end first', Buffer.from('\ufeffPORT=1\n', 'utf16le').swap16(), /UTF-16/],
    ['UTF-16 without', Buffer.from('PORT=1\n', 'utf16le'), /UTF-16/],
    ['Latin-1', Buffer.from('# für\nPORT=1\n', 'latin1'), /not UTF-8/],
  ])('says that a file is %s', (_, bytes, words) => {
    writeFileSync(join(dir, '.env'), bytes);
    expect(() => withEnvFile({}, join(dir, '.env'))).toThrow(words);
  });

  it('says what is wrong with a file it cannot read', () => {
    expect(() => withEnvFile({}, dir)).toThrow(InvalidConfiguration);
  });
});

/** Write it again with: ENV_EXAMPLE=write npx vitest run test/config.test.ts */
describe('.env.example', () => {
  const path = join(import.meta.dirname, '../../.env.example');

  it('lists every variable with its meaning and its default', () => {
    if (process.env.ENV_EXAMPLE === 'write') writeFileSync(path, envExample());
    expect(readFileSync(path, 'utf8')).toBe(envExample());
  });

  it('asks for the required ones only, when it is copied as it is', () => {
    const problems = problemsOf(withEnvFile({}, path));
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      'TELNYX_PUBLIC_KEY',
      'TELNYX_API_KEY',
    ]);
  });
});

function envExample(): string {
  const head =
    '# Copy this file to .env and fill in the first two. Variables of the real environment take precedence.\n';
  const entries = VARIABLES.map(([name, schema]) => {
    const values =
      'enum' in schema && Array.isArray(schema.enum) ? ` One of ${schema.enum.join(', ')}.` : '';
    const required = schema.default === undefined && !isOptional(schema);
    const byDefault = schema.default === undefined ? '' : ` Default: ${schema.default}.`;
    const note = values + (required ? ' Required.' : byDefault);
    return `\n# ${schema.description}${note}\n${required ? '' : '#'}${name}=${schema.default ?? ''}\n`;
  });
  return head + entries.join('');
}

function problemsOf(env: Environment): string[] {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    if (error instanceof InvalidConfiguration) return error.problems;
    throw error;
  }
}

function newPublicKey(): string {
  return Buffer.from(nacl.sign.keyPair().publicKey).toString('base64');
}
