/**
 * Plans the undoing of an earlier set-up. Whatever was changed since stays as it is. An application
 * that was created stays too: without a number it receives no calls, and switching it off would end
 * calls if somebody has given it a number meanwhile.
 */
import type { Account, Application, PhoneNumber } from './account.ts';
import { type Change, connectionOf, FIELDS, type FieldChange, sameUrl } from './change.ts';
import { notRead, type SetupProblem } from './setup.ts';

export type UndoPlan =
  /** `kept`: what is not undone, and why. */
  | { type: 'plan'; changes: Change[]; kept: string[] }
  | { type: 'refused'; problems: SetupProblem[] };

/** In reverse order: a number goes back before its application changes. */
export function planUndo(
  account: Pick<Account, 'applications' | 'numbers'>,
  made: readonly Change[],
): UndoPlan {
  const { applications, numbers } = account;
  const problems: SetupProblem[] = [];
  if (applications.end !== 'value') problems.push(notRead('the applications', applications));
  if (numbers.end !== 'value') problems.push(notRead('the numbers', numbers));
  if (applications.end !== 'value' || numbers.end !== 'value') return { type: 'refused', problems };
  const changes: Change[] = [];
  const kept: string[] = [];
  for (const change of made.toReversed()) {
    const back = putBack(change, {
      applications: applications.value,
      numbers: numbers.value,
      made,
    });
    if (back.change !== null) changes.push(back.change);
    kept.push(...back.kept);
  }
  return { type: 'plan', changes, kept };
}

interface Back {
  change: Change | null;
  kept: string[];
}

interface Now {
  applications: readonly Application[];
  numbers: readonly PhoneNumber[];
  made: readonly Change[];
}

const nothing: Back = { change: null, kept: [] };

function putBack(change: Change, now: Now): Back {
  switch (change.type) {
    case 'create_application':
      return created(change, now);
    case 'update_application':
      return updated(change, now.applications);
    case 'assign_number':
      return assigned(change, now);
  }
}

type Created = Extract<Change, { type: 'create_application' }>;

/** If the answer with its id never arrived, the application is recognized by its values. */
function whatCameOf(
  change: Created,
  applications: readonly Application[],
): Application | undefined {
  return applications.find(({ id, name, webhookUrl }) =>
    change.id === null
      ? name === change.name && sameUrl(webhookUrl, change.webhookUrl)
      : id === change.id,
  );
}

function created(change: Created, { applications, numbers, made }: Now): Back {
  const found = whatCameOf(change, applications);
  if (found === undefined) return nothing;
  const stays = `The application "${found.name}" (${found.id}) stays: nothing is deleted.`;
  const others = numbers.filter(
    ({ id, connectionId }) =>
      connectionId === found.id &&
      !made.some((one) => one.type === 'assign_number' && one.id === id),
  );
  const used =
    others.length > 0
      ? `It has numbers that this run did not assign: ${others.length}.`
      : 'Without a number it takes no calls.';
  return { change: null, kept: [`${stays} ${used} Delete it in the Telnyx portal if you like.`] };
}

function updated(
  { id, name, webhookUrl, fields }: Extract<Change, { type: 'update_application' }>,
  applications: readonly Application[],
): Back {
  const now = applications.find((one) => one.id === id);
  if (now === undefined) return gone(`The application "${name}" (${id})`);
  const kept: string[] = [];
  const back: FieldChange[] = [];
  for (const { field, before, after } of fields) {
    const current = FIELDS[field](now);
    if (sameUrl(current, before)) continue;
    if (!sameUrl(current, after)) {
      kept.push(
        `${field} of "${now.name}" stays ${JSON.stringify(current)}: it was changed since the set-up.`,
      );
    } else if (field === 'webhook_event_url' && before === null) {
      kept.push(
        `${field} of "${now.name}" stays ${JSON.stringify(current)}: it had none, and Telnyx wants one.`,
      );
    } else back.push({ field, before: current, after: before });
  }
  if (back.length === 0) return { change: null, kept };
  const url = back.find(({ field }) => field === 'webhook_event_url')?.after;
  return {
    change: {
      type: 'update_application',
      id,
      name: now.name,
      webhookUrl: typeof url === 'string' ? url : (now.webhookUrl ?? webhookUrl),
      fields: back,
    },
    kept,
  };
}

function assigned(
  { id, number, before, after }: Extract<Change, { type: 'assign_number' }>,
  { applications, numbers, made }: Now,
): Back {
  const now = numbers.find((one) => one.id === id);
  if (now === undefined) return gone(number);
  // The file was written before the application existed, so the number names it without its id.
  const creation = made.find((one): one is Created => one.type === 'create_application');
  const to =
    after?.id ?? (creation === undefined ? null : whatCameOf(creation, applications)?.id) ?? null;
  // Without an application it was never assigned.
  if (to === null || now.connectionId === (before?.id ?? null)) return nothing;
  if (now.connectionId !== to) {
    const where = now.connectionId ?? 'no connection';
    return {
      change: null,
      kept: [`${number} stays with ${where}: it was moved since the set-up.`],
    };
  }
  const change: Change = {
    type: 'assign_number',
    id,
    number,
    before: connectionOf(now),
    after: before,
  };
  return { change, kept: [] };
}

function gone(what: string): Back {
  return { change: null, kept: [`${what} is not in this account any more.`] };
}
