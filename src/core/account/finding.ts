/** What a check of the account reports, and what the checks are given. */
import type { Account, Application, Reading } from './account.ts';
import type { RouteFacts } from './route-facts.ts';

export type CheckName =
  | 'api_key'
  | 'clock'
  | 'balance'
  | 'public_key'
  | 'application'
  | 'api_version'
  | 'webhook_url'
  | 'reachable'
  | 'timeouts'
  | 'deliveries'
  | 'numbers'
  | 'unrouted'
  | 'foreign'
  | 'attestation'
  | 'transfer'
  | 'cost';

export interface Finding {
  check: CheckName;
  /** Id of an application, or a number; null: the account. */
  about: string | null;
  status: 'ok' | 'warning' | 'problem' | 'unknown';
  /** What is the case. */
  message: string;
  /** What to do about it; null if nothing needs to be done. */
  fix: string | null;
}

export interface AccountSettings {
  /** TELNYX_PUBLIC_KEY: base64 of 32 bytes each. */
  publicKeys: readonly string[];
  /** TELNYX_CONNECTION_IDS; null: all connections are ours. */
  connectionIds: ReadonlySet<string> | null;
  store: 'sqlite' | 'postgres';
  /** Where webhooks should arrive, if that was given: `https://host`. */
  url: string | null;
}

export interface Seen {
  account: Account;
  /** Null if the routes could not be loaded. */
  routes: RouteFacts | null;
  settings: AccountSettings;
  /** Milliseconds since the epoch. */
  now: number;
}

export const WEBHOOK_PATH = '/webhooks/telnyx';

/**
 * How many are named individually; the rest is counted. Thousands of numbers may have the same
 * problem.
 */
export const NAMED_MAX = 50;

/** `about` is null unless given. */
export function found(
  check: CheckName,
  status: Finding['status'],
  message: string,
  fix: string | null = null,
  about: string | null = null,
): Finding {
  return { check, about, status, message, fix };
}

/** Turns a failed reading into a finding, so that the other checks still run. */
export function unread(
  check: CheckName,
  what: string,
  reading: Exclude<Reading<unknown>, { end: 'value' }>,
  about: string | null = null,
): Finding {
  const message = `Not read: ${what}. ${reading.why}`;
  return found(check, 'unknown', message, FIXES[reading.end](what), about);
}

const FIXES: Record<'denied' | 'missing' | 'unreachable', (what: string) => string> = {
  denied: (what) => `Check TELNYX_API_KEY, and give the key the permission to read ${what}.`,
  missing: () => 'Look in the Telnyx portal: the API does not have it.',
  unreachable: () =>
    'Run it again. If that does not help, check the network, TELNYX_API_URL and status.telnyx.com.',
};

/**
 * The applications whose calls are ours; a check that needs one and finds none reports one finding.
 */
export function ourApplications(seen: {
  account: Pick<Account, 'applications'>;
  settings: Pick<AccountSettings, 'connectionIds'>;
}): Application[] | null {
  const { applications } = seen.account;
  if (applications.end !== 'value') return null;
  const { connectionIds } = seen.settings;
  return applications.value.filter(({ id, webhookUrl }) =>
    connectionIds === null ? endsAtUs(webhookUrl) : connectionIds.has(id),
  );
}

/** Their ids, which need no request if the settings name them. */
export function ourConnections(seen: Seen): ReadonlySet<string> | null {
  const { connectionIds } = seen.settings;
  if (connectionIds !== null) return connectionIds;
  const ours = ourApplications(seen);
  return ours === null ? null : new Set(ours.map(({ id }) => id));
}

function endsAtUs(webhookUrl: string | null): boolean {
  if (webhookUrl === null || !URL.canParse(webhookUrl)) return false;
  return new URL(webhookUrl).pathname.endsWith(WEBHOOK_PATH);
}

/** Runs a check on each of our applications, or reports why there is none. */
export function forEachApplication(
  check: CheckName,
  seen: Seen,
  look: (application: Application) => Finding | Finding[],
): Finding[] {
  const { applications } = seen.account;
  if (applications.end !== 'value') return [unread(check, 'the applications', applications)];
  const ours = ourApplications(seen) ?? [];
  if (ours.length > 0) return ours.flatMap(look);
  return [
    found(check, 'unknown', 'There is no application to look at.', 'See the check application.'),
  ];
}

/** The first ones, and how many more there are. */
export function firstOf<T>(
  items: readonly T[],
  each: (item: T) => Finding,
  more: (count: number) => Finding,
): Finding[] {
  const named = items.slice(0, NAMED_MAX).map(each);
  return items.length > NAMED_MAX ? [...named, more(items.length - NAMED_MAX)] : named;
}
