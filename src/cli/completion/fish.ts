/** Completion for fish 3 and later. */
import type { OptionWords, Value, Words } from '../completion.ts';

export function fishCompletion({ commands, options }: Words): string {
  const lines = [
    '# Completion of referee for fish. Load it with: referee completion fish | source',
    'complete -c referee -f',
    ...options.map((option) => optionLine('__fish_use_subcommand', option)),
  ];
  for (const { name, description, options, argument } of commands) {
    lines.push(`complete -c referee -n __fish_use_subcommand -a ${name} -d ${quoted(description)}`);
    const seen = quoted(`__fish_seen_subcommand_from ${name}`);
    for (const option of options) lines.push(optionLine(seen, option));
    if (argument !== null && argument.type !== 'text') {
      lines.push(`complete -c referee -n ${seen} ${takes(argument)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function optionLine(condition: string, { names, description, value }: OptionWords): string {
  const flags = names.map(
    (name) => `${name.startsWith('--') ? '-l' : '-s'} ${name.replace(/^-+/, '')}`,
  );
  const taken = value === null ? '' : ` ${taking(value)}`;
  return `complete -c referee -n ${condition} ${flags.join(' ')}${taken} -d ${quoted(description)}`;
}

/** fish's flag for an option's value: -x only takes what is offered, -r takes anything. */
function taking(value: Value): string {
  const offered = takes(value);
  return value.type === 'file' ? `-r ${offered}` : `-x ${offered}`.trimEnd();
}

function takes(value: Value): string {
  switch (value.type) {
    case 'file':
      return '-F';
    case 'folder':
      return "-a '(__fish_complete_directories)'";
    case 'words':
      return `-a ${quoted(value.words.join(' '))}`;
    case 'text':
      return '';
  }
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
