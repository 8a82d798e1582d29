/**
 * The account behind the simulator: what Telnyx stores besides calls, with Telnyx's own field
 * names. Tests may change it directly, and the API changes it too.
 */
import { CONNECTION_ID } from '../identity.ts';
import type { AccountFault } from './faults.ts';

export interface Application {
  id: string;
  record_type: 'call_control_application';
  application_name: string;
  active: boolean;
  created_at: string;
  updated_at: string;
  tags: string[];
  /** Null: events go to the simulator's own webhook URL. */
  webhook_event_url: string | null;
  webhook_event_failover_url: string | null;
  webhook_api_version: string;
  webhook_timeout_secs: number | null;
  first_command_timeout: boolean;
  first_command_timeout_secs: number;
  call_cost_in_webhooks: boolean;
  redact_dtmf_debug_logging: boolean;
  dtmf_type: string;
  anchorsite_override: string;
  inbound: Record<string, unknown>;
  outbound: Record<string, unknown>;
}

export interface AccountNumber {
  id: string;
  phone_number: string;
  status: string;
  connection_id: string | null;
  connection_name: string | null;
  tags: string[];
  country_iso_alpha2: string;
  phone_number_type: string;
  purchased_at: string;
  /** The additional fields of `/phone_numbers/{id}/voice`. */
  voice: Record<string, unknown>;
  [field: string]: unknown;
}

interface Profile {
  id: string;
  name: string;
  [field: string]: unknown;
}

/** A connection that is not a Call Control Application: SIP trunk, TeXML, FQDN. */
export interface OtherConnection {
  id: string;
  connection_name: string;
  record_type: string;
  [field: string]: unknown;
}

export interface Account {
  applications: Application[];
  connections: OtherConnection[];
  numbers: AccountNumber[];
  outbound_voice_profiles: Profile[];
  /** Deliveries from before this run, in the API's form; newest first. */
  webhook_deliveries: Record<string, unknown>[];
  balance: Record<string, string>;
  /** `own`: the signing key; `none`: 404; otherwise the text that the API returns. */
  public_key: string;
  /** Telnyx documents two kinds of paging. */
  pagination: { lists: 'number' | 'cursor'; active_calls: 'number' | 'cursor' };
  /** Offset of the `Date` header in every answer from the real time. */
  date_offset_secs: number;
  faults: AccountFault[];
}

/** The given parts of an account and of each resource in it; the rest gets defaults. */
export interface AccountGiven {
  applications?: Partial<Application>[];
  connections?: Partial<OtherConnection>[];
  numbers?: Partial<AccountNumber>[];
  outbound_voice_profiles?: Partial<Profile>[];
  webhook_deliveries?: Record<string, unknown>[];
  balance?: Record<string, string>;
  public_key?: string;
  pagination?: Partial<Account['pagination']>;
  date_offset_secs?: number;
  faults?: AccountFault[];
}

const PROFILE_ID = '1293384261075731499';
const CREATED_AT = '2026-01-05T09:00:00Z';

/**
 * The defaults are a correctly configured account: one application for the simulator's calls, with
 * two numbers.
 */
export function createAccount(given: AccountGiven = {}): Account {
  const applications = (given.applications ?? [{}]).map(applicationFrom);
  const connections = (given.connections ?? []).map((other, index) => ({
    connection_name: `trunk-${index + 1}`,
    record_type: 'credential_connection',
    active: true,
    ...other,
    id: other.id ?? nextId(2_000 + index),
  }));
  const account: Account = {
    applications,
    connections,
    numbers: [],
    outbound_voice_profiles: (given.outbound_voice_profiles ?? [{}]).map(profileFrom),
    webhook_deliveries: given.webhook_deliveries ?? [],
    balance: {
      record_type: 'balance',
      balance: '300.00',
      credit_limit: '0.00',
      available_credit: '300.00',
      pending: '0.00',
      currency: 'USD',
      ...given.balance,
    },
    public_key: given.public_key ?? 'own',
    pagination: { lists: 'number', active_calls: 'cursor', ...given.pagination },
    date_offset_secs: given.date_offset_secs ?? 0,
    faults: given.faults ?? [],
  };
  const numbers = given.numbers ?? [
    { phone_number: '+14155550100' },
    { phone_number: '+14155550111' },
  ];
  account.numbers = numbers.map((number, index) => numberFrom(account, number, index));
  return account;
}

export function applicationFrom(given: Partial<Application>, index: number): Application {
  return {
    record_type: 'call_control_application',
    application_name: 'Referee',
    active: true,
    created_at: CREATED_AT,
    updated_at: CREATED_AT,
    tags: [],
    webhook_event_url: null,
    webhook_event_failover_url: null,
    webhook_api_version: '2',
    webhook_timeout_secs: null,
    first_command_timeout: false,
    first_command_timeout_secs: 30,
    call_cost_in_webhooks: false,
    redact_dtmf_debug_logging: false,
    dtmf_type: 'RFC 2833',
    anchorsite_override: 'Latency',
    ...given,
    inbound: {
      channel_limit: null,
      shaken_stir_enabled: true,
      sip_subdomain: null,
      sip_subdomain_receive_settings: 'from_anyone',
      ...given.inbound,
    },
    outbound: { channel_limit: null, outbound_voice_profile_id: PROFILE_ID, ...given.outbound },
    id: given.id ?? (index === 0 ? CONNECTION_ID : nextId(1_000 + index)),
  };
}

function numberFrom(account: Account, given: Partial<AccountNumber>, index: number): AccountNumber {
  const connectionId =
    given.connection_id === undefined ? (account.applications[0]?.id ?? null) : given.connection_id;
  return {
    phone_number: '',
    record_type: 'phone_number',
    status: 'active',
    tags: [],
    country_iso_alpha2: 'US',
    phone_number_type: 'local',
    purchased_at: CREATED_AT,
    created_at: CREATED_AT,
    // Documented as true by default, "for backwards compatibility"; it only forwards if there is a
    // number to forward to.
    call_forwarding_enabled: true,
    ...given,
    id: given.id ?? nextId(5_000 + index),
    connection_id: connectionId,
    connection_name: given.connection_name ?? nameOfConnection(account, connectionId),
    voice: given.voice ?? {},
  };
}

export function nameOfConnection(account: Account, id: string | null): string | null {
  const application = account.applications.find((one) => one.id === id);
  const other = account.connections.find((one) => one.id === id);
  return application?.application_name ?? other?.connection_name ?? null;
}

function profileFrom(given: Partial<Profile>, index: number): Profile {
  return {
    record_type: 'outbound_voice_profile',
    name: 'default',
    enabled: true,
    traffic_type: 'conversational',
    service_plan: 'global',
    whitelisted_destinations: ['US', 'CA'],
    daily_spend_limit: null,
    daily_spend_limit_enabled: false,
    concurrent_call_limit: null,
    connections_count: 1,
    tags: [],
    ...given,
    id: given.id ?? (index === 0 ? PROFILE_ID : nextId(9_000 + index)),
  };
}

/** 19 digits like Telnyx's ids, too large for a JavaScript number. */
export function nextId(count: number): string {
  return String(1_293_384_261_075_700_000n + BigInt(count));
}
