/** The manifests against the API server's own schemas, and their consistency with each other. */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { Ingress } from 'kubernetes-models/networking.k8s.io/v1/Ingress';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { Namespace } from 'kubernetes-models/v1/Namespace';
import { Secret } from 'kubernetes-models/v1/Secret';
import { Service } from 'kubernetes-models/v1/Service';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { VARIABLES } from '../../src/config/environment.ts';

const FOLDER = join(import.meta.dirname, '../../docker/kubernetes');
const REFEREE = join(import.meta.dirname, '../../bin/referee.js');
const KINDS = { ConfigMap, Deployment, Ingress, Namespace, PodDisruptionBudget, Secret, Service };

const manifests = (
  await Promise.all(
    (
      await readdir(FOLDER)
    )
      .filter((name) => name !== 'kustomization.yaml')
      .map(async (name) => parseAllDocuments(await readFile(join(FOLDER, name), 'utf8'))),
  )
)
  .flat()
  .map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS() as { kind: keyof typeof KINDS; metadata: { name: string } };
  });

const deployment = new Deployment(
  manifests.find(({ kind }) => kind === 'Deployment') as unknown as ConstructorParameters<
    typeof Deployment
  >[0],
);
const pod = deployment.spec?.template.spec;
const [container] = pod?.containers ?? [];
const env = Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, value]));

test.each(manifests.map((it) => [it.kind, it.metadata.name, it] as const))(
  '%s %s is one that the API server takes',
  (kind, _, manifest) => {
    const Kind = KINDS[kind] as new (data: never) => { validate(): void };
    expect(() => new Kind(manifest as never).validate()).not.toThrow();
  },
);

test('a misspelt field would have been found', () => {
  const wrong = { metadata: { name: 'wrong' }, spec: { replica: 3 } };
  expect(() => new Deployment(wrong as never).validate()).toThrow();
});

test('kustomize takes every file of the folder, and no other', async () => {
  const { resources } = parse(await readFile(join(FOLDER, 'kustomization.yaml'), 'utf8')) as {
    resources: string[];
  };
  const files = (await readdir(FOLDER)).filter((name) => name !== 'kustomization.yaml');
  expect([...resources].sort()).toEqual(files.sort());
});

test('no privilege, no root, nothing to write to but memory, and the image’s user', async () => {
  const dockerfile = await readFile(join(import.meta.dirname, '../../Dockerfile'), 'utf8');
  expect(dockerfile).toContain(
    `USER ${pod?.securityContext?.runAsUser}:${pod?.securityContext?.runAsGroup}`,
  );
  expect(pod?.securityContext?.runAsNonRoot).toBe(true);
  expect(container?.securityContext).toEqual({
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
  });
  expect(container?.volumeMounts).toEqual([
    { name: 'routes', mountPath: env.ROUTES_DIR, readOnly: true },
    { name: 'temporary', mountPath: '/tmp' },
  ]);
  expect(pod?.volumes).toContainEqual({
    name: 'temporary',
    emptyDir: { medium: 'Memory', sizeLimit: '32Mi' },
  });
});

test('the variables exist, those required are given, and none is given twice', () => {
  const secret = manifests.find(({ kind }) => kind === 'Secret') as unknown as {
    stringData: Record<string, string>;
  };
  const names = [...Object.keys(env), ...Object.keys(secret.stringData)];
  const known: string[] = VARIABLES.map(([name]) => name);
  expect(names.filter((name) => !known.includes(name))).toEqual([]);
  expect(names).toEqual(expect.arrayContaining(['TELNYX_PUBLIC_KEY', 'TELNYX_API_KEY']));
  expect(new Set(names).size).toBe(names.length);
  // No secret is in a place that everybody can read.
  const secrets = VARIABLES.filter(([, { secret }]) => secret === true).map(([name]) => name);
  expect(Object.keys(env).filter((name) => (secrets as string[]).includes(name))).toEqual([]);
});

test('a pod has the time to stop: drain, commands, and what close-with-grace waits', () => {
  const shutdown = Number(env.SHUTDOWN_TIMEOUT_SECS);
  expect(Number(env.DRAIN_DELAY_SECS)).toBeLessThan(shutdown);
  expect(pod?.terminationGracePeriodSeconds).toBeGreaterThan(shutdown + 2);
  // "Not ready" is noticed while webhooks are still accepted.
  const { periodSeconds = 10, failureThreshold = 3 } = container?.readinessProbe ?? {};
  expect(periodSeconds * failureThreshold).toBeLessThan(Number(env.DRAIN_DELAY_SECS));
});

test('probes, services and ingress ask for ports and paths that are there', () => {
  const ports = (container?.ports ?? []).map(({ name }) => name);
  const probes = [container?.startupProbe, container?.livenessProbe, container?.readinessProbe];
  expect(probes.map((probe) => probe?.httpGet?.path)).toEqual([
    '/health/live',
    '/health/live',
    '/health/ready',
  ]);
  for (const probe of probes) expect(ports).toContain(probe?.httpGet?.port);
  const numbers = (container?.ports ?? []).map(({ containerPort }) => String(containerPort));
  expect(numbers).toEqual([env.PORT, env.ADMIN_PORT]);
  const services = manifests.filter(({ kind }) => kind === 'Service') as unknown as {
    metadata: { name: string };
    spec: { selector: Record<string, string>; ports: { targetPort: string }[] };
  }[];
  for (const { spec } of services) {
    expect(spec.selector).toEqual(deployment.spec?.selector.matchLabels);
    for (const { targetPort } of spec.ports) expect(ports).toContain(targetPort);
  }
  const text = JSON.stringify(manifests.find(({ kind }) => kind === 'Ingress'));
  // Without it a webhook that meets a stopping pod is lost until Telnyx delivers again.
  expect(text).toMatch(/proxy-next-upstream":"[^"]*\bhttp_503\b[^"]*\bnon_idempotent"/);
  expect(text).toContain('"path":"/webhooks/telnyx"');
  expect(text).not.toContain('admin');
});

test('pods are chosen alike by the deployment, its spread and the disruption budget', () => {
  const labels = deployment.spec?.selector.matchLabels;
  expect(deployment.spec?.template.metadata?.labels).toMatchObject(labels ?? { missing: 'labels' });
  for (const { labelSelector } of pod?.topologySpreadConstraints ?? []) {
    expect(labelSelector?.matchLabels).toEqual(labels);
  }
  const budget = manifests.find(({ kind }) => kind === 'PodDisruptionBudget') as unknown as {
    spec: { selector: { matchLabels: unknown }; maxUnavailable: number };
  };
  expect(budget.spec.selector.matchLabels).toEqual(labels);
  expect(deployment.spec?.replicas).toBeGreaterThan(budget.spec.maxUnavailable);
});

test('the call routes pass their check as the kubelet mounts them: links into a folder of a date', async () => {
  const map = manifests.find(({ kind }) => kind === 'ConfigMap') as unknown as {
    data: Record<string, string>;
  };
  const folder = await mkdtemp(join(tmpdir(), 'referee-configmap-'));
  const dated = '..2026_03_02_15_00_00.123456789';
  await mkdir(join(folder, dated));
  await symlink(dated, join(folder, '..data'));
  for (const [name, text] of Object.entries(map.data)) {
    await writeFile(join(folder, dated, name), text);
    await symlink(join('..data', name), join(folder, name));
  }
  const told = execFileSync(process.execPath, [REFEREE, 'check', folder, '--json'], {
    encoding: 'utf8',
  });
  expect(JSON.parse(told)).toMatchObject({ ok: true, rules: 1, examples: [{ ok: true }] });
  await rm(folder, { recursive: true });
});
