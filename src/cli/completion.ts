/**
 * `referee completion <shell>`: a script for the shell, generated from the commands that the parser
 * uses.
 */
import { Argument, type Command, type Option } from 'commander';
import { bashCompletion } from './completion/bash.ts';
import { fishCompletion } from './completion/fish.ts';
import { zshCompletion } from './completion/zsh.ts';
import type { Io } from './terminal/io.ts';

const SHELLS = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** The values that an option or an argument takes. */
export type Value =
  | { type: 'file' }
  | { type: 'folder' }
  | { type: 'words'; words: readonly string[] }
  /** Free text. */
  | { type: 'text' };

export interface OptionWords {
  /** `--json`, `-h`. */
  names: string[];
  description: string;
  /** Null if the option takes no value. */
  value: (Value & { required: boolean }) | null;
}

export interface CommandWords {
  name: string;
  description: string;
  options: OptionWords[];
  /** Used to complete every argument, because no command takes arguments of different kinds. */
  argument: Value | null;
}

/** The commands, and the options that can be used without a command. */
export interface Words {
  commands: CommandWords[];
  options: OptionWords[];
}

export function completionCommand(program: Command, io: Io): void {
  program
    .command('completion')
    .description('print a script that completes commands, options and files in your shell')
    .addArgument(new Argument('<shell>', 'which').choices(Object.keys(SHELLS)))
    .addHelpText(
      'after',
      `
bash: source <(referee completion bash)     in ~/.bashrc
zsh:  source <(referee completion zsh)      in ~/.zshrc, after compinit
fish: referee completion fish | source      in ~/.config/fish/config.fish`,
    )
    .action((shell: keyof typeof SHELLS) => {
      io.stdout.write(SHELLS[shell](wordsOf(program)));
    });
}

function wordsOf(program: Command): Words {
  const help = program.createHelp();
  const commands = help.visibleCommands(program).map((command) => ({
    name: command.name(),
    description: command.description(),
    options: optionsOf(command),
    argument: argumentOf(command, program),
  }));
  return { commands, options: optionsOf(program) };
}

function optionsOf(command: Command): OptionWords[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .map((option: Option) => ({
      names: [option.long, option.short].filter((name) => name !== undefined),
      description: option.description,
      value:
        option.required || option.optional
          ? { ...valueNamed(placeholderOf(option), option.argChoices), required: option.required }
          : null,
    }));
}

function argumentOf(command: Command, program: Command): Value | null {
  if (command.name() === 'help') {
    return { type: 'words', words: program.commands.map((each) => each.name()) };
  }
  const [argument] = command.registeredArguments;
  return argument === undefined ? null : valueNamed(argument.name(), argument.argChoices);
}

/** `dir` in `--routes <dir>`. */
function placeholderOf(option: Option): string {
  return /[<[]([^>\].]+)/.exec(option.flags)?.[1] ?? '';
}

function valueNamed(placeholder: string, choices: readonly string[] | undefined): Value {
  if (choices !== undefined) return { type: 'words', words: choices };
  switch (placeholder.toLowerCase()) {
    case 'file':
      return { type: 'file' };
    case 'dir':
      return { type: 'folder' };
    default:
      return { type: 'text' };
  }
}
