/** A check as JUnit XML: one test case per route problem and one per example. */
import type { CheckReport } from './check.ts';

export function junitText(dir: string, report: CheckReport, strict: boolean): string {
  const problems = strict ? [...report.problems, ...report.warnings] : report.problems;
  const cases = [
    ...problems.map((p) => failed('routes', `${p.file}:${p.line}:${p.column}`, p.message, p.hint)),
    ...(problems.length === 0 ? [`    <testcase classname="routes" name="${xml(dir)}"/>`] : []),
    ...report.examples.map((example) =>
      example.ok
        ? `    <testcase classname="examples" name="${xml(example.name)}"/>`
        : failed(
            'examples',
            example.name,
            `${example.file}:${example.line}: not as expected`,
            `expected ${JSON.stringify(example.expected)}\ngot      ${JSON.stringify(example.got)}`,
          ),
    ),
  ];
  const failures = problems.length + report.examples.filter((example) => !example.ok).length;
  const warnings = (strict ? [] : report.warnings)
    .map((w) => `${w.file}:${w.line}:${w.column} ${w.message}\n`)
    .join('');
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites tests="${cases.length}" failures="${failures}">`,
    `  <testsuite name="referee check ${xml(dir)}" tests="${cases.length}" failures="${failures}" errors="0">`,
    ...cases,
    ...(warnings === '' ? [] : [`    <system-err>${xml(warnings)}</system-err>`]),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function failed(group: string, name: string, message: string, detail: string): string {
  return `    <testcase classname="${group}" name="${xml(name)}"><failure message="${xml(message)}">${xml(detail)}</failure></testcase>`;
}

/** XML 1.0 does not allow control characters, not even escaped. */
function xml(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
  );
}
