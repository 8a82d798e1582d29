/**
 * Finds secrets in a text by what stands around them: nobody knows every value that an operator, a
 * database, a proxy or Telnyx may quote. `mask.ts` removes the values that are known.
 */

/** `mark` stands where the secret was. */
export function withoutSecrets(text: string, mark: string): string {
  let clean = text;
  if (clean.includes('@')) {
    clean = clean.replace(URL_PASSWORD, `$1${mark}@`).replace(URL_TOKEN, `$1${mark}@`);
  }
  if (!MAY_NAME_SECRET.test(clean)) return clean;
  for (const pattern of NAMED) clean = clean.replace(pattern, `$1${mark}`);
  return clean.replace(API_KEY, mark);
}

/**
 * `postgres://user:password@host` and `sip:user:password@host`, but not the placeholder in
 * `sip:{row:extension}@host`, which a refused reload quotes, nor the second scheme of
 * `sip:sip:user@host`. A password may be a JWT.
 */
const URL_PASSWORD =
  /((?:\b[a-z][a-z\d+.-]{0,32}:(?:\/\/)?|\/\/)(?!<?sips?:)(?:\{(?:row|header|lookup):[^{}@]{0,128}\}|(?!\{(?:row|header|lookup):)[^\s:@/]){0,256}:)[^\s@]{1,1024}@/gi;
/** `https://token@host`, also without a colon. */
const URL_TOKEN = /(\bhttps?:\/\/)[^\s:@/{}]{1,1024}@/gi;

const MAY_NAME_SECRET = /bearer|auth|passw|pwd|passphrase|secret|token|cookie|key|sig/i;

const SECRET_NAMES = String.raw`[\w-]{0,40}(?:password|passwd|pwd|passphrase|secret|token|(?:api|access|private)[-_]?key|sip_auth_\w{1,40}|signature)`;
/** A value in a text, up to what ends it. A reference such as `${NAME}` or `<name>` is none. */
const VALUE = String.raw`(?![$<…[]|redacted\])[^\s"'\\,;&}\]]+`;

const SCHEME = '(?:basic|bearer|token|apikey|negotiate|ntlm)';

const NAMED = [
  // Digest's parameters and all cookies are secret.
  /(\b(?:proxy-)?authorization["']?\s*[:=]\s*["'[]*digest\s+)[^\r\n]+/gi,
  /(\b(?:set-)?cookie\s*[:=]\s*)[^\s"'][^\r\n"'}]*/gi,
  // With its scheme, whatever that is called.
  new RegExp(
    String.raw`(\b(?:proxy-)?authorization[\\"']*\s*[:=,]\s*[\\"'[]*(?:${SCHEME}\s+)?)(?!${SCHEME}\s+\[?redacted\])${VALUE}`,
    'gi',
  ),
  new RegExp(String.raw`(\bbearer\s+[\\"']*)${VALUE}`, 'gi'),
  // name=value in a query string, an environment or a connection string.
  new RegExp(String.raw`(\b${SECRET_NAMES}\s?=\s?["']?)${VALUE}`, 'gi'),
  new RegExp(`([?&;](?:key|auth|code|sig)=)${VALUE}`, 'gi'),
  // "name": "value" in JSON, also where JSON is quoted in JSON.
  new RegExp(String.raw`(["']${SECRET_NAMES}[\\"']*\s*:\s*[\\"'[]*)${VALUE}`, 'gi'),
  // A header, or a line of YAML. Elsewhere a colon after such a word is only punctuation.
  new RegExp(
    String.raw`(\b(?:x-[\w-]{0,40}(?:key|token|secret)|sip_auth_\w{1,40}|(?:\w{1,40}[_-])?password|passwd|api[-_]?key|client[-_]secret)\s*:\s*["']?)${VALUE}`,
    'gi',
  ),
];

/** Telnyx's own, of whatever account. */
const API_KEY = /\bKEY(?=\w{0,40}\d)\w{12,200}/g;
