/**
 * How numbers and SIP addresses are compared: as E.164, otherwise as user@host with the host in
 * lower case.
 *
 * Only safe normalisation is done. Spaces, dots, hyphens and brackets after `+` are removed,
 * because RFC 3966 calls them visual separators. A number without `+` does not get one:
 * "4155550100" is San Francisco nationally and Switzerland internationally.
 */
import { compileGlob, type Glob, isGlob } from './glob.ts';
import { canonicalHost, canonicalUser } from './sip-uri.ts';

/** One party of a call, in all forms that a rule's value may be compared with. */
export interface Address {
  /** `+` and digits; also if the user part of a SIP address is a number. */
  number: string | null;
  /** user@host and user@host:port; for anything but a number or SIP address, the text itself. */
  texts: string[];
  /** User part of a SIP address, otherwise the text or number itself; null if empty. */
  user: string | null;
}

/**
 * Longer addresses are compared by their first characters only; a From header is never that long.
 */
const ADDRESS_CHARS_MAX = 512;

const SEPARATED_NUMBER = /^\+[0-9\s().-]*[0-9][\s().-]*$/;
const SEPARATED_PATTERN = /^\+[0-9\s().*?-]*$/;
const NOTHING: Address = { number: null, texts: [], user: null };

export function readAddress(raw: string | null): Address {
  const text = barePart(raw ?? '').slice(0, ADDRESS_CHARS_MAX);
  if (text === '') return NOTHING;
  const number = readNumber(text);
  if (number !== null) return { number, texts: [], user: number };
  const sip = cutSipAddress(text);
  if (sip === null) return { number: null, texts: [text], user: text };
  const host = sip.host;
  const bare = `${sip.user}@${host}`;
  const withPort = `${bare}:${sip.port ?? (sip.secure ? 5061 : 5060)}`;
  return { number: readNumber(sip.user), texts: [bare, withPort], user: sip.user };
}

/**
 * The party without the parameters that the phone network adds to its number:
 * `;npdi;rn=+14155550199` of a ported number, `;cpc=`, `;ext=`. RFC 3261 section 19.1.6 allows them
 * in the user part of a SIP URI. A name that is not a number keeps its semicolons. Null if nothing
 * is left.
 */
export function withoutUserParameters(raw: string | null): string | null {
  const text = (raw ?? '').trim();
  if (!text.includes(';')) return text === '' ? null : text;
  const at = text.indexOf('@');
  const user = at < 0 ? text : text.slice(0, at);
  const cut = user.indexOf(';');
  if (cut < 0 || !NUMBER_BEFORE_PARAMETERS.test(user.slice(0, cut))) return text;
  return user.slice(0, cut) + (at < 0 ? '' : text.slice(at));
}

/**
 * A party in the one form in which calls are stored and asked for: without the parameters of its
 * number, and with the scheme and the host of a SIP URI in lower case, because RFC 3261 section
 * 19.1.4 compares them without case. A port stays: by that section `:5060` is not the same as none.
 */
export function partyOf(raw: string | null): string | null {
  const text = withoutUserParameters(raw);
  if (text === null || !/^sips?:/i.test(text)) return text;
  return text.replace(
    /^(sips?:)([^@]*@)?(\[[^\]]*\]|[^:;?>]*)/i,
    (_, scheme: string, user: string | undefined, host: string) =>
      `${scheme.toLowerCase()}${user ?? ''}${host.toLowerCase()}`,
  );
}

const NUMBER_BEFORE_PARAMETERS = /^(?:sips?:|tel:)?(?:\+|%2B)?[0-9][0-9\s().-]*$/i;

/**
 * Extracts the address from a form like `"Ada" <sip:+14155550100;npdi@host>`, as in a From header.
 * A caller may put anything into the quoted name, even another address in brackets.
 */
function barePart(raw: string): string {
  const inner = raw.includes('<')
    ? /<([^<>]*)>/.exec(raw.replace(QUOTED_NAME, ''))?.[1]
    : undefined;
  return withoutUserParameters(inner ?? raw) ?? '';
}

/** RFC 3261 section 25.1: a quote inside it has a backslash before it. */
const QUOTED_NAME = /^\s*"(?:[^"\\]|\\.)*"/s;

/** What a value of `from` or `to` in a rule or list means. */
export type Pattern =
  | { kind: 'exact'; key: string }
  | { kind: 'glob'; glob: Glob; over: 'numbers' | 'texts' | 'both' };

/** The key of an exact value; a call is looked up by its number and each of its texts. */
export function readPattern(value: string): Pattern {
  const text = value.trim().replace(/^tel:(?=\+)/i, '');
  if (!isGlob(text)) return { kind: 'exact', key: exactKey(text) };
  if (SEPARATED_PATTERN.test(text)) {
    return { kind: 'glob', glob: compileGlob(withoutSeparators(text)), over: 'numbers' };
  }
  const sip = text.replace(/^sips?:/i, '');
  const at = sip.indexOf('@');
  if (at >= 0) {
    const lowered = `${canonicalUser(sip.slice(0, at))}@${sip.slice(at + 1).toLowerCase()}`;
    return { kind: 'glob', glob: compileGlob(lowered), over: 'texts' };
  }
  return { kind: 'glob', glob: compileGlob(sip), over: sip === text ? 'both' : 'texts' };
}

function exactKey(text: string): string {
  const number = readNumber(text);
  if (number !== null) return number;
  const sip = cutSipAddress(text);
  if (sip === null) return text;
  const bare = `${sip.user}@${sip.host}`;
  return sip.port === null ? bare : `${bare}:${sip.port}`;
}

function readNumber(text: string): string | null {
  const number = /^tel:/i.test(text) ? (text.slice(4).split(';')[0] ?? '') : text;
  if (!number.startsWith('+') || !SEPARATED_NUMBER.test(number)) return null;
  return withoutSeparators(number);
}

function withoutSeparators(text: string): string {
  return /[\s().-]/.test(text) ? text.replace(/[\s().-]/g, '') : text;
}

interface SipAddress {
  secure: boolean;
  user: string;
  host: string;
  port: number | null;
}

/**
 * Lenient, unlike `parseSipUri`: these addresses come from calls, and nothing is sent to them. The
 * first @ ends the user part, because RFC 3261 does not allow an unescaped @ in it.
 */
function cutSipAddress(text: string): SipAddress | null {
  const scheme = /^(sips?):/i.exec(text)?.[1];
  const rest = scheme === undefined ? text : text.slice(scheme.length + 1);
  const at = rest.indexOf('@');
  if (at < 0 && scheme === undefined) return null;
  const user = rest.slice(0, Math.max(at, 0)).split(':')[0] ?? '';
  const parts = /^(\[[^\]]*\]|[^:;?>]*)(?::([0-9]{1,5}))?/.exec(rest.slice(at + 1));
  return {
    secure: scheme?.toLowerCase() === 'sips',
    user: canonicalUser(user),
    host: canonicalHost(parts?.[1] ?? ''),
    port: parts?.[2] === undefined ? null : Number(parts[2]),
  };
}

/**
 * Numbers that phone companies send for withheld numbers. They spell ANONYMOUS, RESTRICTED,
 * BLOCKED, UNKNOWN (shortened) and UNAVAILABLE on a keypad.
 */
export const WITHHELD_NUMBERS: ReadonlySet<string> = new Set([
  '+266696687',
  '+7378742833',
  '+2562533',
  '+8566696',
  '+86282452253',
]);

/**
 * Words for a withheld number, from RFC 3323, phone companies and switches, alone or with a noun.
 */
const WITHHELD_NAME =
  /^(?:(?:caller|number|(?:caller )?id) )?(?:anonymous|private|blocked|withheld|restricted|unavailable|unknown)(?: (?:caller|number|name|user|(?:caller )?id))?$/;

/** Whether a text means a withheld number: `Private`, `Unknown caller`, `tel:anonymous`. */
export function isWithheldName(text: string): boolean {
  const name = text.replace(/^(?:tel|sips?):/i, '').replace(/%20|[\s_.+-]+/g, ' ');
  return WITHHELD_NAME.test(name.trim().toLowerCase());
}

export function isAnonymous(address: Address): boolean {
  if (address.user === null || address.user === '') return true;
  if (address.number !== null) return WITHHELD_NUMBERS.has(address.number);
  return (
    isWithheldName(address.user) || (address.texts[0]?.endsWith('@anonymous.invalid') ?? false)
  );
}
