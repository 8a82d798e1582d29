/**
 * A strict parser for SIP URIs according to RFC 3261 section 25.1. Templates, handlers and manual
 * refers never send to a URI that it refuses. It refuses a password, a trailing dot of the host and
 * encoded control characters although the grammar allows them, because parsers may disagree about
 * the destination.
 */
export interface SipUri {
  scheme: 'sip' | 'sips';
  /** As in the URI, with unnecessary escapes removed, so that equal users are equal text. */
  user: string | null;
  /** Lower case; an IPv6 address in brackets, in its one short form. */
  host: string;
  port: number | null;
  parameters: { name: string; value: string | null }[];
  headers: { name: string; value: string }[];
}

const SIP_URI_CHARS_MAX = 1024;

const UNRESERVED = "A-Za-z0-9\\-_.!~*'()";
const ESCAPED = '%[0-9A-Fa-f]{2}';
const USER = new RegExp(`^(?:[${UNRESERVED}&=+$,;?/]|${ESCAPED})+$`);
const PARAMETER = new RegExp(`^(?:[${UNRESERVED}[\\]/:&+$]|${ESCAPED})+$`);
const HEADER = new RegExp(`^(?:[${UNRESERVED}[\\]/?:+$]|${ESCAPED})*$`);
const HIDDEN_CONTROL = /%(?:[01][0-9A-Fa-f]|7[Ff])/;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const TOP_LABEL = /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

export function parseSipUri(text: string): SipUri | { problem: string } {
  if (text.length > SIP_URI_CHARS_MAX) {
    return {
      problem: `a SIP URI may have ${SIP_URI_CHARS_MAX} characters, this one has ${text.length}`,
    };
  }
  const scheme = /^(sips?):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme !== 'sip' && scheme !== 'sips') {
    return {
      problem: text.startsWith('+')
        ? 'a number is + and 7 to 15 digits'
        : 'a SIP URI begins with sip: or sips:',
    };
  }
  const rest = text.slice(scheme.length + 1);
  if (/^<?sips?:/i.test(rest)) return { problem: 'the scheme sip: appears twice' };
  if (/[<>]/.test(rest)) return { problem: 'a SIP URI has no < and > around it' };
  if (rest.startsWith('//')) return { problem: 'a SIP URI has no // after its scheme' };
  const at = rest.indexOf('@');
  const user = at < 0 ? null : parseUser(rest.slice(0, at));
  if (user !== null && typeof user !== 'string') return user;

  const { hostPort, parameterText, headerText } = cut(rest.slice(at + 1));
  const place = parseHostPort(hostPort);
  if ('problem' in place) return place;
  const parameters = parseParameters(parameterText);
  if ('problem' in parameters) return parameters;
  const headers = parseHeaders(headerText);
  if ('problem' in headers) return headers;
  return { scheme, user, ...place, parameters: parameters.found, headers: headers.found };
}

/**
 * An E.164 number with at least seven digits, so more than a country code and an extension: no
 * number that is dialled from abroad is shorter, and `+100` is a typing mistake.
 */
export function isE164(text: string): boolean {
  return /^\+[1-9][0-9]{6,14}$/.test(text);
}

/** The most digits of an E.164 number. */
export const E164_DIGITS_MAX = 15;

export const DEFAULT_PORT = { sip: 5060, sips: 5061 } as const;

/** RFC 3261 user characters; everything else is percent-encoded as UTF-8. */
const PLAIN_IN_USER = new RegExp(`[${UNRESERVED}&=+$,;?/]`);

export function encodeUser(value: string): string {
  let encoded = '';
  for (const character of value) {
    encoded += PLAIN_IN_USER.test(character) ? character : percentEncode(character);
  }
  return encoded;
}

/** Removes unnecessary escapes, which compare as equal (RFC 3261 section 19.1.4). */
export function canonicalUser(user: string): string {
  if (!user.includes('%')) return user;
  return user.replace(/%[0-9A-Fa-f]{2}/g, (escaped) => {
    const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    return PLAIN_IN_USER.test(character) ? character : escaped.toUpperCase();
  });
}

function percentEncode(character: string): string {
  let encoded = '';
  for (const byte of new TextEncoder().encode(character)) {
    encoded += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

function parseUser(userinfo: string): string | { problem: string } {
  if (userinfo === '') return { problem: 'nothing is before the @' };
  if (userinfo.includes(':')) return { problem: 'a password in a SIP URI is not supported' };
  if (!USER.test(userinfo)) {
    return { problem: `the user part ${show(userinfo)} has characters that need percent-encoding` };
  }
  if (HIDDEN_CONTROL.test(userinfo)) {
    return { problem: `the user part ${show(userinfo)} hides a control character` };
  }
  return canonicalUser(userinfo);
}

/** Splits `host:port`, `;parameters` and `?headers`; IPv6 addresses are in brackets. */
function cut(text: string): { hostPort: string; parameterText: string; headerText: string } {
  const question = text.indexOf('?');
  const beforeHeaders = question < 0 ? text : text.slice(0, question);
  const semicolon = beforeHeaders.indexOf(';');
  return {
    hostPort: semicolon < 0 ? beforeHeaders : beforeHeaders.slice(0, semicolon),
    parameterText: semicolon < 0 ? '' : beforeHeaders.slice(semicolon),
    headerText: question < 0 ? '' : text.slice(question),
  };
}

function parseHostPort(text: string): { host: string; port: number | null } | { problem: string } {
  const parts = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(text);
  const host = parts?.[1]?.toLowerCase() ?? '';
  const portText = parts?.[2];
  const problem = hostProblem(host);
  if (problem !== null) return { problem };
  if (portText === undefined) return { host: canonicalHost(host), port: null };
  if (!/^[1-9][0-9]{0,4}$/.test(portText) || Number(portText) > 65535) {
    return { problem: `the port ${show(portText)} is not a number from 1 to 65535` };
  }
  return { host: canonicalHost(host), port: Number(portText) };
}

/**
 * The one form in which hosts are compared: lower case, and an IPv6 address as RFC 5952 writes it,
 * because `[2001:0db8:0:0::1]` and `[2001:db8::1]` are the same address (RFC 5954 section 4.2).
 */
export function canonicalHost(host: string): string {
  const lowered = host.toLowerCase();
  return lowered.startsWith('[') ? (URL.parse(`http://${lowered}`)?.hostname ?? lowered) : lowered;
}

/**
 * Null for a host name of RFC 3261, an IPv4 address or an IPv6 address in brackets; lower case
 * only.
 */
export function hostProblem(host: string): string | null {
  if (host === '') return 'the host is missing';
  if (host.length > 253) return 'the host is longer than 253 characters';
  if (host.startsWith('[')) {
    return isIpv6(host.slice(1, -1)) && host.endsWith(']')
      ? null
      : `the host ${show(host)} is not an IPv6 address`;
  }
  if (isIpv4(host)) return null;
  if (host.endsWith('.')) return `the host ${show(host)} ends in a dot`;
  const labels = host.split('.');
  const top = labels.at(-1) ?? '';
  if (!TOP_LABEL.test(top) || !labels.every((label) => LABEL.test(label))) {
    return `the host ${show(host)} is neither a host name nor an IP address`;
  }
  return null;
}

/** Four decimal bytes without leading zeros, because some parsers read `010.0.0.1` as octal. */
function isIpv4(text: string): boolean {
  const bytes = text.split('.');
  return (
    bytes.length === 4 &&
    bytes.every((byte) => /^(?:0|[1-9][0-9]{0,2})$/.test(byte) && Number(byte) <= 255)
  );
}

function isIpv6(text: string): boolean {
  if (!/^[0-9a-f:.]+$/.test(text) || text.includes(':::')) return false;
  const halves = text.split('::');
  if (halves.length > 2) return false;
  let groups = 0;
  for (const [index, half] of halves.entries()) {
    if (half === '') continue;
    const parts = half.split(':');
    for (const [place, part] of parts.entries()) {
      const last = index === halves.length - 1 && place === parts.length - 1;
      if (last && part.includes('.')) {
        if (!isIpv4(part)) return false;
        groups += 2;
      } else {
        if (!/^[0-9a-f]{1,4}$/.test(part)) return false;
        groups += 1;
      }
    }
  }
  return halves.length === 2 ? groups <= 7 : groups === 8;
}

function parseParameters(text: string): { found: SipUri['parameters'] } | { problem: string } {
  const found: SipUri['parameters'] = [];
  if (text === '') return { found };
  for (const piece of text.slice(1).split(';')) {
    const equals = piece.indexOf('=');
    const name = equals < 0 ? piece : piece.slice(0, equals);
    const value = equals < 0 ? null : piece.slice(equals + 1);
    if (!PARAMETER.test(name) || (value !== null && !PARAMETER.test(value))) {
      return { problem: `the parameter ${show(piece)} is not name=value` };
    }
    if (HIDDEN_CONTROL.test(piece)) {
      return { problem: `the parameter ${show(piece)} hides a control character` };
    }
    // RFC 3261 section 19.1.1; parsers disagree about which of two counts.
    if (found.some((other) => other.name === name.toLowerCase())) {
      return { problem: `the parameter ${show(name)} appears twice` };
    }
    found.push({ name: name.toLowerCase(), value });
  }
  return { found };
}

function parseHeaders(text: string): { found: SipUri['headers'] } | { problem: string } {
  const found: SipUri['headers'] = [];
  if (text === '') return { found };
  for (const piece of text.slice(1).split('&')) {
    const equals = piece.indexOf('=');
    const name = piece.slice(0, Math.max(equals, 0));
    const value = piece.slice(equals + 1);
    if (name === '' || !HEADER.test(name) || !HEADER.test(value)) {
      return { problem: `the header ${show(piece)} is not name=value` };
    }
    // In a Refer-To it would begin another header of the new INVITE.
    if (HIDDEN_CONTROL.test(piece)) {
      return { problem: `the header ${show(piece)} hides a control character` };
    }
    found.push({ name, value });
  }
  return { found };
}

/** Quoted, with control characters visible. */
function show(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
