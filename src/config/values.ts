/** Values of the environment that a schema alone cannot judge: keys, addresses, lists. */
import { parsePublicKey } from '../telnyx/public-key.ts';

export type DatabaseAddress = { kind: 'sqlite'; path: string } | { kind: 'postgres'; url: string };

const PUBLIC_KEYS_MAX = 10;
const CONNECTION_IDS_MAX = 1000;

/** Looks like a key of Telnyx's, or like a URL with a password, in a variable that is not for it. */
const SECRET_LOOKING = /\bKEY[0-9A-Za-z_]{12}|:\/\/[^/]*@/;

/** A value in a report: quoted, control characters escaped, short. */
export function shown(value: unknown): string {
  const text = String(value);
  if (SECRET_LOOKING.test(text)) return `${text.length} characters that look like a secret`;
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

/** Without the quotation marks that `docker --env-file` keeps, and white space around. */
export function unquoted(text: string): string {
  const bare = text.trim();
  return /^(["'])(.*)\1$/s.exec(bare)?.[2]?.trim() ?? bare;
}

/** What is wrong and how to mend it; the reader of the environment adds the variable's name. */
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
      `${which}${parsed.problem}. Copy the public key from the Telnyx portal under API keys; several with commas between.`,
    );
  });
}

/** Numeric loopback or the one name for it: what a resolver could answer otherwise is not loopback. */
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

export function isLoopback(hostname: string): boolean {
  return LOOPBACK.test(hostname);
}

/** Never repeats the text: a key may stand in it, in the wrong place. */
export function parseApiUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (text.includes('@') || (url !== null && (url.search !== '' || url.hash !== ''))) {
    throw new BadValue('expected scheme, host and path only. The key belongs into TELNYX_API_KEY.');
  }
  if (url === null) throw new BadValue('not a URL. Leave it unset for https://api.telnyx.com/v2.');
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) {
    throw new BadValue(
      `expected https (http only for localhost, 127.0.0.1 or [::1]), got ${url.protocol} and another host. The API key would travel in the clear.`,
    );
  }
  return url.href.replace(/\/+$/, '');
}

export interface ProxyAddress {
  url: string;
  /** NO_PROXY. */
  none: string;
}

/** Never repeats the text: it may hold a password. */
export function parseProxyUrl(text: string): string {
  // Without a scheme it is http, as curl takes it.
  const address = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  refuseAmbiguous(address);
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null) throw new BadValue('not a URL. Write http://host:port.');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new BadValue(`expected an http or https proxy, got ${url.protocol.slice(0, -1)}.`);
  }
  if (url.pathname !== '/' || url.search !== '') {
    throw new BadValue('expected scheme, host and port only. Write http://host:port.');
  }
  return url.href;
}

export function parseApiKey(text: string): string {
  if (/^(replace|change[-_ ]?me|your[-_ ]|<)/i.test(text)) {
    throw new BadValue(
      'a placeholder still stands there. Copy the key from the Telnyx portal under API keys.',
    );
  }
  return text;
}

/** Guessed sooner than tried out: `openssl rand` gives some thirty different ones. */
const TOKEN_CHARACTERS_MIN = 10;
/** Long words anywhere, for chance does not write them; short ones only where they stand alone. */
const PLACEHOLDER =
  /replace|change[-_. ]?(me|this|it)|example|placeholder|openssl|your[-_. ]?(own|admin|bearer|secret|token|key|random)|x{6}|<[\w .-]{3,}>|^\$[({]|^\$[A-Z_]+$|\{\{|(^|[^a-z0-9])(todo|fixme|tbd|xxx+|your|insert|dummy|sample)([^a-z0-9]|$)/i;

/** Never repeats the text. */
export function parseAdminToken(text: string): string {
  if (PLACEHOLDER.test(text)) {
    throw new BadValue(
      'a placeholder still stands there, which anybody can guess. Make a token with: openssl rand -base64 32',
    );
  }
  const different = new Set(text).size;
  if (different < TOKEN_CHARACTERS_MIN) {
    throw new BadValue(
      `at least ${TOKEN_CHARACTERS_MIN} different characters, got ${different}: easily guessed. Make a token with: openssl rand -base64 32`,
    );
  }
  return text;
}

export function parseConnectionIds(text: string): Set<string> {
  const ids = text.split(',').map((id) => id.trim());
  const bad = ids.find((id) => !/^\d{1,30}$/.test(id));
  if (bad !== undefined) {
    throw new BadValue(
      `expected ids of digits with commas between, got ${shown(bad)}. The portal shows the id of each Voice API application.`,
    );
  }
  if (ids.length > CONNECTION_IDS_MAX) {
    throw new BadValue(
      `at most ${CONNECTION_IDS_MAX} ids, got ${ids.length}. Leave it unset for all.`,
    );
  }
  return new Set(ids);
}

/** Never repeats the text: it may hold a password. */
export function parseDatabaseUrl(text: string): DatabaseAddress {
  if (/^postgres(ql)?:\/\//.test(text)) {
    refuseAmbiguous(text);
    // A user and no host is a socket's address, which only the driver takes for one.
    const readable = text.replace('@/', '@localhost/');
    if (!URL.canParse(readable)) {
      throw new BadValue(
        'not a URL that can be read. Percent-encode special characters of the password (@ is %40, / is %2F, # is %23).',
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
      'two slashes name no path. Write sqlite:data/referee.db or sqlite:/var/lib/referee.db.',
    );
  }
  if (path.trim() === '' || path === ':memory:' || /\p{Cc}/u.test(path)) {
    throw new BadValue(
      'expected the path of a file after sqlite:, since a call must outlive the process.',
    );
  }
  return { kind: 'sqlite', path };
}

/**
 * A password that holds one of these unencoded splits the URL elsewhere, and a part of it becomes the
 * name of a host: asked of name servers, logged and shown.
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
    `it can be read in two ways because of ${name}. Percent-encode special characters of the user and the password: ${name === 'white space' ? 'a space' : found} is ${encoded(found)} (@ is %40, / is %2F, # is %23, % is %25).`,
  );
}

function encoded(character: string): string {
  return [...Buffer.from(character)]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('');
}

/** libpq tries several hosts in turn; this driver would ask for a host of that name. */
function refuseSeveralHosts({ hostname, searchParams }: URL): void {
  const hosts = [hostname, searchParams.get('host') ?? '', searchParams.get('port') ?? ''];
  if (hosts.some((host) => host.includes(','))) {
    throw new BadValue(
      'several hosts are not supported. Name one that always leads to the primary: a DNS name or address that moves with a failover, or a pooler such as PgBouncer or HAProxy.',
    );
  }
  const wanted = searchParams.get('target_session_attrs');
  if (wanted !== null && !['any', 'read-write', 'primary'].includes(wanted)) {
    throw new BadValue(
      'target_session_attrs asks for a server that may be read-only, and calls are written. Leave it out.',
    );
  }
}
