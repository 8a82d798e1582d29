/**
 * `referee setup`: makes the Telnyx account lead calls to this server. The plan comes first, and
 * nothing changes before somebody agreed and the undo file is written.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { expectedUrl } from '../core/account/applications.ts';
import type { Change } from '../core/account/change.ts';
import { DEFAULT_NAME, planSetUp, type Refusal, type SetUpPlan } from '../core/account/set-up.ts';
import { planUndo } from '../core/account/undo.ts';
import { isE164 } from '../core/rules/sip-uri.ts';
import { InvalidConfiguration } from '../errors.ts';
import { type AppliedChange, applyChanges } from '../telnyx/account/apply-changes.ts';
import { type AccountClient, createAccountClient } from '../telnyx/account/client.ts';
import { confirm } from './confirm.ts';
import { type AccountConfig, readSettings } from './doctor.ts';
import { type Io, jsonText } from './io.ts';
import { colours, plain } from './routes-folder.ts';
import { afterSetup, type SetupOutlook } from './setup-outlook.ts';
import { appliedText, changeJson, planText } from './setup-text.ts';
import { createUndoFile, readUndoFile, type UndoFile } from './undo-file.ts';

export interface SetupOptions {
  url?: string;
  app?: string;
  number: string[];
  take?: boolean;
  yes?: boolean;
  undo?: string;
  undoDir: string;
  json?: boolean;
}

type Result = 'done' | 'nothing_to_do' | 'refused' | 'failed' | 'not_confirmed';

/** What a run says of itself; the text is written as it goes on, the JSON at its end. */
interface Report {
  result: Result;
  application: { id: string | null; name: string | null } | null;
  changes: ReturnType<typeof changeJson>[];
  problems: Refusal[];
  /** What an undo leaves as it is, and why. */
  kept: string[];
  undo_file: string | null;
  env: Record<string, string> | null;
  doctor: SetupOutlook['doctor'] | null;
}

export function setupCommand(program: Command, io: Io): void {
  const command = program
    .command('setup')
    .description('make the Telnyx account lead calls to this server: shows the plan, asks, applies')
    .option('--url <url>', 'the public address of this server: https://host', urlOf)
    .option(
      '--app <name>',
      `name or id of the Call Control Application; default: the one with this URL, else a new "${DEFAULT_NAME}"`,
      nameOf,
    )
    .addOption(
      new Option('--number <number>', 'a number (+E.164) to assign to it; may be repeated')
        .argParser(numberOf)
        .default([], 'none'),
    )
    .option('--take', 'also take numbers that are assigned to another connection')
    .option('--yes', 'do not ask; needed without a terminal and with --json')
    .option('--undo <file>', 'put back what an earlier run changed, from the file it wrote')
    .option('--undo-dir <dir>', 'where the undo file is written', '.')
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      '\nIt deletes nothing and buys nothing. A second run has nothing to do.\nExit code: 0 done or nothing to do, 1 refused or failed, 2 wrong usage.',
    );
  command.action(async (options: SetupOptions) => {
    const usage = usageProblem(options);
    if (usage !== null) command.error(`referee setup: ${usage}`);
    process.exitCode = await runSetup(options, io);
  });
}

function usageProblem({ url, undo, app, number, take }: SetupOptions): string | null {
  const others = url !== undefined || app !== undefined || number.length > 0 || take === true;
  if (undo !== undefined) {
    return others ? '--undo goes alone, or with --yes and --json' : null;
  }
  return url === undefined
    ? '--url is required: the public address of this server, https://host'
    : null;
}

/** The exit code. */
export async function runSetup(options: SetupOptions, io: Io): Promise<number> {
  let config: AccountConfig;
  let made: Change[] = [];
  try {
    config = readSettings(io);
    if (options.undo !== undefined) made = readUndoFile(options.undo);
  } catch (error) {
    if (!(error instanceof InvalidConfiguration)) throw error;
    io.stderr.write(`referee setup: ${error.message}\n`);
    return 1;
  }
  const { apiUrl, apiKey, proxy } = config;
  const client = createAccountClient({ apiUrl, apiKey, proxy });
  try {
    const plan = options.undo === undefined ? readSetUp(client, options) : readUndo(client, made);
    const report = await carryOut({ client, config, options, io, plan });
    if (options.json === true) io.stdout.write(`${jsonText(report, 2)}\n`);
    return report.result === 'done' || report.result === 'nothing_to_do' ? 0 : 1;
  } finally {
    await client.close();
  }
}

type Plan =
  | { type: 'plan'; application: Report['application']; changes: Change[]; kept: string[] }
  | Extract<SetUpPlan, { type: 'refused' }>;

/** To be read again: the account may change while somebody looks at the plan. */
type ReadPlan = () => Promise<Plan>;

function readSetUp(client: AccountClient, options: SetupOptions): ReadPlan {
  const { app = null, number: numbers, take = false } = options;
  const webhookUrl = expectedUrl(options.url ?? null) ?? '';
  return async () => {
    const [applications, known] = await Promise.all([
      client.applications(),
      numbers.length === 0 ? { end: 'value' as const, value: [] } : client.numbers(),
    ]);
    const account = { applications, numbers: known };
    const plan = planSetUp(account, { webhookUrl, application: app, numbers, take });
    return plan.type === 'refused' ? plan : { ...plan, kept: [] };
  };
}

function readUndo(client: AccountClient, made: readonly Change[]): ReadPlan {
  return async () => {
    const [applications, numbers] = await Promise.all([client.applications(), client.numbers()]);
    const plan = planUndo({ applications, numbers }, made);
    return plan.type === 'refused' ? plan : { ...plan, application: null };
  };
}

interface Run {
  client: AccountClient;
  config: AccountConfig;
  options: SetupOptions;
  io: Io;
  plan: ReadPlan;
}

async function carryOut(run: Run): Promise<Report> {
  const { options, io } = run;
  const say = (text: string) => void (options.json === true || io.stdout.write(text));
  const plan = await run.plan();
  if (plan.type === 'refused') return refuse(plan.problems, run, say);
  const report: Report = {
    result: 'nothing_to_do',
    application: plan.application,
    changes: plan.changes.map((change) => changeJson({ change, state: 'planned', why: null })),
    problems: [],
    kept: plan.kept,
    undo_file: null,
    env: null,
    doctor: null,
  };
  for (const kept of plan.kept) say(`${plain(kept)}\n`);
  if (plan.changes.length === 0) {
    say('There is nothing to do: the account is as it should be.\n');
    return lookAt(report, run, say);
  }
  say(planText(plan.changes, io));
  const count = plan.changes.length === 1 ? 'this change' : `these ${plan.changes.length} changes`;
  const answer = await confirm(`Make ${count} in the Telnyx account?`, options, io);
  if (answer !== 'yes') {
    say(
      answer === 'no'
        ? 'Nothing was changed.\n'
        : 'Nothing was changed. Without a terminal add --yes to make these changes.\n',
    );
    return { ...report, result: 'not_confirmed' };
  }
  if (options.yes !== true && !isDeepStrictEqual(await run.plan(), plan)) {
    const message = 'The account changed while you looked at the plan. Nothing was changed here.';
    return refuse([{ message, fix: 'Run it again to see the plan as it is now.' }], run, say);
  }
  return write(plan.changes, report, run, say);
}

/** From here on the account changes, so what undoes it must be on disk first. */
async function write(
  changes: Change[],
  report: Report,
  run: Run,
  say: (text: string) => void,
): Promise<Report> {
  const { options, client, io } = run;
  const isUndo = options.undo !== undefined;
  let undo: UndoFile | null = null;
  if (!isUndo) {
    try {
      undo = createUndoFile(options.undoDir, changes, Date.now());
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const message = `The undo file cannot be written, so nothing was changed: ${why}`;
      const fix = 'Name a folder that can be written to with --undo-dir.';
      return refuse([{ message, fix }], run, say);
    }
    say(`\nUndo file: ${plain(undo.path)}\n`);
  }
  const known = [...changes];
  const applied = await applyChanges(client, changes, isUndo ? 'go_on' : 'stop', (done, nth) => {
    known[nth] = done;
    if (done.type === 'create_application') keepId(undo, known, io);
  });
  say(appliedText(applied, io));
  const failed = applied.some(({ state }) => state !== 'done');
  const written: Report = {
    ...report,
    result: failed ? 'failed' : 'done',
    application: applicationOf(applied, report.application),
    changes: applied.map(changeJson),
    undo_file: undo?.path ?? null,
  };
  if (!failed) return lookAt(written, run, say);
  if (isUndo && applied.every(({ state }) => state === 'done' || state === 'failed')) {
    say('\nWhat is done stands. Telnyx refuses the rest: put it right in the portal.\n');
    return written;
  }
  const again = isUndo ? `referee setup --undo ${options.undo}` : 'the same command';
  const back = undo === null ? '' : `, or put it back with: referee setup --undo ${undo.path}`;
  say(`\nWhat is done stands. Run ${plain(again)} again to finish${plain(back)}\n`);
  return written;
}

/** A failure here must not hide what was done: the undo also finds the application by its name. */
function keepId(undo: UndoFile | null, changes: readonly Change[], io: Io): void {
  try {
    undo?.rewrite(changes);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    io.stderr.write(`referee setup: the undo file has no id of the new application: ${why}\n`);
  }
}

function applicationOf(
  applied: readonly AppliedChange[],
  planned: Report['application'],
): Report['application'] {
  for (const { change } of applied) {
    if (change.type === 'create_application') return { id: change.id, name: change.name };
  }
  return planned;
}

async function lookAt(report: Report, run: Run, say: (text: string) => void): Promise<Report> {
  const { application } = report;
  // After an undo the account is as it was, which nobody says is well.
  if (application?.id === null || application === null) return report;
  const { env, doctor, text } = await afterSetup(application.id, run);
  say(text);
  return { ...report, env, doctor };
}

function refuse(problems: Refusal[], { io, options }: Run, say: (text: string) => void): Report {
  const { cyan } = colours(io);
  if (options.json !== true) {
    for (const { message, fix } of problems) {
      io.stderr.write(`referee setup: ${plain(message)}\n  ${cyan('fix:')} ${plain(fix)}\n`);
    }
  }
  say('Nothing was changed.\n');
  return {
    result: 'refused',
    application: null,
    changes: [],
    problems,
    kept: [],
    undo_file: null,
    env: null,
    doctor: null,
  };
}

function urlOf(text: string): string {
  const url = expectedUrl(text);
  const isLocal = /^http:\/\/(localhost|127(\.\d{1,3}){3}|\[::1\])(:|\/)/.test(url ?? '');
  if (url === null || !(url.startsWith('https://') || isLocal)) {
    throw new InvalidArgumentError(`expected https://host, got "${plain(text)}"`);
  }
  if (new URL(text).search !== '' || new URL(text).hash !== '' || new URL(text).username !== '') {
    throw new InvalidArgumentError(`expected only https://host, without user, query or fragment`);
  }
  return text;
}

function nameOf(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('expected a name or an id, got nothing');
  return text.trim();
}

function numberOf(text: string, before: string[]): string[] {
  if (!isE164(text))
    throw new InvalidArgumentError(`expected a number like +14155550100, got "${plain(text)}"`);
  return [...before, text];
}
