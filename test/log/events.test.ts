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

/** Write it anew with: LOGS_DOC=write npx vitest run test/log/events.test.ts */
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

One line is one JSON object on standard output. On a terminal, in development, the lines are set for people
instead. \`LOG_LEVEL\` (default info) is the least level that is written:

- **info**: a call moved, or an operator did something.
- **warn**: something went wrong and we recovered; many of them are worth a look.
- **error**: somebody is needed; the line says what for.
- **debug**: why a decision fell as it did, and what callers pressed.

Fields that stand on every line: \`level\`, \`time\` (ISO 8601, UTC), \`pid\`, \`hostname\`, \`event\` (a name of the
table below; names are kept, sentences may change) and \`msg\` (its meaning). Lines about a call add what is
known of \`call_control_id\`, \`call_session_id\`, \`rule\`, \`target\`, \`attempt\` and \`verdict\`; all lines of one call:

    jq -c 'select(.call_control_id == "v3:…")' referee.log

**Phone numbers** are masked: \`+14***00~mkbdfghcpn\` is the first and last digits and a tag that is the same for the same
number wherever it stands, in SIP URIs and in texts of Telnyx too, so one caller's lines can be found
by the tag of one of them. The tag depends on \`TELNYX_API_KEY\`: it changes with the key. \`LOG_NUMBERS=full\`
shows numbers. Secrets are shown as \`[redacted]\`, whatever the settings; pressed digits only at debug. Control
characters from outside are written out (\`\\x1b\`), so that no caller can play with a terminal.

This table is generated from \`src/log/events.ts\`: \`LOGS_DOC=write npx vitest run test/log/events.test.ts\`

| event | level | meaning | what to do |
|---|---|---|---|`;
