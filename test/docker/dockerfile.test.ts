/** The rules of hadolint that this Dockerfile could break, and our own rules. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { VARIABLES } from '../../src/config/environment.ts';
import { execForm, parseDockerfile } from '../helpers/dockerfile.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
const read = (name: string) => readFileSync(join(REPOSITORY, name), 'utf8');
const { stages } = parseDockerfile(read('Dockerfile'));
const all = stages.flatMap(({ instructions }) => instructions);
const final = stages.at(-1)?.instructions ?? [];
const lastOf = (keyword: string) => final.findLast((it) => it.keyword === keyword)?.rest ?? '';

test('every stage is the slim image of the Node that .nvmrc names', () => {
  const version = read('.nvmrc').trim();
  expect(stages.map(({ base }) => base)).toEqual(stages.map(() => `node:${version}-slim`));
});

test('every step is a script in docker/, in exec form', () => {
  const steps = all.filter(({ keyword }) => keyword === 'RUN').map(({ rest }) => execForm(rest));
  for (const step of steps) {
    expect(step?.[0]).toBe('sh');
    expect(readdirSync(join(REPOSITORY, 'docker'))).toContain(step?.[1]?.replace('docker/', ''));
  }
});

test('only COPY brings files in, and instructions are ones that every builder knows', () => {
  const known =
    /^(LABEL|WORKDIR|COPY|RUN|ENV|USER|VOLUME|EXPOSE|STOPSIGNAL|HEALTHCHECK|ENTRYPOINT|CMD)$/;
  expect(all.filter(({ keyword }) => !known.test(keyword))).toEqual([]);
  for (const { rest } of all.filter(({ keyword }) => keyword === 'WORKDIR')) {
    expect(rest).toMatch(/^\//);
  }
});

test('it runs as a user by number who is not root, set after the last RUN', () => {
  expect(lastOf('USER')).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  const order = final.map(({ keyword }) => keyword);
  expect(order.lastIndexOf('USER')).toBeGreaterThan(order.lastIndexOf('RUN'));
});

test('what is started gets the signals: entrypoint and health check in exec form, SIGTERM to stop', () => {
  expect(execForm(lastOf('ENTRYPOINT'))).toEqual(['sh', 'docker/start.sh']);
  expect(read('docker/start.sh')).toMatch(/^exec node /m);
  expect(execForm(lastOf('CMD'))).toEqual(['serve']);
  expect(lastOf('STOPSIGNAL')).toBe('SIGTERM');
  const [, check = ''] = lastOf('HEALTHCHECK').split('CMD ');
  expect(execForm(check)).toEqual(['node', 'docker/health.js']);
});

test('its environment names variables that exist, and no secret', () => {
  const names = [...lastOf('ENV').matchAll(/(\w+)=/g)].map(([, name]) => name ?? '');
  const ours: string[] = VARIABLES.map(([name]) => name);
  expect(names.filter((name) => name !== 'NODE_ENV' && !ours.includes(name))).toEqual([]);
  const secret = VARIABLES.filter(([, schema]) => schema.secret).map(([name]) => name as string);
  expect(names.filter((name) => secret.includes(name) && name !== 'DATABASE_URL')).toEqual([]);
});

describe.each(readdirSync(join(REPOSITORY, 'docker')).filter((name) => name.endsWith('.sh')))(
  'docker/%s',
  (name) => {
    test('says what it is for, stops at the first error, and is a script that sh can read', () => {
      const text = read(`docker/${name}`);
      expect(text).toMatch(/^#!\/bin\/sh\n# [A-Z]/);
      expect(text).toMatch(/^set -eu$/m);
      execFileSync('sh', ['-n', join(REPOSITORY, 'docker', name)]);
    });
  },
);
