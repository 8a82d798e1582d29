import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LOG_EVENTS, type LogEventSpec } from '../../src/log/events.ts';

const events = Object.entries<LogEventSpec>(LOG_EVENTS);

describe.each(events)('the log event %s', (name, { level, meaning, action }) => {
  it('has a name of two words or more, and sentences', () => {
    expect(name).toMatch(/^[a-z][a-z_]*(\.[a-z][a-z_]*)+$/);
    expect(meaning).toMatch(/^[A-Z/].*[.]$/s);
    if (action !== '') expect(action).toMatch(/^[A-Z/].*[.]$/s);
  });

  it('says what to do where it calls for somebody', () => {
    if (level === 'error') expect(action).not.toBe('');
  });
});

/** Generate it with: LOGS_DOC=write npx vitest run test/log/events.test.ts */
describe('docs/logs.md', () => {
  it('lists every event as the catalogue has it', () => {
    const path = join(import.meta.dirname, '../../docs/logs.md');
    if (process.env.LOGS_DOC === 'write') writeFileSync(path, logsDoc());
    expect(readFileSync(path, 'utf8')).toBe(logsDoc());
  });
});

function logsDoc(): string {
  const rows = events.map(([name, { level, meaning, action }]) => {
    return `| \`${name}\` | ${level} | ${cell(meaning)} | ${cell(action || 'Nothing.')} |`;
  });
  return `${INTRODUCTION}\n${rows.join('\n')}\n`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

const INTRODUCTION = `# Reading the log

Each line is one JSON object on standard output.
On a terminal, in development, the lines are formatted for people instead.
\`LOG_LEVEL\` (default info) is the lowest level that is written:

- **info**: a call moved, or an operator did something.
- **warn**: something went wrong and Referee recovered, or an operator should know of something. If there are many, investigate.
- **error**: a human is needed, and the line says why.
- **debug**: the reasons for each decision, and the keys that callers pressed.

Every line has the fields \`level\`, \`time\` (ISO 8601, UTC), \`pid\`, \`hostname\`, \`event\` (a name from the table below) and \`msg\` (its meaning).
Event names are stable; the sentences may change.
Lines about a call also have \`call_control_id\`, \`call_session_id\`, \`rule\`, \`target\`, \`attempt\` and \`verdict\`, as far as they are known.
This prints all lines of one call:

    jq -c 'select(.call_control_id == "v3:…")' referee.log

**In a file**, append to it: \`npx referee serve >> referee.log\`. The server opens no log file and reopens none, so rotate it with logrotate's \`copytruncate\`.
After a rename it writes on into the renamed file, and with \`>\` instead of \`>>\` a truncated file begins with NUL bytes.

**Phone numbers** are masked: \`+14***00~mkbdfghcpn\` consists of the first and last digits and a tag.
The same number always has the same tag, also in SIP URIs and in texts from Telnyx, so you can find all lines of one caller by the tag.
The tag depends on \`TELNYX_API_KEY\` and changes with the key.
\`LOG_NUMBERS=full\` shows the numbers.
Secrets are always shown as \`[redacted]\`, and pressed digits are logged only at debug.
Control characters from outside are escaped (\`\\x1b\`), so that no caller can manipulate a terminal.

This table is generated from \`src/log/events.ts\`: \`LOGS_DOC=write npx vitest run test/log/events.test.ts\`

| event | level | meaning | what to do |
|---|---|---|---|`;
