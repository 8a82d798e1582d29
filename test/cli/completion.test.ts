/** What real shells offer with the scripts that `referee completion` prints. */
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify, stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCli } from '../../src/cli.ts';
import { VERDICTS } from '../../src/core/machine/verdict.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referee-completion-'));
  await mkdir(join(folder, 'my routes'));
  await mkdir(join(folder, 'mine'));
  await writeFile(join(folder, 'my.xml'), '');
  for (const shell of SHELLS) {
    await writeFile(join(folder, `script.${shell}`), await printed('completion', shell));
  }
  // The list of all functions of zsh: each of its shells would otherwise search for them, which
  // takes most of two seconds of CPU.
  if (isThere('zsh')) {
    await inFolder('zsh', '-f', '-c', 'autoload -Uz compinit; compinit -u -d ./zsh.dump');
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function printed(...argv: string[]): Promise<string> {
  let text = '';
  const stdout = { write: (more: string) => (text += more) };
  await runCli(argv, { stdout, stderr: stdout, env: {}, isTTY: false });
  return text;
}

/** What is offered for the last word of the line. */
const offered: Record<Shell, (line: string) => Promise<string[]>> = {
  async bash(line) {
    // Split like readline, for which = and : are separate words.
    const words = line.split(/ |(=)/).filter((word) => word !== undefined);
    const script = `source script.bash && complete -p referee >&2 &&
      COMP_WORDS=("$@") && COMP_CWORD=$(($# - 1)) && { _referee; printf '%s\\n' "\${COMPREPLY[@]}"; }`;
    return lines(await inFolder('bash', '--norc', '-c', script, 'bash', ...words));
  },
  async zsh(line) {
    // A terminal in which Tab lists all candidates below the line.
    const script = `zmodload zsh/zpty
      zpty shell 'PS1= zsh -f -i'
      zpty -w shell 'stty -echo cols 200; unsetopt prompt_cr prompt_sp; LISTMAX=9999; autoload -Uz compinit; compinit -C -d ./zsh.dump'
      zpty -w shell 'source ./script.zsh; bindkey -e; bindkey "^I" list-choices; print REA""DY'
      zpty -r shell text '*READY*'
      zpty -w -n shell "$1"$'\\t'
      zpty -w -n shell $'\\C-a\\C-k print DO""NE\\n'
      zpty -r shell text '*DONE*'
      print -r -- "$text"`;
    const text = stripVTControlCharacters(await inFolder('zsh', '-f', '-c', script, 'zsh', line));
    return text.split(/[\r\n]+| {2,}/).map((word) => word.trim());
  },
  async fish(line) {
    const script = 'source script.fish; complete -C $argv[1]';
    const text = await inFolder('fish', '--no-config', '-c', script, line);
    return lines(text).map((match) => match.split('\t')[0] ?? '');
  },
};

async function inFolder(command: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, HOME: folder, TERM: 'xterm' };
  return (await promisify(execFile)(command, args, { cwd: folder, env, timeout: 25_000 })).stdout;
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

const isThere = (shell: Shell) => spawnSync(shell, ['--version']).status === 0;

describe.each(SHELLS.filter(isThere))('%s offers', (shell) => {
  test('every command, by its beginning', async () => {
    expect(await offered[shell]('referee s')).toEqual(
      expect.arrayContaining(['serve', 'simulator', 'schedule', 'schema']),
    );
    expect(await offered[shell]('referee s')).not.toContain('check');
  });

  test("a command's own options", async () => {
    const options = await offered[shell]('referee check --');
    expect(options).toEqual(expect.arrayContaining(['--strict', '--json', '--junit']));
    expect(options).not.toContain('--follow');
  });

  test('the words that an option or an argument can be', async () => {
    expect(await offered[shell]('referee calls --verdict ')).toEqual(
      expect.arrayContaining([...VERDICTS]),
    );
    expect(await offered[shell]('referee completion ')).toEqual(
      expect.arrayContaining([...SHELLS]),
    );
  });

  test('folders where a folder is meant, files too where a file is, neither elsewhere', async () => {
    const named = async (line: string) =>
      (await offered[shell](line)).map((word) => word.replace(/\/$/, '').replaceAll('\\', ''));
    const folders = await named('referee check m');
    expect(folders).toEqual(expect.arrayContaining(['my routes', 'mine']));
    expect(folders).not.toContain('my.xml');
    expect(await named('referee route --routes m')).toContain('mine');
    expect(await named('referee check --junit m')).toContain('my.xml');
    expect(await named('referee calls --rule m')).not.toContain('my.xml');
    expect(await named('referee demo m')).not.toContain('mine');
  });
});

test('a bash offers the folder behind an option with =', async () => {
  expect(await offered.bash('referee route --routes=m')).toContain('mine');
});

test('every command is in each script, and the scripts are ones that their shell can read', async () => {
  const commands = await commandNames();
  expect(commands.length).toBeGreaterThan(8);
  for (const shell of SHELLS) {
    const script = await printed('completion', shell);
    for (const command of commands) expect(script).toMatch(new RegExp(`\\b${command}\\b`));
    if (isThere(shell)) execFileSync(shell, ['-n', join(folder, `script.${shell}`)]);
  }
});

async function commandNames(): Promise<string[]> {
  const help = await printed('--help');
  return [...help.matchAll(/^ {2}([a-z]+)\b/gm)].map(([, name = '']) => name);
}

test('a shell that we do not know is named with those that we do', async () => {
  expect(await printed('completion', 'tcsh')).toContain('Allowed choices are bash, zsh, fish');
});
