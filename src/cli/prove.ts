/**
 * `referee prove`: shows everything that can happen to the callers of each rule, and the worst
 * case.
 */
import { type Command, Option } from 'commander';
import { counted } from '../core/counted.ts';
import { OTHERWISE } from '../core/machine/plan.ts';
import { breaches, type Guarantee } from '../core/prove/guarantee.ts';
import type { ProveOptions, RuleProof } from '../core/prove/prove.ts';
import { proofReport } from '../core/prove/report.ts';
import { mermaid, stepsIn, type TreeLine, treeLines } from '../core/prove/tree.ts';
import { durationWords, inWords } from '../core/prove/words.ts';
import { exampleCalls, proveInSlices } from '../routing/expected/guarantees.ts';
import type { Playable } from '../routing/load.ts';
import { didYouMean } from '../routing/problem.ts';
import { pathOf } from './options/path.ts';
import { givenText } from './options/text.ts';
import { loadFolder, showProblems } from './sources/routes-folder.ts';
import { type Io, jsonText } from './terminal/io.ts';
import { colours, plain } from './terminal/terminal.ts';

interface ProveArguments {
  rule?: string;
  target?: string;
  tree?: boolean;
  mermaid?: boolean;
  json?: boolean;
}

export function proveCommand(program: Command, io: Io): void {
  program
    .command('prove')
    .description('play every path of the routes and show the worst that can happen')
    .argument('[dir]', 'the folder; default ROUTES_DIR, else routes', pathOf)
    .option('--rule <name>', 'one rule, or otherwise', givenText)
    .option(
      '--target <name>',
      'every rule that leads to this target, and what happens to its callers when it fails',
      givenText,
    )
    .addOption(oneForm('tree', 'what can happen to a caller, one line per branch'))
    .addOption(oneForm('mermaid', 'the same as a Mermaid flowchart'))
    .addOption(oneForm('json', 'one JSON object'))
    .addHelpText(
      'after',
      '\nEach attempt takes its full time. Exit 1 if a guarantee of the route files is broken.',
    )
    .action(async (dir: string | undefined, options: ProveArguments) => {
      process.exitCode = await runProve(dir, options, io);
    });
}

const FORMS = ['tree', 'mermaid', 'json'];

/** Each form is the whole output, so two of them are a mistake. */
function oneForm(name: string, description: string): Option {
  return new Option(`--${name}`, description).conflicts(FORMS.filter((form) => form !== name));
}

/** The exit code. */
async function runProve(
  asked: string | undefined,
  options: ProveArguments,
  io: Io,
  nowMs = Date.now(),
): Promise<number> {
  const { dir, loaded } = await loadFolder(asked, io, nowMs, { hold: false });
  if (!loaded.ok) {
    io.stderr.write(await showProblems(dir, loaded.problems, 'problem', io));
    io.stderr.write(`referee prove: ${plain(dir)} has problems, so nothing is proved\n`);
    return 1;
  }
  const unknown = unknownName(options, loaded);
  if (unknown !== null) {
    io.stderr.write(`referee prove: ${plain(unknown)}\n`);
    return 1;
  }
  const { proofs, guarantees } = await proved(options, loaded, nowMs);
  if (options.json === true) {
    io.stdout.write(`${jsonText(proofReport(loaded.set.hash, proofs, guarantees), 2)}\n`);
  } else if (options.mermaid === true) io.stdout.write(mermaid(proofs));
  else io.stdout.write(textOf(proofs, guarantees, options, io));
  return guarantees.every((guarantee) => breaches(guarantee, proofs).length === 0) ? 0 : 1;
}

function unknownName({ rule, target }: ProveArguments, { set }: Playable): string | null {
  const rules = [...set.rules.map(({ name }) => name), OTHERWISE];
  if (rule !== undefined && !rules.includes(rule)) {
    return `unknown rule ${JSON.stringify(rule)}; ${didYouMean(rule, rules)}`;
  }
  if (target !== undefined && !set.targets.has(target)) {
    return `unknown target ${JSON.stringify(target)}; ${didYouMean(target, set.targets.keys())}`;
  }
  return null;
}

/** Proves the rules asked for, and the guarantees that apply to them. */
async function proved(
  { rule, target }: ProveArguments,
  { set, routes, examples, guarantees: located }: Playable,
  nowMs: number,
): Promise<{ proofs: RuleProof[]; guarantees: Guarantee[] }> {
  const all = located.map(({ guarantee }) => guarantee);
  const options: ProveOptions = {
    examples: exampleCalls(examples, nowMs),
    ...(rule === undefined ? {} : { rules: [rule] }),
  };
  const proofs = await proveInSlices(routes, options);
  if (target === undefined) {
    const names = new Set(proofs.map((proof) => proof.rule));
    const every = [...set.rules.map(({ name }) => name), OTHERWISE];
    const known = ({ rules }: Guarantee) => (rules ?? every).every((name) => names.has(name));
    return { proofs, guarantees: all.filter(known) };
  }
  const leading = proofs.filter((proof) => leadsTo(proof, target)).map((proof) => proof.rule);
  const fixed = { target, verdict: 'server_error' as const };
  return {
    proofs: await proveInSlices(routes, { ...options, rules: leading, fixed }),
    guarantees: [],
  };
}

function leadsTo(proof: RuleProof, target: string): boolean {
  const steps = stepsIn(proof);
  return steps.has(`refer ${target}`) || steps.has(`transfer ${target}`);
}

function textOf(
  proofs: readonly RuleProof[],
  guarantees: readonly Guarantee[],
  { target, tree }: ProveArguments,
  io: Io,
): string {
  const { bold } = colours(io);
  const lines: string[] = [];
  if (target !== undefined) {
    const named = bold(plain(target));
    lines.push(
      proofs.length === 0
        ? `no rule leads to ${named}`
        : `what happens to callers when ${named} answers every attempt with server_error`,
      '',
    );
  }
  for (const proof of proofs) {
    lines.push(...ruleText(proof, io));
    if (tree === true) lines.push('', ...treeText(proof, io));
    lines.push('');
  }
  for (const guarantee of guarantees) lines.push(...guaranteeText(guarantee, proofs, io));
  return `${lines.join('\n').trimEnd()}\n`;
}

function ruleText(proof: RuleProof, io: Io): string[] {
  const { bold, yellow, dim } = colours(io);
  const { rule, summary, unfinished, patienceMs } = proof;
  const ends = [...summary.ends]
    .sort(([, a], [, b]) => b.paths - a.paths)
    .map(([name, { paths }]) => `${name} ${paths}`);
  const lines = [
    `${bold(plain(rule))}  ${counted(summary.paths, 'path')}: ${ends.join(', ') || 'none known'}`,
  ];
  if (unfinished !== null) lines.push(`  ${yellow('not complete:')} ${plain(unfinished)}`);
  if (patienceMs !== null) {
    lines.push(dim(`  patience (${durationWords(patienceMs)}) may end before the steps do`));
  }
  const worst = [
    ['longest wait', summary.wait, summary.wait?.waitMs ?? 0, durationWords],
    ['longest silence', summary.silence, summary.silence?.silenceMs ?? 0, durationWords],
    ['moves billed', summary.moves, summary.moves?.moves ?? 0, String],
  ] as const;
  for (const [what, path, value, words] of worst) {
    if (path === null) continue;
    const story = value === 0 ? '' : `  ${plain(inWords(path))}; ends ${path.ends}`;
    lines.push(`  ${what.padEnd(15)} ${words(value)}${dim(story)}`);
  }
  return lines;
}

function treeText(proof: RuleProof, io: Io): string[] {
  const lines = treeLines(proof);
  return lines.map((line, index) => `  ${stem(lines, index)}${branchText(line, io)}`);
}

/**
 * The tree lines in front of a branch, which depend on whether the branch or one of its parents has
 * a following sibling.
 */
function stem(lines: readonly TreeLine[], index: number): string {
  const depth = lines[index]?.depth ?? 0;
  const follows = (level: number): boolean => {
    const next = lines.slice(index + 1).find((line) => line.depth <= level);
    return next?.depth === level;
  };
  let text = '';
  for (let level = 0; level < depth; level += 1) text += follows(level) ? '│  ' : '   ';
  return `${text}${follows(depth) ? '├─ ' : '└─ '}`;
}

function branchText({ when, steps, ends, again }: TreeLine, io: Io): string {
  const { dim, cyan, green, red } = colours(io);
  const paint = ends === 'referred' || ends === 'transferred' ? green : red;
  const text = [when === '' ? '' : `${cyan(plain(when))}:`, plain(steps.join(', '))]
    .filter(Boolean)
    .join(' ');
  if (again) return `${text} ${dim('… as above')}`;
  return ends === null ? text : `${text.replace(/:$/, '')} → ${paint(ends)}`;
}

function guaranteeText(guarantee: Guarantee, proofs: readonly RuleProof[], io: Io): string[] {
  const { green, red, dim } = colours(io);
  const found = breaches(guarantee, proofs);
  if (found.length === 0) return [`${green('holds')}  ${plain(guarantee.name)}`];
  return found.flatMap(({ rule, clause, why, path }) => [
    `${red(clause === null ? 'not proven' : 'broken')}  ${plain(guarantee.name)}: ${plain(`${rule}: ${why}`)}`,
    ...(path === null ? [] : [dim(`  ${plain(inWords(path))}; ends ${path.ends}`)]),
  ]);
}
