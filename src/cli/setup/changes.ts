/** Shows the plan, asks, and changes the account, but only after the undo file has been written. */
import { isDeepStrictEqual } from 'node:util';
import type { Change } from '../../core/account/change.ts';
import type { SetupProblem } from '../../core/account/setup.ts';
import { type AppliedChange, applyChanges } from '../../telnyx/account/apply-changes.ts';
import type { AccountClient } from '../../telnyx/account/client.ts';
import type { AccountConfig } from '../sources/account-config.ts';
import { confirm } from '../terminal/confirm.ts';
import type { Io } from '../terminal/io.ts';
import { colours, plain } from '../terminal/terminal.ts';
import { afterSetup, type SetupOutlook } from './outlook.ts';
import type { Plan, ReadPlan, SetupOptions } from './plan.ts';
import { appliedText, changeJson, planText } from './text.ts';
import { createUndoFile, type UndoFile } from './undo-file.ts';

type Result = 'done' | 'nothing_to_do' | 'refused' | 'failed' | 'not_confirmed';

/** The report of a run. Text is printed as the run proceeds, JSON at the end. */
export interface Report {
  result: Result;
  application: { id: string | null; name: string | null } | null;
  changes: ReturnType<typeof changeJson>[];
  problems: SetupProblem[];
  /** What an undo does not change, and why. */
  kept: string[];
  undo_file: string | null;
  env: Record<string, string> | null;
  doctor: SetupOutlook['doctor'] | null;
}

const NOTHING_TO_DO: Report = {
  result: 'nothing_to_do',
  application: null,
  changes: [],
  problems: [],
  kept: [],
  undo_file: null,
  env: null,
  doctor: null,
};

interface Run {
  client: AccountClient;
  config: AccountConfig;
  options: SetupOptions;
  io: Io;
  plan: ReadPlan;
}

export async function carryOut(run: Run): Promise<Report> {
  const { options, io } = run;
  const say = (text: string) => void (options.json === true || io.stdout.write(text));
  const plan = await run.plan();
  if (plan.type === 'refused') return refuse(plan.problems, run, say);
  const report: Report = {
    ...NOTHING_TO_DO,
    application: plan.application,
    changes: plan.changes.map((change) => changeJson({ change, state: 'planned', why: null })),
    kept: plan.kept,
  };
  for (const kept of plan.kept) say(`${plain(kept)}\n`);
  if (plan.changes.length === 0) {
    const isUndo = options.undo !== undefined;
    const why = isUndo
      ? 'nothing of that run is left to put back'
      : 'the account is as it should be';
    say(`There is nothing to do: ${why}.\n`);
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
  const refusals = options.yes === true ? [] : await changedSince(plan, run);
  return refusals.length > 0 ? refuse(refusals, run, say) : write(plan.changes, report, run, say);
}

/** Somebody may have looked at the plan for an hour. */
async function changedSince(shown: Plan, run: Run): Promise<SetupProblem[]> {
  const now = await run.plan();
  if (now.type === 'refused') return now.problems;
  if (isDeepStrictEqual(now, shown)) return [];
  const message = 'The account changed after the plan was shown, so nothing was changed.';
  return [{ message, fix: 'Run it again to see the plan as it is now.' }];
}

/** The account is changed from here on, so the undo file must be on disk first. */
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
    say(
      '\nThe changes that were made remain. Telnyx refuses the others: make them in the portal.\n',
    );
    return written;
  }
  const again = isUndo ? `referee setup --undo ${options.undo}` : 'the same command';
  const back = undo === null ? '' : `, or undo them with: referee setup --undo ${undo.path}`;
  say(`\nThe changes that were made remain. Run ${plain(again)} again to finish${plain(back)}\n`);
  return written;
}

/**
 * A failure here must not hide what was done. The undo can also find the application by its name.
 */
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
  // After an undo the account is as it was before, so there is nothing to check.
  if (application?.id === null || application === null) return report;
  const { env, doctor, text } = await afterSetup(application.id, run);
  say(text);
  return { ...report, env, doctor };
}

function refuse(
  problems: SetupProblem[],
  { io, options }: Run,
  say: (text: string) => void,
): Report {
  const { cyan } = colours(io);
  if (options.json !== true) {
    for (const { message, fix } of problems) {
      io.stderr.write(`referee setup: ${plain(message)}\n  ${cyan('fix:')} ${plain(fix)}\n`);
    }
  }
  say('Nothing was changed.\n');
  return { ...NOTHING_TO_DO, result: 'refused', problems };
}
