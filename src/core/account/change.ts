/**
 * What a set-up writes to the account. Every change contains the earlier values, so that it can be
 * undone.
 */
import type { Application, PhoneNumber } from './account.ts';

/** Fields of an application by Telnyx's own names, as the plan shows them. */
export const FIELDS = {
  webhook_event_url: ({ webhookUrl }: Application) => webhookUrl,
  webhook_api_version: ({ apiVersion }: Application) => apiVersion,
  active: ({ active }: Application) => active,
  call_cost_in_webhooks: ({ costInWebhooks }: Application) => costInWebhooks,
} as const;

export type FieldName = keyof typeof FIELDS;
export type FieldValue = string | boolean | null;

export interface FieldChange {
  field: FieldName;
  before: FieldValue;
  after: FieldValue;
}

export interface Connection {
  /** Null: the application that the same plan creates. */
  id: string | null;
  name: string | null;
}

export type Change =
  | { type: 'create_application'; id: string | null; name: string; webhookUrl: string }
  | {
      type: 'update_application';
      id: string;
      /** Telnyx requires both in every write, changed or not. */
      name: string;
      webhookUrl: string;
      fields: FieldChange[];
    }
  | {
      type: 'assign_number';
      id: string;
      number: string;
      before: Connection | null;
      after: Connection | null;
    };

/**
 * The fields in which the application differs from what the change wants; Telnyx's answer to the
 * write is checked with it too.
 */
export function unlike(
  fields: readonly FieldChange[],
  application: Application,
): (FieldChange & { now: FieldValue })[] {
  return fields
    .map((change) => ({ ...change, now: FIELDS[change.field](application) }))
    .filter(({ field, after, now }) =>
      field === 'webhook_event_url' ? !sameUrl(now, after) : now !== after,
    );
}

export function connectionOf({ connectionId, connectionName }: PhoneNumber): Connection | null {
  return connectionId === null ? null : { id: connectionId, name: connectionName };
}

/** Two spellings of the same address are equal. */
export function sameUrl(one: FieldValue, other: FieldValue): boolean {
  if (one === other) return true;
  if (typeof one !== 'string' || typeof other !== 'string') return false;
  return URL.canParse(one) && URL.canParse(other) && new URL(one).href === new URL(other).href;
}
