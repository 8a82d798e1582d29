/**
 * `referee rehearse`: one real call from a number of the account to another, which the running
 * server takes; then what came when. It rings phones and costs money, so it says so and asks.
 */
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import type { Application, PhoneNumber } from '../core/account/account.ts';
import { answersOf } from '../core/account/open-questions.ts';
import { notRead, type Refusal } from '../core/account/set-up.ts';
import { isE164 } from '../core/rules/sip-uri.ts';
import { InvalidConfiguration } from '../errors.ts';
import { type AccountClient, createAccountClient } from '../telnyx/account/client.ts';
import { confirm } from './confirm.ts';
import { type AccountConfig, readSettings } from './doctor.ts';
import type { Documents } from './documents.ts';
import { type Io, jsonText } from './io.ts';
import { rehearsalOf } from './rehearse-evidence.ts';
import { CALLS_LOOKED_AT, type Followed, follow } from './rehearse-follow.ts';
import { rehearsalJson, rehearsalText } from './rehearse-text.ts';
import { colours, plain } from './routes-folder.ts';
import { ownAddress, ServerRefused, serverAt } from './server.ts';
import { documentsOf } from './server-documents.ts';
import { stopSignal } from './stop-signal.ts';

export interface RehearseOptions {
  from: string;
  to: string;
  secs: number;
  server?: string;
  yes?: boolean;
  save?: string;
  json?: boolean;
}

const SECS_DEFAULT = 60;
const SECS_MIN = 5;
const SECS_MAX = 600;
/** Telnyx ends the call by itself this much later, should this process die. */
const TIME_LIMIT_MARGIN_SECS = 60;
/** While it is asked nobody hangs up. */
const SERVER_TIMEOUT_MS = 10_000;

export function rehearseCommand(program: Command, io: Io): void {
  const command = program
    .command('rehearse')
    .description(
      'place one real call between two numbers of the account, follow it, and report what came when; phones ring, and it costs money',
    )
    .requiredOption('--from <number>', 'a number of the account (+E.164) that calls', numberOf)
    .requiredOption('--to <number>', 'a number of the account whose calls we take', numberOf)
    .option('--secs <seconds>', 'hang up after so long', secsOf, SECS_DEFAULT)
    .option(
      '--server <url>',
      'where the running server serves its API; default: HOST and ADMIN_PORT or PORT of .env',
      serverOf,
    )
    .option('--yes', 'do not ask; needed without a terminal and with --json')
    .option('--save <file>', 'keep the evidence: a new file, JSON')
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      '\nIt needs ADMIN_TOKEN, as the server has it.\nExit code: 0 the server took the call and it ended, 1 refused or failed, 2 wrong usage.',
    );
  command.action(async (options: RehearseOptions) => {
    using stopping = stopSignal(io.env);
    process.exitCode = await runRehearse(options, io, stopping.signal);
  });
}

/** The exit code. */
export async function runRehearse(
  options: RehearseOptions,
  io: Io,
  signal: AbortSignal,
): Promise<number> {
  let config: AccountConfig;
  try {
    config = readSettings(io);
  } catch (error) {
    if (!(error instanceof InvalidConfiguration)) throw error;
    io.stderr.write(`referee rehearse: ${error.message}\n`);
    return 1;
  }
  const { apiUrl, apiKey, proxy } = config;
  const client = createAccountClient({ apiUrl, apiKey, proxy });
  try {
    const result = await rehearse({ client, config, options, io, signal });
    if (!('problem' in result)) return result.code;
    const { message, fix } = result.problem;
    io.stderr.write(
      `referee rehearse: ${plain(message)}\n  ${colours(io).cyan('fix:')} ${plain(fix)}\n`,
    );
    return 1;
  } finally {
    await client.close();
  }
}

interface Run {
  client: AccountClient;
  config: AccountConfig;
  options: RehearseOptions;
  io: Io;
  signal: AbortSignal;
}

type Result = { code: number } | { problem: Refusal };

/** Everything that can be wrong is looked at before the call, which cannot be taken back. */
async function rehearse(run: Run): Promise<Result> {
  const { client, config, options, io, signal } = run;
  const { from, to, secs } = options;
  if (from === to) return wrong('--from and --to are the same number.', 'Give two numbers.');
  const chosen = await chooseNumbers(run);
  if ('problem' in chosen) return chosen;
  const { adminToken: token, host, port, adminPort } = config;
  if (token === null) {
    return wrong(
      'ADMIN_TOKEN is not set, so the call cannot be followed.',
      'Set it to the ADMIN_TOKEN of the running server.',
    );
  }
  const url = options.server ?? ownAddress(host, adminPort ?? port);
  const namedBy = options.server === undefined ? 'HOST and ADMIN_PORT or PORT' : '--server';
  const server = documentsOf(serverAt({ url, token, namedBy, timeoutMs: SERVER_TIMEOUT_MS }));
  const before = await callsBefore(server, to);
  if ('problem' in before) return before;
  const say = (text: string): void => void io.stderr.write(text);
  say(
    `This places a real call from ${from} to ${to}, for ${secs} s at most. Phones ring: whoever the routes lead the call to.\nIt costs money: both legs, and whatever the routes do.\n`,
  );
  const answer = await confirm('Place the call?', { ...options, signal }, io);
  if (answer === 'no') return wrong('No call was placed.', 'Answer y to place it.');
  if (answer === 'nobody') {
    return wrong('No call was placed: nobody could be asked.', 'Add --yes to place it.');
  }
  const kept = openEvidence(options.save);
  if ('problem' in kept) return kept;
  const placedAt = Date.now();
  const dialled = await client.dial({
    connectionId: chosen.connectionId,
    from,
    to,
    timeLimitSecs: secs + TIME_LIMIT_MARGIN_SECS,
  });
  if (dialled.end !== 'value') {
    const unclear =
      dialled.end === 'unreachable' ? ' Whether the call was placed is not known.' : '';
    return wrong(
      `Telnyx did not place the call: ${dialled.why}.${unclear}`,
      `Look at the outbound voice profile of ${chosen.application}, and run referee doctor.`,
    );
  }
  const { callId } = dialled.value;
  say(`Placed: ${plain(callId)}\n`);
  const followed = await follow({
    client,
    server,
    callingId: callId,
    from,
    to,
    before: before.ids,
    placedAt,
    secs,
    signal,
    say,
  });
  return report(followed, kept.save, run);
}

function report(followed: Followed, save: (text: string) => void, run: Run): Result {
  const { options, io } = run;
  const rehearsal = rehearsalOf(followed);
  const answers = answersOf(rehearsal);
  const { unknowns, called } = followed;
  const shown = rehearsalJson({ rehearsal, answers, unknowns, from: options.from, to: options.to });
  save(`${JSON.stringify({ ...shown, evidence: followed }, null, 2)}\n`);
  io.stdout.write(
    options.json === true
      ? `${jsonText(shown, 2)}\n`
      : rehearsalText(rehearsal, answers, unknowns, io),
  );
  if (called === null) {
    return wrong(
      `The running server never heard of a call to ${options.to}.`,
      'Run referee doctor: it looks at the webhook URL, the deliveries and the numbers.',
    );
  }
  return { code: called.ended_at === null ? 1 : 0 };
}

async function chooseNumbers({
  client,
  config,
  options,
}: Run): Promise<{ connectionId: string; application: string } | { problem: Refusal }> {
  const [applications, numbers] = await Promise.all([client.applications(), client.numbers()]);
  if (applications.end !== 'value') return { problem: notRead('the applications', applications) };
  if (numbers.end !== 'value') return { problem: notRead('the numbers', numbers) };
  const calling = applicationOf(options.from, numbers.value, applications.value);
  if ('problem' in calling) return calling;
  const called = applicationOf(options.to, numbers.value, applications.value);
  if ('problem' in called) return called;
  const { id: calledId } = called.application;
  if (config.connectionIds !== null && !config.connectionIds.has(calledId)) {
    return wrong(
      `${options.to} is assigned to ${calledId}, which TELNYX_CONNECTION_IDS does not name: the server ignores its calls.`,
      'Name it there, or rehearse with another number.',
    );
  }
  const { id, name, profileId } = calling.application;
  if (profileId === null) {
    return wrong(
      `"${name}" (${id}) of ${options.from} has no outbound voice profile, so it cannot call.`,
      'Choose one for the application in the Telnyx portal.',
    );
  }
  return { connectionId: id, application: `"${name}"` };
}

function applicationOf(
  number: string,
  numbers: readonly PhoneNumber[],
  applications: readonly Application[],
): { application: Application } | { problem: Refusal } {
  const owned = numbers.find((one) => one.number === number);
  if (owned === undefined) {
    return wrong(
      `${number} is not a number of this account.`,
      'Rehearse between two numbers of the account: nobody else should be rung.',
    );
  }
  const application = applications.find(({ id }) => id === owned.connectionId);
  if (application === undefined) {
    return wrong(
      `${number} is assigned to no Call Control Application.`,
      `Assign it: referee setup --url https://<this server> --number ${number}`,
    );
  }
  return { application };
}

/** Also proves that the server can be asked at all. */
async function callsBefore(
  server: Pick<Documents, 'calls' | 'source'>,
  to: string,
): Promise<{ ids: ReadonlySet<string> } | { problem: Refusal }> {
  try {
    const { calls } = await server.calls({ to, limit: CALLS_LOOKED_AT });
    return { ids: new Set(calls.map((call) => call.call_control_id)) };
  } catch (error) {
    if (!(error instanceof ServerRefused)) throw error;
    if (error.status === 401) {
      const { source } = server;
      return wrong(`${source} refuses ADMIN_TOKEN.`, 'Set it to the ADMIN_TOKEN of that server.');
    }
    return wrong(
      `The running server cannot be asked: ${error.message}.`,
      'Start it with ADMIN_TOKEN set, or name its address with --server.',
    );
  }
}

/** Opened before the call: a call whose evidence cannot be kept need not be paid for. */
function openEvidence(
  path: string | undefined,
): { save: (text: string) => void } | { problem: Refusal } {
  if (path === undefined) return { save: () => {} };
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return wrong(`--save: ${why}. No call was placed.`, 'Name a new file in a folder that exists.');
  }
  return { save: (text) => writeFileSync(path, text) };
}

function wrong(message: string, fix: string): { problem: Refusal } {
  return { problem: { message, fix } };
}

function numberOf(text: string): string {
  if (!isE164(text))
    throw new InvalidArgumentError(`expected a number like +14155550100, got "${plain(text)}"`);
  return text;
}

function secsOf(text: string): number {
  const secs = Number(text);
  if (!/^\d{1,3}$/.test(text) || secs < SECS_MIN || secs > SECS_MAX) {
    throw new InvalidArgumentError(`expected a whole number from ${SECS_MIN} to ${SECS_MAX}`);
  }
  return secs;
}

function serverOf(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new InvalidArgumentError(`expected http://host:port, got "${plain(text)}"`);
  }
  return text.replace(/\/+$/, '');
}
