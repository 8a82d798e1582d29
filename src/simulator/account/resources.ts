/** The account's resources in the API's form. */
import type { Account, AccountNumber, Application } from './account.ts';

export interface ShownAccount {
  account: Account;
  /** The simulator's own webhook URL, for an application without one. */
  webhookUrl: () => string | null;
}

export function shown(application: Application, { webhookUrl }: ShownAccount): Application {
  const { webhook_event_url: url } = application;
  return { ...application, webhook_event_url: url ?? webhookUrl() };
}

export function applications(query: URLSearchParams, options: ShownAccount): Application[] {
  const name = query.get('filter[application_name][contains]')?.toLowerCase();
  return options.account.applications
    .filter(({ application_name: own }) => name === undefined || own.toLowerCase().includes(name))
    .map((application) => shown(application, options));
}

export function numbers(account: Account, query: URLSearchParams): AccountNumber[] {
  const connection = query.get('filter[connection_id]');
  const digits = query.get('filter[phone_number]');
  const status = query.get('filter[status]');
  return account.numbers.filter(
    (number) =>
      (connection === null || number.connection_id === connection) &&
      (digits === null || (/^\d+$/.test(digits) && number.phone_number.includes(digits))) &&
      (status === null || number.status === status),
  );
}

export function numberJson({ voice: _, ...number }: AccountNumber): Record<string, unknown> {
  return number;
}

export function voiceJson({ id, phone_number, connection_id, voice }: AccountNumber) {
  return {
    id,
    phone_number,
    connection_id,
    record_type: 'voice_settings',
    tech_prefix_enabled: false,
    translated_number: '',
    call_forwarding: {
      call_forwarding_enabled: true,
      forwards_to: '',
      forwarding_type: 'always',
    },
    inbound_call_screening: 'disabled',
    ...voice,
  };
}

export function connections(options: ShownAccount) {
  const { account } = options;
  const ours = account.applications.map((application) => {
    const { id, active, application_name, outbound, ...rest } = shown(application, options);
    return {
      id,
      active,
      connection_name: application_name,
      outbound_voice_profile_id: outbound.outbound_voice_profile_id ?? null,
      record_type: 'call_control_application',
      tags: rest.tags,
      webhook_api_version: rest.webhook_api_version,
      webhook_event_url: rest.webhook_event_url,
      webhook_event_failover_url: rest.webhook_event_failover_url,
    };
  });
  return [...ours, ...account.connections];
}
