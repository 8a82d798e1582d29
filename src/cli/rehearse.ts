/**
 * `referee rehearse`: places one real call from one number of the account to another, which the
 * running server handles, and then shows what arrived when. It rings phones and costs money, so it
 * asks first.
 */
import { type Command, InvalidArgumentError } from 'commander';
import { answersOf } from '../core/account/open-questions.ts';
import type { SetupProblem } from '../core/account/setup.ts';
import { type AccountClient, createAccountClient } from '../telnyx/account/client.ts';
import { numberOf } from './options/number.ts';
import { pathOf } from './options/path.ts';
import { wholeFrom } from './options/whole.ts';
import { rehearsalOf } from './rehearse/evidence.ts';
import { type Followed, follow } from './rehearse/follow.ts';
import { getReady, type Ready, wrong } from './rehearse/ready.ts';
import { type EvidenceFile, openEvidence } from './rehearse/save.ts';
import { rehearsalJson, rehearsalText } from './rehearse/text.ts';
import { type AccountConfig, accountConfig } from './sources/account-config.ts';
import { confirm } from './terminal/confirm.ts';
import { type Io, jsonText } from './terminal/io.ts';
import { stopSignal } from './terminal/stop-signal.ts';
import { colours, plain } from './terminal/terminal.ts';

interface RehearseOptions {
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
/** If this process dies, Telnyx ends the call this much later. */
const TIME_LIMIT_MARGIN_SECS = 60;

export function rehearseCommand(program: Command, io: Io): void {
  const command = program
    .command('rehearse')
    .description(
      'place one real call between two numbers of the account, follow it, and report its events and their times; phones ring, and it costs money',
    )
    .requiredOption('--from <number>', 'a number of the account (+E.164) that calls', numberOf)
    .requiredOption(
      '--to <number>',
      'a number of the account whose calls this server takes',
      numberOf,
    )
    .option(
      '--secs <seconds>',
      'hang up after this time',
      wholeFrom(SECS_MIN, SECS_MAX),
      SECS_DEFAULT,
    )
    .option(
      '--server <url>',
      'where the running server serves its API; default: HOST and ADMIN_PORT or PORT of .env',
      serverOf,
    )
    .option('--yes', 'do not ask; needed without a terminal and with --json')
    .option('--save <file>', 'keep the evidence: a new file, JSON', pathOf)
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      '\nIt needs the ADMIN_TOKEN of the server.\nExit code: 0 the server took the call and it ended, 1 refused or failed, 2 wrong usage.',
    );
  command.action(async (options: RehearseOptions) => {
    using stopping = stopSignal(io.env);
    process.exitCode = await runRehearse(options, io, stopping.signal);
  });
}

/** Returns the exit code. */
export async function runRehearse(
  options: RehearseOptions,
  io: Io,
  signal: AbortSignal,
): Promise<number> {
  const config = accountConfig('rehearse', io);
  if (config === null) return 1;
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

type Result = { code: number } | { problem: SetupProblem };

/** Checks everything before placing the call, because the call cannot be undone. */
async function rehearse(run: Run): Promise<Result> {
  const { client, config, options, io, signal } = run;
  const ready = await getReady(client, config, options);
  if ('problem' in ready) return ready;
  const { from, to, secs } = options;
  io.stderr.write(
    `This places a real call from ${from} to ${to}, for ${secs} s at most. The phones that the routes lead to will ring.\nIt costs money: both legs, and whatever the routes do.\n`,
  );
  const answer = await confirm('Place the call?', { ...options, signal }, io);
  if (signal.aborted) return wrong('Stopped: no call was placed.', 'Run it again to place it.');
  if (answer === 'no') return wrong('No call was placed.', 'Answer y to place it.');
  if (answer === 'nobody') {
    return wrong('No call was placed: nobody could be asked.', 'Add --yes to place it.');
  }
  const kept = openEvidence(options.save);
  if ('problem' in kept) return kept;
  using evidence = kept;
  const followed = await call(ready, run);
  return 'problem' in followed ? followed : report(followed, evidence, run);
}

async function call(ready: Ready, run: Run): Promise<Followed | { problem: SetupProblem }> {
  const { client, options, io, signal } = run;
  const { connectionId, application, server, before } = ready;
  const { from, to, secs } = options;
  const say = (text: string): void => void io.stderr.write(text);
  const placedAt = Date.now();
  const timeLimitSecs = secs + TIME_LIMIT_MARGIN_SECS;
  const dialled = await client.dial({ connectionId, from, to, timeLimitSecs });
  if (dialled.end !== 'value') {
    const unclear =
      dialled.end === 'unreachable' ? ' It is unknown whether the call was placed.' : '';
    return wrong(
      `Telnyx did not place the call: ${dialled.why}.${unclear}`,
      `Look at the outbound voice profile of ${application}, and run referee doctor.`,
    );
  }
  const { callId: callingId } = dialled.value;
  say(`Placed: ${plain(callingId)}\n`);
  return follow({
    client,
    server,
    callingId,
    from,
    to,
    before,
    placedAt,
    secs,
    signal,
    say,
  });
}

function report(followed: Followed, evidence: EvidenceFile, run: Run): Result {
  const { options, io } = run;
  const rehearsal = rehearsalOf(followed);
  const answers = answersOf(rehearsal);
  const { unknowns, called } = followed;
  const shown = rehearsalJson({ rehearsal, answers, unknowns, from: options.from, to: options.to });
  // Printed first, because a full disk must not hide the result of a call that cost money.
  io.stdout.write(
    options.json === true
      ? `${jsonText(shown, 2)}\n`
      : rehearsalText(rehearsal, answers, unknowns, io),
  );
  const refusal = evidence.save(`${JSON.stringify({ ...shown, evidence: followed }, null, 2)}\n`);
  if (refusal !== null) return refusal;
  if (called === null) {
    return wrong(
      `The running server never heard of a call to ${options.to}.`,
      'Run referee doctor: it looks at the webhook URL, the deliveries and the numbers.',
    );
  }
  return { code: called.ended_at === null ? 1 : 0 };
}

function serverOf(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new InvalidArgumentError(`expected http://host:port, got "${plain(text)}"`);
  }
  return text.replace(/\/+$/, '');
}
