/**
 * Writes to the account through the API. Unknown fields are refused: Telnyx silently ignores them,
 * and a misspelling would go unnoticed.
 */
import { badRequest, fieldRefusal, type Refusal } from '../refusal.ts';
import { isWebhookUrl } from '../webhook-url.ts';
import type { Account, AccountNumber, Application } from './account.ts';
import { applicationFrom, nameOfConnection, nextId } from './account.ts';

type Kind = 'text' | 'text or null' | 'flag' | 'whole' | 'whole or null' | 'object' | 'texts';

const APPLICATION: Record<string, Kind> = {
  application_name: 'text',
  webhook_event_url: 'text',
  webhook_event_failover_url: 'text or null',
  webhook_api_version: 'text',
  webhook_timeout_secs: 'whole or null',
  active: 'flag',
  anchorsite_override: 'text',
  call_cost_in_webhooks: 'flag',
  dtmf_type: 'text',
  first_command_timeout: 'flag',
  first_command_timeout_secs: 'whole',
  inbound: 'object',
  outbound: 'object',
  redact_dtmf_debug_logging: 'flag',
};

const NUMBER: Record<string, Kind> = {
  connection_id: 'text or null',
  tags: 'texts',
  customer_reference: 'text',
  billing_group_id: 'text or null',
  address_id: 'text',
  external_pin: 'text',
  hd_voice_enabled: 'flag',
};

const VOICE: Record<string, Kind> = {
  call_forwarding: 'object',
  call_recording: 'object',
  caller_id_name_enabled: 'flag',
  cnam_listing: 'object',
  inbound_call_screening: 'text',
  media_features: 'object',
  tech_prefix_enabled: 'flag',
  translated_number: 'text',
  usage_payment_method: 'text',
};

export function createApplication(
  account: Account,
  body: unknown,
): { created: Application } | { refusal: Refusal } {
  const refusal = check(body, APPLICATION, ['application_name', 'webhook_event_url']);
  if (refusal !== null) return { refusal };
  const now = new Date().toISOString();
  // Version 1 is Telnyx's own default.
  const given = {
    webhook_api_version: '1',
    call_cost_in_webhooks: false,
    outbound: {},
    ...asFields(body),
  };
  const application = applicationFrom(
    { ...given, id: nextId(3_000 + account.applications.length), created_at: now, updated_at: now },
    account.applications.length,
  );
  if (asFields(body).outbound === undefined) application.outbound.outbound_voice_profile_id = null;
  account.applications.push(application);
  return { created: application };
}

export function updateApplication(application: Application, body: unknown): Refusal | null {
  // Telnyx documents both as required in an update too, changed or not.
  const fields = { ...APPLICATION, tags: 'texts' as const };
  const refusal = check(body, fields, ['application_name', 'webhook_event_url']);
  if (refusal !== null) return refusal;
  const { inbound, outbound, ...rest } = asFields(body);
  Object.assign(application, rest, { updated_at: new Date().toISOString() });
  Object.assign(application.inbound, inbound);
  Object.assign(application.outbound, outbound);
  return null;
}

export function updateNumber(
  account: Account,
  number: AccountNumber,
  body: unknown,
): Refusal | null {
  const refusal = check(body, NUMBER, []);
  if (refusal !== null) return refusal;
  const { connection_id: connectionId } = asFields(body);
  if (typeof connectionId === 'string' && nameOfConnection(account, connectionId) === null) {
    return badRequest('The connection does not exist.', '/connection_id');
  }
  Object.assign(number, body);
  number.connection_name = nameOfConnection(account, number.connection_id);
  return null;
}

export function updateVoice(number: AccountNumber, body: unknown): Refusal | null {
  const refusal = check(body, VOICE, []);
  if (refusal === null) Object.assign(number.voice, body);
  return refusal;
}

function check(body: unknown, fields: Record<string, Kind>, required: string[]): Refusal | null {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return badRequest('The request body must be a JSON object.', undefined, 400);
  }
  const given = asFields(body);
  for (const name of required) {
    if (given[name] === undefined) return fieldRefusal('10004', name, `"${name}" is required.`);
  }
  for (const [name, value] of Object.entries(given)) {
    const kind = fields[name];
    if (kind === undefined) {
      const known = Object.keys(fields).sort().join(', ');
      return badRequest(`Unknown field "${name}". Known: ${known}.`, `/${name}`);
    }
    if (!isOf(kind, value)) return fieldRefusal('10026', name, `"${name}" must be ${kind}.`);
  }
  for (const name of ['webhook_event_url', 'webhook_event_failover_url']) {
    const url = given[name];
    if (typeof url === 'string' && !isWebhookUrl(url)) {
      return fieldRefusal('10015', name, `"${name}" must be an URL.`);
    }
  }
  const { webhook_api_version: version } = given;
  if (version !== undefined && version !== '1' && version !== '2') {
    return fieldRefusal('10032', 'webhook_api_version', '"webhook_api_version" must be 1 or 2.');
  }
  return null;
}

function isOf(kind: Kind, value: unknown): boolean {
  if (value === null) return kind.endsWith('or null');
  switch (kind) {
    case 'text':
    case 'text or null':
      return typeof value === 'string' && value !== '';
    case 'flag':
      return typeof value === 'boolean';
    case 'whole':
    case 'whole or null':
      return Number.isInteger(value);
    case 'object':
      return typeof value === 'object' && !Array.isArray(value);
    case 'texts':
      return Array.isArray(value) && value.every((item) => typeof item === 'string');
  }
}

function asFields(body: unknown): Record<string, unknown> {
  return body as Record<string, unknown>;
}
