/**
 * `policy.allow`: where a destination may go that is not written out in a route file. Patterns are
 * compared with parsed URIs, part by part, never with text: `sip:x@evil.example;p=@a.example.com` ends
 * like an allowed host and is none.
 */
import { compileGlob, type Glob } from './glob.ts';
import { canonicalUser, DEFAULT_PORT, hostProblem, isE164, parseSipUri } from './sip-uri.ts';

export type AllowPattern =
  | { kind: 'number'; text: string; digits: Glob }
  | {
      kind: 'sip';
      text: string;
      scheme: 'sip' | 'sips';
      /** Null: the URI must have no user. */
      user: Glob | null;
      /** A host, or what follows the `*` of `*.example.com`, with its dot. */
      host: { exact: string } | { suffix: string };
      port: number | null;
    };

export const ALLOW_CHARS_MAX = 512;

export function parseAllow(text: string): AllowPattern | { problem: string } {
  if (text.length > ALLOW_CHARS_MAX) {
    return { problem: `expected at most ${ALLOW_CHARS_MAX} characters, got ${text.length}` };
  }
  if (text.startsWith('+')) {
    if (/^\+[0-9?]*\*?$/.test(text)) return { kind: 'number', text, digits: compileGlob(text) };
    return { problem: `${JSON.stringify(text)}: a number pattern is + and digits, then perhaps *` };
  }
  const parts = /^(sips?):(?:([^@]*)@)?(\[[^\]]*\]|[^:@;?]*)(?::([0-9]+))?$/i.exec(text);
  if (parts === null) {
    return {
      problem: `${JSON.stringify(text)} is not a pattern: expected "sip:user@host" with * in the user, "*.suffix" as host, perhaps a port, without parameters; or "+1*"`,
    };
  }
  const [, scheme = '', userText, hostText = '', portText] = parts;
  if (
    userText !== undefined &&
    !/^(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/]|%[0-9A-Fa-f]{2})+$/.test(userText)
  ) {
    return {
      problem: `${JSON.stringify(text)}: the user part may hold RFC 3261 user characters and *`,
    };
  }
  const host = parseHost(hostText.toLowerCase());
  if ('problem' in host) return { problem: `${JSON.stringify(text)}: ${host.problem}` };
  const port = portText === undefined ? null : Number(portText);
  if (port !== null && (port < 1 || port > 65535)) {
    return { problem: `${JSON.stringify(text)}: the port is not a number from 1 to 65535` };
  }
  return {
    kind: 'sip',
    text,
    scheme: scheme.toLowerCase() === 'sips' ? 'sips' : 'sip',
    user: userText === undefined ? null : compileGlob(canonicalUser(userText)),
    host,
    port,
  };
}

/** Whether a filled destination may be called; where not, why in words, with the key to change. */
export function allows(
  patterns: readonly AllowPattern[],
  destination: string,
): { ok: true } | { why: string } {
  if (isE164(destination)) {
    const found = patterns.some((p) => p.kind === 'number' && p.digits.matches(destination));
    return found ? { ok: true } : { why: outside(destination, patterns) };
  }
  const uri = parseSipUri(destination);
  if ('problem' in uri)
    return { why: `${JSON.stringify(destination)} is malformed: ${uri.problem}` };
  if (uri.parameters.length > 0 || uri.headers.length > 0) {
    const what = uri.parameters.length > 0 ? 'parameters' : 'headers';
    return {
      why: `${destination} has ${what}: policy.allow takes only destinations without`,
    };
  }
  const found = patterns.some((pattern) => {
    if (pattern.kind !== 'sip' || pattern.scheme !== uri.scheme) return false;
    if (
      !(pattern.user === null
        ? uri.user === null
        : uri.user !== null && pattern.user.matches(uri.user))
    ) {
      return false;
    }
    const host = pattern.host;
    // A host that starts with the suffix's dot has no label before it and does not parse.
    if (!('exact' in host ? host.exact === uri.host : uri.host.endsWith(host.suffix))) return false;
    const usual = DEFAULT_PORT[uri.scheme];
    return (pattern.port ?? usual) === (uri.port ?? usual);
  });
  return found ? { ok: true } : { why: outside(destination, patterns) };
}

function parseHost(text: string): { exact: string } | { suffix: string } | { problem: string } {
  const wild = text.startsWith('*.');
  const problem = hostProblem(wild ? text.slice(2) : text);
  if (problem !== null) {
    return { problem: text === '*' ? 'a host of * would allow everything' : problem };
  }
  if (!wild) return { exact: text };
  // "*.1.2.3.4" is no subdomain of anything.
  if (/[0-9\]]$/.test(text)) return { problem: 'only a host name has subdomains' };
  return { suffix: text.slice(1) };
}

function outside(destination: string, patterns: readonly AllowPattern[]): string {
  const listed =
    patterns.length === 0
      ? 'policy.allow allows nothing'
      : `policy.allow allows ${patterns.map((pattern) => pattern.text).join(', ')}`;
  return `${destination} is not allowed: ${listed}`;
}
