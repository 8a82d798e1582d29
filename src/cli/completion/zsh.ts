/** Completion for zsh's own completion system. */
import type { OptionWords, Value, Words } from '../completion.ts';

export function zshCompletion({ commands, options }: Words): string {
  return `#compdef referee
# Completion of referee for zsh. Load it with: source <(referee completion zsh), after compinit
_referee() {
  local context state state_descr line
  typeset -A opt_args
  _arguments -C \\
${options.flatMap(optionSpecs).map(continued).join('\n')}
    '1:command:->command' '*::argument:->argument'
  case $state in
    command)
      local -a commands=(
${commands.map(({ name, description }) => `        ${quoted(`${name}:${description.replaceAll(':', '\\:')}`)}`).join('\n')}
      )
      _describe -t commands command commands ;;
    argument)
      case $words[1] in
${commands
  .map(({ name, options, argument }) => {
    const specs = options.flatMap(optionSpecs);
    if (argument !== null) specs.push(`'*:${action(argument)}'`);
    return `        ${name}) _arguments ${specs.join(' ')} ;;`;
  })
  .join('\n')}
      esac ;;
  esac
}
if [[ $funcstack[1] == _referee ]]; then _referee "$@"; else compdef _referee referee; fi
`;
}

function optionSpecs({ names, description, value }: OptionWords): string[] {
  const said = description.replace(/[[\]\\]/g, '\\$&');
  const colons = value?.required === false ? '::' : ':';
  const takes = value === null ? '' : `${colons}${action(value)}`;
  // Every option may be repeated, because only the command knows which ones it accepts twice.
  return names.map((name) => {
    const equals = value !== null && name.startsWith('--') ? '=' : '';
    return quoted(`*${name}${equals}[${said}]${takes}`);
  });
}

/** The heading of the candidates, and the candidates. */
function action(value: Value): string {
  switch (value.type) {
    case 'file':
      return 'file:_files';
    case 'folder':
      return 'folder:_files -/';
    case 'words':
      return `which:(${value.words.join(' ')})`;
    case 'text':
      return 'value: ';
  }
}

function continued(spec: string): string {
  return `    ${spec} \\`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
