/** The packed package, and folders in which a user installs it. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { askBroker } from './broker.ts';

/** The path of `telnyx-referee-<version>.tgz`, built once per test run. */
export function packedTarball(): Promise<string> {
  return askBroker(inject('packageBroker'));
}

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

export interface Folder {
  path: string;
  /** An environment without anything of this checkout except its Node. */
  env: Record<string, string>;
  run(command: string, ...args: string[]): Promise<Ended>;
  remove(): Promise<void>;
}

/** What npm needs to reach its registry from this machine. */
const REGISTRY = [
  'npm_config_cache',
  'npm_config_registry',
  'npm_config_cafile',
  'NODE_EXTRA_CA_CERTS',
  'HTTPS_PROXY',
  'https_proxy',
  'NO_PROXY',
  'no_proxy',
];

function entryOf(name: string): [string, string][] {
  const value = process.env[name];
  return value === undefined || value === '' ? [] : [[name, value]];
}

export async function emptyFolder(): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), 'referee-user-'));
  return { ...folderAt(path), remove: () => rm(path, { recursive: true, force: true }) };
}

export function folderAt(path: string): Omit<Folder, 'remove'> {
  const env: Record<string, string> = {
    ...Object.fromEntries(REGISTRY.flatMap((name) => entryOf(name))),
    PATH: `${join(process.execPath, '..')}:/usr/local/bin:/usr/bin:/bin`,
    HOME: process.env.HOME ?? path,
    npm_config_prefer_offline: 'true',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
  };
  return {
    path,
    env,
    run: (command, ...args) =>
      new Promise((resolve) => {
        execFile(command, args, { cwd: path, env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
          const code = error === null ? 0 : Number(error.code ?? 1);
          resolve({ code, stdout, stderr });
        });
      }),
  };
}
