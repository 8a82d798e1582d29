/** The compose files against a strict schema of what they use, so that misspelt keys are errors. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readConfig } from '../../src/config/config.ts';
import { VARIABLES } from '../../src/config/environment.ts';
import { parseDockerfile } from '../helpers/dockerfile.ts';

const DOCKER = join(import.meta.dirname, '../../docker');
const read = (name: string) => readFileSync(join(DOCKER, name), 'utf8');
/** The defaults that limit the duration of a stop. */
const STOP_SECS = 10 + 2;

const strict = { additionalProperties: false };
const Duration = Type.String({ pattern: '^\\d+(ms|s|m)$' });
const Texts = Type.Array(Type.String());
const Service = Type.Object(
  {
    image: Type.String({ pattern: ':|^referee$' }),
    build: Type.Optional(Type.String()),
    env_file: Type.Optional(Type.String()),
    environment: Type.Optional(Type.Record(Type.String(), Type.String())),
    ports: Type.Optional(Type.Array(Type.String({ pattern: '^([\\d.]+:)?\\d+:\\d+$' }))),
    volumes: Type.Optional(Type.Array(Type.String({ pattern: '^[^:]+:/[^:]+(:ro)?$' }))),
    tmpfs: Type.Optional(Texts),
    secrets: Type.Optional(Texts),
    read_only: Type.Optional(Type.Boolean()),
    cap_drop: Type.Optional(Type.Array(Type.Literal('ALL'))),
    security_opt: Type.Array(Type.Literal('no-new-privileges:true')),
    restart: Type.Literal('unless-stopped'),
    stop_signal: Type.Optional(Type.String({ pattern: '^SIG' })),
    stop_grace_period: Type.Optional(Duration),
    deploy: Type.Optional(Type.Object({ replicas: Type.Integer() }, strict)),
    depends_on: Type.Optional(
      Type.Union([
        Texts,
        Type.Record(
          Type.String(),
          Type.Object({ condition: Type.Literal('service_healthy') }, strict),
        ),
      ]),
    ),
    healthcheck: Type.Optional(
      Type.Object(
        {
          test: Texts,
          interval: Duration,
          timeout: Duration,
          retries: Type.Integer(),
          start_period: Duration,
        },
        strict,
      ),
    ),
    logging: Type.Optional(
      Type.Object(
        { driver: Type.String(), options: Type.Record(Type.String(), Type.String()) },
        strict,
      ),
    ),
  },
  strict,
);
const Compose = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z0-9][a-z0-9_-]*$' }),
    services: Type.Record(Type.String(), Service),
    volumes: Type.Record(Type.String(), Type.Null()),
    secrets: Type.Optional(
      Type.Record(Type.String(), Type.Object({ environment: Type.String() }, strict)),
    ),
  },
  strict,
);

const files = ['compose.yaml', 'compose.postgres.yaml'];

describe.each(files)('docker/%s', (file) => {
  const compose = parse(read(file)) as Type.Static<typeof Compose>;
  const services = Object.entries(compose.services);
  const { referee } = compose.services;
  const env = referee?.environment ?? {};

  test('uses only words that compose knows', () => {
    expect(
      [...Value.Errors(Compose, compose)].map((it) => `${it.instancePath} ${it.message}`),
    ).toEqual([]);
  });

  test('every image names its version, but ours', () => {
    for (const [name, { image }] of services) {
      if (name !== 'referee') expect(image, name).toMatch(/:v?\d+(\.\d+)*(-[a-z]+)?$/);
    }
  });

  test('what is mounted is there, and volumes, secrets and services that are named exist', () => {
    for (const [name, service] of services) {
      for (const volume of service.volumes ?? []) {
        const [source = ''] = volume.split(':');
        if (source.startsWith('.')) {
          expect(existsSync(join(DOCKER, source)), `${name}: ${source}`).toBe(true);
          expect(volume, name).toMatch(/:ro$/);
        } else {
          expect(Object.keys(compose.volumes), name).toContain(source);
        }
      }
      for (const secret of service.secrets ?? []) {
        expect(Object.keys(compose.secrets ?? {})).toContain(secret);
      }
      const needed = service.depends_on ?? [];
      for (const other of Array.isArray(needed) ? needed : Object.keys(needed)) {
        expect(Object.keys(compose.services)).toContain(other);
      }
    }
  });

  test('a secret of the environment is not copied into a read-only root, which compose refuses', () => {
    for (const [name, { secrets = [], read_only = false }] of services) {
      expect(secrets.length > 0 && read_only, name).toBe(false);
    }
  });

  test('the variables of the service exist and are good ones', () => {
    const known: string[] = VARIABLES.map(([name]) => name);
    expect(Object.keys(env).filter((name) => !known.includes(name))).toEqual([]);
    const filled = Object.entries(env).map(([name, value]) => [
      name,
      value.replace(/\$\{\w+:\?[^}]*\}/g, 'a-secret-of-more-than-24-characters'),
    ]);
    const rest = { TELNYX_PUBLIC_KEY: PUBLIC_KEY, TELNYX_API_KEY: 'KEY' };
    expect(() => readConfig({ ...rest, ...Object.fromEntries(filled) })).not.toThrow();
  });

  test('it runs on a read-only root without privileges, and has the time to stop', () => {
    expect(referee).toMatchObject({ read_only: true, cap_drop: ['ALL'], build: '..' });
    expect(Number.parseInt(referee?.stop_grace_period ?? '', 10)).toBeGreaterThan(STOP_SECS);
    expect(referee?.healthcheck, 'the image has its own').toBeUndefined();
  });

  test('the folders it writes to and reads from are the image’s', () => {
    const { stages } = parseDockerfile(readFileSync(join(DOCKER, '../Dockerfile'), 'utf8'));
    const words =
      stages.at(-1)?.instructions.map(({ keyword, rest }) => `${keyword} ${rest}`) ?? [];
    expect(words).toContain('VOLUME /data');
    expect(words.find((line) => line.startsWith('ENV'))).toContain(`ROUTES_DIR=${env.ROUTES_DIR}`);
    expect(referee?.volumes).toContain(`../routes:${env.ROUTES_DIR}:ro`);
    expect([...(referee?.volumes ?? []), ...(referee?.tmpfs ?? [])].join(' ')).toMatch(/\/data/);
  });

  test('each command in its head names a file that is there', () => {
    const head = read(file).split('\nname:')[0] ?? '';
    for (const [path] of head.matchAll(/docker\/[\w.]+yaml/g)) {
      expect(existsSync(join(DOCKER, '..', path)), path).toBe(true);
    }
    expect(head).toContain(`-f docker/${file}`);
  });
});

test('replicas share a database, and the admin port is not published', () => {
  const { services, secrets } = parse(read('compose.postgres.yaml')) as Type.Static<typeof Compose>;
  expect(services.referee?.deploy?.replicas).toBe(3);
  expect(services.referee?.environment?.DATABASE_URL).toMatch(
    /^postgres:\/\/.*@postgres\/referee$/,
  );
  expect(services.referee?.ports).toBeUndefined();
  expect(secrets?.admin_token?.environment).toBe('ADMIN_TOKEN');
  for (const port of services.proxy?.ports ?? []) {
    if (!port.startsWith('127.')) expect(port).toBe('8080:8080');
  }
  const scraped = parse(read('prometheus/prometheus.yml')) as {
    scrape_configs: { dns_sd_configs?: { port: number }[] }[];
  };
  expect(String(scraped.scrape_configs[0]?.dns_sd_configs?.[0]?.port)).toBe(
    services.referee?.environment?.ADMIN_PORT,
  );
});

test('Grafana finds the dashboard where it is mounted, and Prometheus where it runs', () => {
  const { services } = parse(read('compose.postgres.yaml')) as Type.Static<typeof Compose>;
  const provided = parse(read('grafana/provisioning/dashboards/referee.yaml')) as {
    providers: { options: { path: string } }[];
  };
  const [folder] = provided.providers.map(({ options }) => options.path);
  expect(services.grafana?.volumes).toContain(`./grafana/dashboards:${folder}:ro`);
  expect(readdirSync(join(DOCKER, 'grafana/dashboards'))).toEqual(['referee.json']);
  const sources = parse(read('grafana/provisioning/datasources/prometheus.yaml')) as {
    datasources: { url: string; uid: string }[];
  };
  expect(sources.datasources).toMatchObject([{ uid: 'prometheus', url: 'http://prometheus:9090' }]);
  expect(Object.keys(services)).toContain('prometheus');
});

const PUBLIC_KEY = '11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=';
