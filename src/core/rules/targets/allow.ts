/**
 * `policy.allow`: the allowed destinations, except for literal destinations in a route file.
 * Patterns are compared with the parts of parsed URIs, never with text:
 * `sip:x@evil.example;p=@a.example.com` ends like an allowed host but is not one.
 */
import { compileGlob, type Glob } from '../addresses/glob.ts';
import {
  canonicalHost,
  canonicalUser,
  DEFAULT_PORT,
  hostProblem,
  isE164,
  parseSipUri,
} from '../addresses/sip-uri.ts';

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
      /** `transport=tls`, `secure=srtp`: the destination must have these and no others. */
      parameters: readonly string[];
    };

/**
 * Parameters for the transport of the call, which an operator may require. No other parameter can
 * be allowed: `maddr`, for example, sends the call somewhere else than the host says.
 */
const PARAMETERS: Record<string, readonly string[]> = {
  transport: ['udp', 'tcp', 'tls'],
  secure: ['srtp', 'dtls'],
};

const ALLOW_CHARS_MAX = 512;

export function parseAllow(text: string): AllowPattern | { problem: string } {
  if (text.length > ALLOW_CHARS_MAX) {
    return { problem: `expected at most ${ALLOW_CHARS_MAX} characters, got ${text.length}` };
  }
  if (text.startsWith('+')) {
    if (!/^\+(?:[0-9?]+\*?|\*)$/.test(text)) {
      const problem = 'a number pattern is + and digits, then perhaps *';
      return { problem: `${JSON.stringify(text)}: ${problem}` };
    }
    // `+1` alone would allow nothing, where `+1*` was meant.
    if (!text.endsWith('*') && !isE164(text.replaceAll('?', '1'))) {
      const problem = 'no number has this length; a prefix ends in *';
      return { problem: `${JSON.stringify(text)}: ${problem}` };
    }
    return { kind: 'number', text, digits: compileGlob(text) };
  }
  const parts = /^(sips?):(?:([^@]*)@)?(\[[^\]]*\]|[^:@;?]*)(?::([0-9]+))?((?:;[^;?]*)*)$/i.exec(
    text,
  );
  if (parts === null) {
    return {
      problem: `${JSON.stringify(text)} is not a pattern: expected "sip:user@host" with * in the user, "*.suffix" as host, perhaps a port, perhaps ;transport=tls or ;secure=srtp; or "+1*"`,
    };
  }
  const [, scheme = '', userText, hostText = '', portText, parameterText = ''] = parts;
  const parameters = parseParameters(parameterText);
  if ('problem' in parameters) return { problem: `${JSON.stringify(text)}: ${parameters.problem}` };
  if (
    userText !== undefined &&
    !/^(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/]|%[0-9A-Fa-f]{2})+$/.test(userText)
  ) {
    return {
      problem: `${JSON.stringify(text)}: the user part may contain only RFC 3261 user characters and *`,
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
    parameters: parameters.named,
  };
}

function parseParameters(text: string): { named: string[] } | { problem: string } {
  const named = text.toLowerCase().split(';').slice(1);
  for (const parameter of named) {
    const [name = '', value = ''] = parameter.split('=', 2);
    if (PARAMETERS[name]?.includes(value) === true) continue;
    const known = Object.entries(PARAMETERS).flatMap(([key, values]) =>
      values.map((one) => `${key}=${one}`),
    );
    return { problem: `the parameter ;${parameter} cannot be allowed, only ${known.join(', ')}` };
  }
  if (new Set(named.map((parameter) => parameter.split('=')[0])).size < named.length) {
    return { problem: 'a parameter appears twice' };
  }
  return { named };
}

/** Null if the destination may be called; otherwise the reason, with the key to change. */
export function allows(
  patterns: readonly AllowPattern[],
  destination: string,
): { ok: true } | { why: string; pattern?: string } {
  if (isE164(destination)) {
    const found = patterns.some((p) => p.kind === 'number' && p.digits.matches(destination));
    return found ? { ok: true } : { why: outside(destination, patterns) };
  }
  const uri = parseSipUri(destination);
  if ('problem' in uri)
    return { why: `${JSON.stringify(destination)} is malformed: ${uri.problem}` };
  if (uri.headers.length > 0) {
    return {
      why: `${destination} has headers: policy.allow accepts only destinations without headers`,
    };
  }
  const carried = uri.parameters.map(({ name, value }) =>
    (value === null ? name : `${name}=${value}`).toLowerCase(),
  );
  const places = patterns.filter((pattern) => {
    if (pattern.kind !== 'sip' || pattern.scheme !== uri.scheme) return false;
    if (
      !(pattern.user === null
        ? uri.user === null
        : uri.user !== null && pattern.user.matches(uri.user))
    ) {
      return false;
    }
    const host = pattern.host;
    // A host that is only the suffix has no label before the dot and does not parse.
    if (!('exact' in host ? host.exact === uri.host : uri.host.endsWith(host.suffix))) return false;
    const usual = carried.includes('transport=tls') ? DEFAULT_PORT.sips : DEFAULT_PORT[uri.scheme];
    return (pattern.port ?? usual) === (uri.port ?? usual);
  });
  if (places.length === 0) return { why: outside(destination, patterns) };
  const found = places.some(
    (pattern) => pattern.kind === 'sip' && sameTexts(pattern.parameters, carried),
  );
  return found ? { ok: true } : otherwiseCarried(destination, carried, places);
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text) => b.includes(text));
}

/** The host is allowed, but not with this transport: suggests the pattern that would allow it. */
function otherwiseCarried(
  destination: string,
  carried: readonly string[],
  places: readonly AllowPattern[],
): { why: string; pattern?: string } {
  const allowed = places.map(({ text }) => text).join(', ');
  const has = carried.length === 0 ? 'has no parameters' : `has ;${carried.join(';')}`;
  const why = `${destination} ${has} and is not allowed: policy.allow allows ${allowed}`;
  const pattern = [places[0]?.text.replace(/(@[^;]*);.*/, '$1') ?? '', ...carried].join(';');
  return 'problem' in parseAllow(pattern)
    ? { why: `${why}; such parameters cannot be allowed` }
    : { why: `${why}; "${pattern}" would allow it`, pattern };
}

function parseHost(text: string): { exact: string } | { suffix: string } | { problem: string } {
  const wild = text.startsWith('*.');
  const problem = hostProblem(wild ? text.slice(2) : text);
  if (problem !== null) {
    return { problem: text === '*' ? 'a host of * would allow everything' : problem };
  }
  if (!wild) return { exact: canonicalHost(text) };
  // "*.1.2.3.4" is not a subdomain pattern.
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
