/** What a set-up writes to the account: every change says what was before, so that it can be put back. */
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
      /** Telnyx wants both in every write, changed or not. */
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

/** Those in which the application is not as the change wants it; an answer of Telnyx's is held against it too. */
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

/** Two spellings of one address are no difference. */
export function sameUrl(one: FieldValue, other: FieldValue): boolean {
  if (one === other) return true;
  if (typeof one !== 'string' || typeof other !== 'string') return false;
  return URL.canParse(one) && URL.canParse(other) && new URL(one).href === new URL(other).href;
}
