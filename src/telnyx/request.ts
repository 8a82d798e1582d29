/**
 * A command as an HTTP request: method, path and body as Telnyx's Call Control API documents them.
 * The same command always gives the same bytes; Telnyx recognises a repetition by its command_id.
 */
import type { TelnyxCommand } from '../core/machine/command.ts';

export interface TelnyxRequest {
  method: 'GET' | 'POST' | 'PUT';
  /** Relative to the API's address, with a leading slash. */
  path: string;
  /** JSON, or null for a GET. */
  body: string | null;
}

/** A variable that a target's `auth` names is not set, so the command cannot be sent. */
export class UnsetVariable extends Error {
  readonly variable: string;

  constructor(variable: string) {
    super(`${variable} is not set`);
    this.variable = variable;
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Throws UnsetVariable. */
export function requestOf(command: TelnyxCommand, env: Environment): TelnyxRequest {
  const path = `/calls/${pathSegment(command.legId)}`;
  if (command.action === 'probe') return { method: 'GET', path, body: null };
  if (command.action === 'active_calls') {
    const connection = pathSegment(command.connectionId);
    return { method: 'GET', path: `/connections/${connection}/active_calls`, body: null };
  }
  const method = command.action === 'client_state_update' ? 'PUT' : 'POST';
  const body = JSON.stringify(bodyOf(command, env));
  return { method, path: `${path}/actions/${command.action}`, body };
}

type Field = string | number | boolean | { name: string; value: string }[] | null;

function bodyOf(
  command: Exclude<TelnyxCommand, { action: 'probe' | 'active_calls' }>,
  env: Environment,
) {
  // The only action without a command_id and with a required client_state. If there was no state
  // before ours, the leg gets the base64 of an empty text.
  if (command.action === 'client_state_update') return { client_state: command.clientState ?? '' };
  return present({
    ...fieldsOf(command, env),
    client_state: command.clientState,
    command_id: command.id,
  });
}

function fieldsOf(
  command: Exclude<TelnyxCommand, { action: 'probe' | 'active_calls' | 'client_state_update' }>,
  env: Environment,
): Record<string, Field> {
  switch (command.action) {
    case 'answer':
      // Send silence instead of nothing: far ends hang up on a leg that sends no packets.
      return { send_silence_when_idle: true };
    case 'hangup':
      return {};
    case 'reject':
      return { cause: command.cause === 'busy' ? 'USER_BUSY' : 'CALL_REJECTED' };
    case 'refer':
      return { sip_address: command.sipAddress, ...sipFields(command, env) };
    case 'transfer':
      return {
        to: command.to,
        from: command.from,
        timeout_secs: command.timeoutSecs,
        target_leg_client_state: command.targetClientState,
        ...sipFields(command, env),
      };
    case 'speak':
      return {
        payload: command.text,
        voice: command.voice,
        language: command.language,
        ...queueFields(command),
      };
    case 'playback_start':
      return { audio_url: command.url, ...queueFields(command) };
    case 'playback_stop':
      return { stop: 'all' };
    case 'gather_using_speak':
      return {
        payload: command.text,
        voice: command.voice,
        language: command.language,
        ...gatherFields(command),
      };
    case 'gather_using_audio':
      return { audio_url: command.url, ...gatherFields(command) };
  }
}

function gatherFields(
  command: Extract<TelnyxCommand, { action: 'gather_using_speak' | 'gather_using_audio' }>,
): Record<string, Field> {
  return {
    maximum_tries: command.tries,
    timeout_millis: command.timeoutMs,
    minimum_digits: command.digitsMin,
    maximum_digits: command.digitsMax,
    valid_digits: command.validDigits,
    terminating_digit: terminatingDigit(command.validDigits),
  };
}

/** Fields common to refer and transfer. sip_headers only accepts the name User-to-User. */
function sipFields(
  command: Extract<TelnyxCommand, { action: 'refer' | 'transfer' }>,
  env: Environment,
): Record<string, Field> {
  const { userToUser, headers, auth } = command;
  return {
    custom_headers: headers.map(({ name, value }) => ({ name, value })),
    sip_headers: userToUser === null ? null : [{ name: 'User-to-User', value: userToUser }],
    sip_auth_username: auth === null ? null : resolve(auth.username, env),
    sip_auth_password: auth === null ? null : resolve(auth.password, env),
  };
}

/** `loop` is a number or "infinity"; `stop: all` stops playback and clears the queue. */
function queueFields(command: { loop: boolean; stopOthers: boolean }): Record<string, Field> {
  return { loop: command.loop ? 'infinity' : null, stop: command.stopOthers ? 'all' : null };
}

/** Telnyx's default is "#". If the menu uses it as a choice, another unused key is taken. */
function terminatingDigit(validDigits: string): string | null {
  if (!validDigits.includes('#')) return null;
  return [...'*0123456789'].find((digit) => !validDigits.includes(digit)) ?? null;
}

/** The secrets in a request, which must never be shown or logged. */
export function secretsOf(command: TelnyxCommand, env: Environment): string[] {
  if (!('auth' in command) || command.auth === null) return [];
  const { username, password } = command.auth;
  const names = [...`${username} ${password}`.matchAll(REFERENCE)].map(([, name = '']) => name);
  return names.map((name) => env[name] ?? '');
}

const REFERENCE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** Only here is a `${NAME}` replaced by its secret, so no database, log or answer contains one. */
function resolve(text: string, env: Environment): string {
  return text.replace(REFERENCE, (_, name: string) => {
    const value = env[name];
    if (value === undefined || value === '') throw new UnsetVariable(name);
    return value;
  });
}

/** Leaves out null and empty fields, because Telnyx's schema does not allow null. */
function present(fields: Record<string, Field>): Record<string, Field> {
  const kept: Record<string, Field> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value === null || (Array.isArray(value) && value.length === 0)) continue;
    kept[name] = value;
  }
  return kept;
}

/** A call_control_id is untrusted; encoded, it stays one path segment. */
export function pathSegment(legId: string): string {
  const segment = encodeURIComponent(legId.toWellFormed());
  // We or a proxy would read a segment of dots as a step up the path.
  return /^\.+$/.test(segment) ? segment.replaceAll('.', '%2E') : segment;
}
