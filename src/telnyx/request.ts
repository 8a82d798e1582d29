/**
 * A command in Telnyx's own words: method, path and body as its Call Control API documents them.
 * The same command gives the same bytes each time: Telnyx knows a repetition by its command_id.
 */
import type { Command } from '../core/machine/command.ts';

export interface TelnyxRequest {
  method: 'GET' | 'POST' | 'PUT';
  /** Below the API's address, beginning with a slash. */
  path: string;
  /** JSON, or null for a GET. */
  body: string | null;
}

/** A variable that a target's `auth` names and that is not set: the command cannot be made. */
export class UnsetVariable extends Error {
  readonly variable: string;

  constructor(variable: string) {
    super(`${variable} is not set`);
    this.variable = variable;
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Throws UnsetVariable. */
export function requestOf(command: Command, env: Environment): TelnyxRequest {
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

function bodyOf(command: Exclude<Command, { action: 'probe' | 'active_calls' }>, env: Environment) {
  // The one action without a command_id, and whose client_state is required: handing a leg back on
  // which nobody had left a state takes ours away with the base64 of nothing.
  if (command.action === 'client_state_update') return { client_state: command.clientState ?? '' };
  return present({
    ...fieldsOf(command, env),
    client_state: command.clientState,
    command_id: command.id,
  });
}

function fieldsOf(
  command: Exclude<Command, { action: 'probe' | 'active_calls' | 'client_state_update' }>,
  env: Environment,
): Record<string, Field> {
  switch (command.action) {
    case 'answer':
      // Silence instead of no packets at all: far ends hang up on a leg that sends nothing.
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
        maximum_tries: command.tries,
        timeout_millis: command.timeoutMs,
        minimum_digits: command.digitsMin,
        maximum_digits: command.digitsMax,
        valid_digits: command.validDigits,
        terminating_digit: terminatingDigit(command.validDigits),
      };
  }
}

/** What refer and transfer have in common. sip_headers takes the name User-to-User only. */
function sipFields(
  command: Extract<Command, { action: 'refer' | 'transfer' }>,
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

/** `loop` takes a number or "infinity"; `stop: all` ends what plays and empties the queue behind it. */
function queueFields(command: { loop: boolean; stopOthers: boolean }): Record<string, Field> {
  return { loop: command.loop ? 'infinity' : null, stop: command.stopOthers ? 'all' : null };
}

/** Telnyx's default is "#", which a menu may want as a choice: then a digit that the menu does not want. */
function terminatingDigit(validDigits: string): string | null {
  if (!validDigits.includes('#')) return null;
  return [...'*0123456789'].find((digit) => !validDigits.includes(digit)) ?? null;
}

/** What a request holds and nobody else may show. */
export function secretsOf(command: Command, env: Environment): string[] {
  if (!('auth' in command) || command.auth === null) return [];
  const { username, password } = command.auth;
  const names = [...`${username} ${password}`.matchAll(REFERENCE)].map(([, name = '']) => name);
  return names.map((name) => env[name] ?? '');
}

const REFERENCE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** Secrets stay references until this moment: no database, log or answer holds one. */
function resolve(text: string, env: Environment): string {
  return text.replace(REFERENCE, (_, name: string) => {
    const value = env[name];
    if (value === undefined || value === '') throw new UnsetVariable(name);
    return value;
  });
}

/** Without the fields that are null or empty: Telnyx's schema knows no null. */
function present(fields: Record<string, Field>): Record<string, Field> {
  const kept: Record<string, Field> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value === null || (Array.isArray(value) && value.length === 0)) continue;
    kept[name] = value;
  }
  return kept;
}

/** A call_control_id is the caller's word: encoded, it stays one segment, whatever it holds. */
function pathSegment(legId: string): string {
  const segment = encodeURIComponent(legId.toWellFormed());
  // A segment of dots would be taken for a step up the path, by us or by a proxy.
  return /^\.+$/.test(segment) ? segment.replaceAll('.', '%2E') : segment;
}
