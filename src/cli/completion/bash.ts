/** Completion for bash 3.2 (macOS) and later, with or without the package bash-completion. */
import type { CommandWords, OptionWords, Value, Words } from '../completion.ts';

export function bashCompletion({ commands, options }: Words): string {
  const first = [...commands.map(({ name }) => name), ...names(options)].join(' ');
  return `# Completion of referee for bash. Load it with: source <(referee completion bash)
_referee() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} IFS=$'\\n'
  COMPREPLY=()
  # For bash the = of --option=value is a word of its own.
  if [[ $cur == = ]]; then cur=
  elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  if [[ $COMP_CWORD -eq 1 ]]; then _referee_words '${first}'; return; fi
  case "\${COMP_WORDS[1]} $prev" in
${commands.flatMap(valueCases).join('\n')}
  esac
  case "\${COMP_WORDS[1]} $cur" in
${commands.map(optionCase).join('\n')}
  esac
  case "\${COMP_WORDS[1]}" in
${commands.flatMap(argumentCase).join('\n')}
  esac
}
_referee_words() { local IFS=$' \\t\\n'; COMPREPLY=($(compgen -W "$1" -- "$cur")); }
_referee_files() { compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur")); }
_referee_folders() { compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$cur")); }
complete -F _referee referee
`;
}

function valueCases({ name, options }: CommandWords): string[] {
  return options.flatMap(({ names, value }) => {
    // After an option whose value is optional, anything may follow.
    if (value === null || (!value.required && value.type === 'text')) return [];
    const patterns = names.map((option) => `'${name} ${option}'`).join('|');
    const otherwise = value.required ? 'return' : '[[ $cur == -* ]] || return 0';
    return [`    ${patterns}) ${offer(value)}${otherwise} ;;`];
  });
}

function optionCase({ name, options }: CommandWords): string {
  return `    '${name} -'*) _referee_words '${names(options).join(' ')}'; return ;;`;
}

function argumentCase({ name, argument }: CommandWords): string[] {
  return argument === null || argument.type === 'text'
    ? []
    : [`    ${name}) ${offer(argument)}return ;;`];
}

/** The code that offers a value's candidates, followed by a separator; empty for free text. */
function offer(value: Value): string {
  switch (value.type) {
    case 'file':
      return '_referee_files; ';
    case 'folder':
      return '_referee_folders; ';
    case 'words':
      return `_referee_words '${value.words.join(' ')}'; `;
    case 'text':
      return '';
  }
}

function names(options: OptionWords[]): string[] {
  return options.flatMap((option) => option.names);
}
