/**
 * `referee doctor`: checks the Telnyx account and the routes before a customer calls. It changes
 * nothing.
 */

import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { Config } from '../config/config.ts';
import type { Reached } from '../core/account/account.ts';
import { readyUrl } from '../core/account/applications.ts';
import { examine } from '../core/account/examine.ts';
import { type AccountSettings, type Finding, ourApplications } from '../core/account/finding.ts';
import { type RouteFacts, routeFacts } from '../core/account/route-facts.ts';
import { counted } from '../core/counted.ts';
import { createAccountClient, type Progress } from '../telnyx/account/client.ts';
import { readAccount } from '../telnyx/account/read-account.ts';
import { pathOf } from './options/path.ts';
import { publicUrl } from './options/public-url.ts';
import { accountConfig } from './sources/account-config.ts';
import { reach } from './sources/reach.ts';
import { loadFolder } from './sources/routes-folder.ts';
import { type Io, jsonText } from './terminal/io.ts';
import { colours, plain } from './terminal/terminal.ts';

interface DoctorOptions {
  routes?: string;
  url?: string;
  json?: boolean;
}

export interface DoctorReport {
  /** True if no check found a problem and the routes have none. */
  ok: boolean;
  checks: Finding[];
}

export function doctorCommand(program: Command, io: Io): void {
  program
    .command('doctor')
    .description(
      'check the Telnyx account and the routes, without changing anything; exit 1 on a problem',
    )
    .option('--routes <dir>', 'the routes folder; default ROUTES_DIR, else routes', pathOf)
    .option('--url <url>', 'where webhooks should arrive: https://host', publicUrl)
    .option('--json', 'one JSON object')
    .action(async (options: DoctorOptions) => {
      process.exitCode = await runDoctor(options, io);
    });
}

/** The exit code. */
async function runDoctor(options: DoctorOptions, io: Io): Promise<number> {
  const config = accountConfig('doctor', io);
  if (config === null) return 1;
  const report = await examineAccount(config, options, io);
  io.stdout.write(
    options.json === true ? `${jsonText(report, 2)}\n` : reportText(report.checks, io),
  );
  return report.ok ? 0 : 1;
}

export async function examineAccount(
  config: Config & { ownKey?: boolean },
  options: DoctorOptions,
  io: Io,
): Promise<DoctorReport> {
  const { apiUrl, apiKey, proxy, connectionIds } = config;
  const settings: AccountSettings = {
    publicKeys:
      config.ownKey === false ? [] : config.publicKeys.map((key) => key.toString('base64')),
    connectionIds,
    store: config.database.kind,
    url: options.url ?? null,
  };
  const client = createAccountClient({ apiUrl, apiKey, proxy });
  try {
    const [read, { dir, routes, broken }] = await Promise.all([
      readAccount(client, settings, progress(options, io)),
      routesFrom(options, io),
    ]);
    if (broken) {
      const why = `${plain(dir)} has problems, so what depends on the routes is unknown`;
      io.stderr.write(`referee doctor: ${why}; run referee check\n`);
    }
    const ours = ourApplications({ account: read, settings }) ?? [];
    const reached = await reachAll(ours.flatMap(({ webhookUrl }) => webhookUrl ?? []));
    const account = { ...read, reached };
    const checks = examine({ account, routes, settings, now: Date.now() });
    // A server does not start with broken routes, so the account is not ready either.
    return { ok: !broken && checks.every(({ status }) => status !== 'problem'), checks };
  } finally {
    await client.close();
  }
}

/** `routes` is null if they have problems, or if there are none yet and nobody named a folder. */
async function routesFrom(
  options: DoctorOptions,
  io: Io,
): Promise<{ dir: string; routes: RouteFacts | null; broken: boolean }> {
  const { dir, loaded } = await loadFolder(options.routes, io, Date.now());
  if (!loaded.ok) {
    return { dir, routes: null, broken: options.routes !== undefined || existsSync(dir) };
  }
  const exampleNumbers = loaded.examples.map(({ facts }) => facts.to);
  return { dir, routes: routeFacts(loaded.routes, exampleNumbers), broken: false };
}

async function reachAll(webhookUrls: string[]): Promise<Map<string, Reached>> {
  const reached = new Map<string, Reached>();
  await Promise.all(
    [...new Set(webhookUrls)].map(async (webhookUrl) => {
      const url = readyUrl(webhookUrl);
      if (url !== null) reached.set(webhookUrl, await reach(url));
    }),
  );
  return reached;
}

/** On a terminal, a progress line that is overwritten. */
function progress(options: DoctorOptions, io: Io): Progress {
  if (!io.isTTY || options.json === true) return () => {};
  return (read, total) => {
    const of = total === null ? '' : ` of ${total}`;
    io.stderr.write(`\r\u001b[K${read === total ? '' : `Reading numbers: ${read}${of} …`}`);
  };
}

export function reportText(checks: readonly Finding[], io: Io): string {
  const { bold, dim, red, green, yellow, cyan } = colours(io);
  const words = { ok: green, warning: yellow, problem: red, unknown: cyan };
  let text = '';
  for (const { check, status, message, fix, about } of checks) {
    const mark = words[status](status.padEnd(8));
    const whom = about === null ? '' : dim(` (${plain(about)})`);
    text += `${mark}${bold(check.padEnd(13))}${plain(message)}${whom}\n`;
    if (fix !== null) text += `${' '.repeat(21)}${cyan('fix:')} ${plain(fix)}\n`;
  }
  const count = (status: Finding['status']) =>
    checks.filter((finding) => finding.status === status).length;
  const verdict = verdictOf(count, { green, red, yellow });
  return `${text}\n${bold('The account')} ${verdict}: ${counted(count('problem'), 'problem')}, ${counted(count('warning'), 'warning')}, ${count('unknown')} unknown\n`;
}

/** Not "ok" if some or all checks could not be done. */
function verdictOf(
  count: (status: Finding['status']) => number,
  { green, red, yellow }: Pick<ReturnType<typeof colours>, 'green' | 'red' | 'yellow'>,
): string {
  if (count('problem') > 0) return `is ${red('not ok')}`;
  if (count('unknown') === 0) return `is ${green('ok')}`;
  return count('ok') === 0
    ? yellow('could not be checked')
    : `is ${yellow('ok as far as it could be checked')}`;
}
