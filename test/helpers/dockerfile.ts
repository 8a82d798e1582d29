/**
 * A Dockerfile as a list of instructions: comments removed, continued lines joined, grouped by
 * stage.
 */
export interface Instruction {
  keyword: string;
  /** Everything after the keyword, on one line. */
  rest: string;
  line: number;
}

export interface Stage {
  base: string;
  name: string | null;
  instructions: Instruction[];
}

export function parseDockerfile(text: string): { args: Map<string, string>; stages: Stage[] } {
  const args = new Map<string, string>();
  const stages: Stage[] = [];
  for (const instruction of instructionsOf(text)) {
    const { keyword, rest } = instruction;
    const stage = stages.at(-1);
    if (keyword === 'FROM') {
      const [base = '', as, name = null] = rest.split(/\s+/);
      if (as !== undefined && as.toUpperCase() !== 'AS') throw new Error(`FROM ${rest}`);
      const filled = base.replace(/\$\{(\w+)\}/g, (_, arg: string) => args.get(arg) ?? '');
      stages.push({ base: filled, name, instructions: [] });
    } else if (stage !== undefined) {
      stage.instructions.push(instruction);
    } else if (keyword === 'ARG') {
      const [name = '', value = ''] = rest.split('=');
      args.set(name, value);
    } else {
      throw new Error(`line ${instruction.line}: ${keyword} before FROM`);
    }
  }
  return { args, stages };
}

function instructionsOf(text: string): Instruction[] {
  const instructions: Instruction[] = [];
  let continued: Instruction | null = null;
  text.split('\n').forEach((raw, index) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return;
    const part = line.replace(/\s*\\$/, '');
    if (continued === null) {
      const [keyword = '', ...rest] = part.split(/\s+/);
      continued = { keyword, rest: rest.join(' '), line: index + 1 };
    } else {
      continued.rest += ` ${part}`;
    }
    if (line.endsWith('\\')) return;
    instructions.push(continued);
    continued = null;
  });
  return instructions;
}

/** The words of an instruction in exec form; null for the shell form. */
export function execForm(rest: string): string[] | null {
  try {
    const words: unknown = JSON.parse(rest);
    return Array.isArray(words) && words.every((it) => typeof it === 'string') ? words : null;
  } catch {
    return null;
  }
}
