/** Values of the environment that a schema alone cannot judge: keys, addresses, lists. */
import { parsePublicKey } from '../telnyx/public-key.ts';

export type DatabaseAddress = { kind: 'sqlite'; path: string } | { kind: 'postgres'; url: string };

const PUBLIC_KEYS_MAX = 10;
const CONNECTION_IDS_MAX = 1000;

/** A value in a report: quoted, control characters escaped, short. */
export function shown(value: unknown): string {
  const text = String(value);
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
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

export function parseApiUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null) throw new BadValue('not a URL. Leave it unset for https://api.telnyx.com/v2.');
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new BadValue('expected scheme, host and path only. The key belongs into TELNYX_API_KEY.');
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && LOOPBACK.test(url.hostname))) {
    throw new BadValue(
      `expected https (http only for localhost, 127.0.0.1 or [::1]), got ${shown(text)}. The API key would travel in the clear.`,
    );
  }
  return url.href.replace(/\/+$/, '');
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
    if (!URL.canParse(text)) {
      throw new BadValue(
        'not a URL that can be read. Percent-encode special characters of the password (@ is %40, / is %2F, # is %23).',
      );
    }
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
