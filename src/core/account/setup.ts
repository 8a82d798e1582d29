/**
 * Plans a set-up: what must change in the account so that calls arrive here, or why nothing may
 * change. It deletes nothing, buys nothing, and takes no number from another connection without
 * being asked to.
 */
import type { Account, Application, PhoneNumber, Reading } from './account.ts';
import {
  type Change,
  type Connection,
  connectionOf,
  type FieldChange,
  sameUrl,
  unlike,
} from './change.ts';

export interface SetupWish {
  /** The complete webhook URL. */
  webhookUrl: string;
  /** Name or id; null: the application with this URL, or a new one. */
  application: string | null;
  /** +E.164. */
  numbers: readonly string[];
  /** Also numbers that belong to other connections. */
  take: boolean;
}

export interface SetupProblem {
  message: string;
  fix: string;
}

/** `application`: the one that the numbers are assigned to. */
export type SetupPlan =
  | { type: 'plan'; application: Connection; changes: Change[] }
  | { type: 'refused'; problems: SetupProblem[] };

export const DEFAULT_NAME = 'Referee';

export function planSetup(
  account: Pick<Account, 'applications' | 'numbers'>,
  wish: SetupWish,
): SetupPlan {
  const { applications } = account;
  if (applications.end !== 'value') {
    return { type: 'refused', problems: [notRead('the applications', applications)] };
  }
  const chosen = choose(applications.value, wish);
  if (chosen.type === 'refused') return { type: 'refused', problems: [chosen.problem] };
  const application: Connection =
    chosen.type === 'found' ? chosen.application : { id: null, name: chosen.name };
  const assigned = assignments(account.numbers, wish, application);
  if (assigned.problems.length > 0) return { type: 'refused', problems: assigned.problems };
  return {
    type: 'plan',
    application: { id: application.id, name: application.name },
    changes: [...applicationChange(chosen, wish), ...assigned.changes],
  };
}

type Choice =
  | { type: 'found'; application: Application }
  | { type: 'create'; name: string }
  | { type: 'refused'; problem: SetupProblem };

function choose(applications: readonly Application[], wish: SetupWish): Choice {
  const withUrl = applications.filter(({ webhookUrl }) => sameUrl(webhookUrl, wish.webhookUrl));
  const { application: wanted } = wish;
  if (wanted === null) return chooseByUrl(applications, withUrl, wish);
  const byId = applications.find(({ id }) => id === wanted);
  if (byId !== undefined) return { type: 'found', application: byId };
  const named = namedLike(applications, wanted);
  if (named.length > 1) return ambiguous(`are called "${wanted}"`, named);
  if (named[0] !== undefined) return { type: 'found', application: named[0] };
  const [other] = withUrl;
  if (other === undefined) return { type: 'create', name: wanted };
  return refusal(
    `No application is called "${wanted}", but ${shown(other)} has this webhook URL already.`,
    `Use it with --app ${other.id}, or give it another webhook URL first.`,
  );
}

function chooseByUrl(
  applications: readonly Application[],
  withUrl: readonly Application[],
  { webhookUrl }: SetupWish,
): Choice {
  if (withUrl.length > 1) return ambiguous(`have the webhook URL ${webhookUrl}`, withUrl);
  if (withUrl[0] !== undefined) return { type: 'found', application: withUrl[0] };
  const [other] = namedLike(applications, DEFAULT_NAME);
  if (other === undefined) return { type: 'create', name: DEFAULT_NAME };
  // It may be the application of another server.
  return refusal(
    `${shown(other)} has another webhook URL: ${other.webhookUrl ?? 'none'}.`,
    `Add --app ${other.id} to send its calls to ${webhookUrl} instead, or --app with another name for a new application.`,
  );
}

/** An exact match, or one that differs only in upper and lower case. */
function namedLike(applications: readonly Application[], name: string): Application[] {
  const exact = applications.filter((one) => one.name === name);
  const lower = name.toLowerCase();
  return exact.length > 0 ? exact : applications.filter((one) => one.name.toLowerCase() === lower);
}

const NAMED_MAX = 10;

function ambiguous(what: string, applications: readonly Application[]): Choice {
  const named = applications.slice(0, NAMED_MAX).map(shown).join(', ');
  const more = applications.length - NAMED_MAX;
  return refusal(
    `${applications.length} applications ${what}: ${named}${more > 0 ? ` and ${more} more` : ''}.`,
    'Name one with --app and its id.',
  );
}

function applicationChange(
  chosen: Exclude<Choice, { type: 'refused' }>,
  { webhookUrl }: SetupWish,
): Change[] {
  if (chosen.type === 'create') {
    return [{ type: 'create_application', id: null, name: chosen.name, webhookUrl }];
  }
  const { application } = chosen;
  const fields = unlike(wantedFields(webhookUrl), application).map(({ field, now, after }) => ({
    field,
    before: now,
    after,
  }));
  if (fields.length === 0) return [];
  const { id, name } = application;
  return [{ type: 'update_application', id, name, webhookUrl, fields }];
}

/** What our application must have, new or existing. `before` is filled in from the account. */
export function wantedFields(webhookUrl: string): FieldChange[] {
  return [
    { field: 'webhook_event_url', before: null, after: webhookUrl },
    { field: 'webhook_api_version', before: null, after: '2' },
    { field: 'active', before: null, after: true },
    { field: 'call_cost_in_webhooks', before: null, after: true },
  ];
}

function assignments(
  reading: Reading<PhoneNumber[]>,
  wish: SetupWish,
  application: Connection,
): { changes: Change[]; problems: SetupProblem[] } {
  const wanted = [...new Set(wish.numbers)];
  if (wanted.length === 0) return { changes: [], problems: [] };
  if (reading.end !== 'value') {
    return { changes: [], problems: [notRead('the numbers', reading)] };
  }
  const known = new Map(reading.value.map((number) => [number.number, number]));
  const changes: Change[] = [];
  const problems: SetupProblem[] = [];
  for (const number of wanted) {
    const owned = known.get(number);
    if (owned === undefined) {
      problems.push({
        message: `${number} is not a number of this account.`,
        fix: 'Correct it, or buy it in the Telnyx portal first: referee setup buys nothing.',
      });
      continue;
    }
    const { id, connectionId, connectionName } = owned;
    if (connectionId !== null && connectionId === application.id) continue;
    if (connectionId !== null && !wish.take) {
      const name = connectionName === null ? '' : ` ("${connectionName}")`;
      problems.push({
        message: `${number} is assigned to another connection, ${connectionId}${name}, which takes its calls now.`,
        fix: 'Add --take to take it from there.',
      });
      continue;
    }
    const after = { id: application.id, name: application.name };
    changes.push({ type: 'assign_number', id, number, before: connectionOf(owned), after });
  }
  return { changes, problems };
}

function shown({ name, id }: Application): string {
  return `"${name}" (${id})`;
}

function refusal(message: string, fix: string): Choice {
  return { type: 'refused', problem: { message, fix } };
}

export function notRead(
  what: string,
  { end, why }: Exclude<Reading<unknown>, { end: 'value' }>,
): SetupProblem {
  const fix =
    end === 'denied'
      ? `Check TELNYX_API_KEY, and give the key the permission to read ${what}.`
      : 'Run it again. If that does not help, check the network, TELNYX_API_URL and status.telnyx.com.';
  return { message: `Not read: ${what}. ${why}`, fix };
}
