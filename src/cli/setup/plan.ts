/** The changes that a set-up or its undo would make in the account. */
import { expectedUrl } from '../../core/account/applications.ts';
import type { Change } from '../../core/account/change.ts';
import { planSetup, type SetupPlan } from '../../core/account/setup.ts';
import { planUndo } from '../../core/account/undo.ts';
import type { AccountClient } from '../../telnyx/account/client.ts';

export interface SetupOptions {
  url?: string;
  app?: string;
  number: string[];
  take?: boolean;
  yes?: boolean;
  undo?: string;
  undoDir: string;
  json?: boolean;
}

export type Plan =
  | {
      type: 'plan';
      application: { id: string | null; name: string | null } | null;
      changes: Change[];
      /** What an undo does not change, and why. */
      kept: string[];
    }
  | Extract<SetupPlan, { type: 'refused' }>;

/** Reads the plan again, because the account may change while somebody looks at it. */
export type ReadPlan = () => Promise<Plan>;

export function readSetup(client: AccountClient, options: SetupOptions): ReadPlan {
  const { app = null, number: numbers, take = false } = options;
  const webhookUrl = expectedUrl(options.url ?? null) ?? '';
  return async () => {
    const [applications, known] = await Promise.all([
      client.applications(),
      numbers.length === 0 ? { end: 'value' as const, value: [] } : client.numbers(),
    ]);
    const account = { applications, numbers: known };
    const plan = planSetup(account, { webhookUrl, application: app, numbers, take });
    return plan.type === 'refused' ? plan : { ...plan, kept: [] };
  };
}

export function readUndo(client: AccountClient, made: readonly Change[]): ReadPlan {
  return async () => {
    const [applications, numbers] = await Promise.all([client.applications(), client.numbers()]);
    const plan = planUndo({ applications, numbers }, made);
    return plan.type === 'refused' ? plan : { ...plan, application: null };
  };
}
