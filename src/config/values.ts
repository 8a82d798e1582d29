/** Parses values that a schema alone cannot check: keys, addresses, lists. */
import { isLoopback } from '../core/loopback.ts';
import { parsePublicKey } from '../telnyx/public-key.ts';

export type DatabaseAddress = { kind: 'sqlite'; path: string } | { kind: 'postgres'; url: string };

const PUBLIC_KEYS_MAX = 10;
const CONNECTION_IDS_MAX = 1000;

/** A Telnyx key, or a URL with a password, in the wrong variable. */
const SECRET_LOOKING = /\bKEY[0-9A-Za-z_]{12}|:\/\/[^/]*@/;

/** A value as reports show it: quoted, escaped and shortened. */
export function shown(value: unknown): string {
  const text = String(value);
  if (SECRET_LOOKING.test(text)) return `${text.length} characters that look like a secret`;
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

/** Removes surrounding white space and the quotation marks that `docker --env-file` keeps. */
export function unquoted(text: string): string {
  const bare = text.trim();
  return /^(["'])(.*)\1$/s.exec(bare)?.[2]?.trim() ?? bare;
}

/** What is wrong and how to fix it; the caller adds the name of the variable. */
export class BadValue extends Error {}

export function parsePublicKeys(text: string): Buffer[] {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.length > PUBLIC_KEYS_MAX) {
    throw new BadValue(
      `at most ${PUBLIC_KEYS_MAX} keys, got ${parts.length}. Keep the ones in use.`,
    );
  }
  return parts.map((part, index) => {
    const parsed = parsePublicKey(part);
    if ('key' in parsed) return parsed.key;
    const which = parts.length === 1 ? '' : `key ${index + 1} of ${parts.length}: `;
    throw new BadValue(
      `${which}${parsed.problem}. Copy the public key from the Telnyx portal under API keys; separate several with commas.`,
    );
  });
}

/** Errors never contain the text, which may include a key in the wrong place. */
export function parseApiUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (text.includes('@') || (url !== null && (url.search !== '' || url.hash !== ''))) {
    throw new BadValue('expected only scheme, host and path. The key belongs in TELNYX_API_KEY.');
  }
  if (url === null) throw new BadValue('not a URL. Leave it unset for https://api.telnyx.com/v2.');
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) {
    throw new BadValue(
      `expected https (http only for localhost, 127.0.0.1 or [::1]), got ${url.protocol} and another host. The API key would be sent unencrypted.`,
    );
  }
  return url.href.replace(/\/+$/, '');
}

export interface ProxyAddress {
  url: string;
  /** The value of NO_PROXY. */
  none: string;
}

/** Errors never contain the text, which may include a password. */
export function parseProxyUrl(text: string): string {
  // Without a scheme it is http, as in curl.
  const address = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  refuseAmbiguous(address);
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null) throw new BadValue('not a URL. Write http://host:port.');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new BadValue(`expected an http or https proxy, got ${url.protocol.slice(0, -1)}.`);
  }
  if (url.pathname !== '/' || url.search !== '') {
    throw new BadValue('expected only scheme, host and port. Write http://host:port.');
  }
  return url.href;
}

export function parseApiKey(text: string): string {
  if (/^(replace|change[-_ ]?me|your[-_ ]|<)/i.test(text)) {
    throw new BadValue(
      'it is still a placeholder. Copy the key from the Telnyx portal under API keys.',
    );
  }
  return text;
}

/**
 * Long words match anywhere, because random text does not contain them; short ones only as whole
 * words, between characters that are not of base64, which may contain /tbd+ by chance.
 */
const PLACEHOLDER =
  /replace|change[-_. ]?(me|this|it)|example|placeholder|openssl|your[-_. ]?(own|admin|bearer|secret|token|key|random)|<[\w .-]{3,}>|^\$[({]|^\$[A-Z_]+$|\{\{|(^|[^a-z0-9+/=])(todo|fixme|tbd|xxx+|your|insert|dummy|sample)([^a-z0-9+/=]|$)/i;

/** Errors never contain the text. */
export function parseAdminToken(text: string): string {
  if (PLACEHOLDER.test(text)) {
    throw new BadValue(
      'it is still a placeholder, which anybody can guess. Generate a token with: openssl rand -base64 32',
    );
  }
  return text;
}

export function parseConnectionIds(text: string): Set<string> {
  const ids = text.split(',').map((id) => id.trim());
  const bad = ids.find((id) => !/^\d{1,30}$/.test(id));
  if (bad !== undefined) {
    throw new BadValue(
      `expected numeric ids separated by commas, got ${shown(bad)}. The portal shows the id of each Voice API application.`,
    );
  }
  if (ids.length > CONNECTION_IDS_MAX) {
    throw new BadValue(
      `at most ${CONNECTION_IDS_MAX} ids, got ${ids.length}. Leave it unset for all.`,
    );
  }
  return new Set(ids);
}

/** Errors never contain the text, which may include a password. */
export function parseDatabaseUrl(text: string): DatabaseAddress {
  if (/^postgres(ql)?:\/\//.test(text)) {
    refuseAmbiguous(text);
    // A user without a host is the address of a socket. Only the driver understands it, so URL gets
    // a host.
    const readable = text.replace('@/', '@localhost/');
    if (!URL.canParse(readable)) {
      throw new BadValue(
        'not a valid URL. Percent-encode special characters in the password (@ is %40, / is %2F, # is %23).',
      );
    }
    refuseSeveralHosts(new URL(readable));
    return { kind: 'postgres', url: text };
  }
  if (!text.startsWith('sqlite:')) {
    throw new BadValue(
      'expected sqlite:<path> or postgres://…. The default is sqlite:data/referee.db.',
    );
  }
  const path = text.slice('sqlite:'.length).replace(/^\/\/\//, '/');
  if (path.startsWith('//')) {
    throw new BadValue(
      'a path cannot begin with two slashes. Write sqlite:data/referee.db or sqlite:/var/lib/referee.db.',
    );
  }
  if (path.trim() === '' || path === ':memory:' || /\p{Cc}/u.test(path)) {
    throw new BadValue(
      'expected the path of a file after sqlite:, because calls must survive a restart.',
    );
  }
  // SQLite would take it for a URI, and open another file than the one that we hold.
  if (path.startsWith('file:')) {
    throw new BadValue(
      'a path has no file: before it. Write sqlite:data/referee.db or sqlite:/var/lib/referee.db.',
    );
  }
  return { kind: 'sqlite', path };
}

/**
 * A password with one of these characters unencoded splits the URL in the wrong place. Part of it
 * then becomes the host name, which is sent to name servers, logged and shown.
 */
function refuseAmbiguous(text: string): void {
  const rest = text.slice(text.indexOf('://') + 3);
  const at = rest.lastIndexOf('@');
  const early = /[/?\\]/.exec(rest.slice(0, Math.max(0, at)))?.[0];
  const found =
    ['#'].find((character) => rest.includes(character)) ??
    early ??
    (rest.indexOf('@') === at ? undefined : '@') ??
    (/%(?![\da-f]{2})/i.test(rest) ? '%' : undefined) ??
    /[\s\p{Cc}]/u.exec(rest)?.[0];
  if (found === undefined) return;
  const name = /[\s\p{Cc}]/u.test(found) ? 'white space' : found;
  throw new BadValue(
    `it is ambiguous because of ${name}. Percent-encode special characters in the user name and the password: ${name === 'white space' ? 'a space' : found} is ${encoded(found)} (@ is %40, / is %2F, # is %23, % is %25).`,
  );
}

function encoded(character: string): string {
  return [...Buffer.from(character)]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('');
}

/** libpq tries several hosts in turn; this driver would treat the list as one host name. */
function refuseSeveralHosts({ hostname, searchParams }: URL): void {
  const hosts = [hostname, searchParams.get('host') ?? '', searchParams.get('port') ?? ''];
  if (hosts.some((host) => host.includes(','))) {
    throw new BadValue(
      'several hosts are not supported. Use one host that always leads to the primary: a DNS name or address that moves with a failover, or a pooler such as PgBouncer or HAProxy.',
    );
  }
  const wanted = searchParams.get('target_session_attrs');
  if (wanted !== null && !['any', 'read-write', 'primary'].includes(wanted)) {
    throw new BadValue(
      'target_session_attrs allows a read-only server, but Referee must write. Remove it.',
    );
  }
}
