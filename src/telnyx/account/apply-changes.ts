/**
 * Carries out the changes of a plan one after another and stops at the first that fails. An undo
 * continues after a refusal, because one change that cannot be undone must not block the others.
 * The result says of each change whether it took effect. If no answer came, the resource is read
 * back to find out; an answer that differs from what was requested counts as a failure.
 */
import type { Application, PhoneNumber, Reading } from '../../core/account/account.ts';
import { type Change, type FieldChange, unlike } from '../../core/account/change.ts';
import { wantedFields } from '../../core/account/setup.ts';
import type { AccountClient } from './client.ts';

export interface AppliedChange {
  change: Change;
  /** `unknown`: no answer came, and reading it back failed too. */
  state: 'done' | 'failed' | 'unknown' | 'not_tried';
  why: string | null;
}

type Writer = Pick<
  AccountClient,
  | 'application'
  | 'applications'
  | 'number'
  | 'createApplication'
  | 'updateApplication'
  | 'assignNumber'
>;

/** `onDone` is called after each change that took effect, with the ids that it has now. */
export async function applyChanges(
  client: Writer,
  changes: readonly Change[],
  afterRefusal: 'stop' | 'go_on',
  onDone: (done: Change, nth: number) => void,
): Promise<AppliedChange[]> {
  const applied: AppliedChange[] = changes.map((change) => ({
    change,
    state: 'not_tried',
    why: null,
  }));
  let createdId: string | null = null;
  for (const [nth, entry] of applied.entries()) {
    const change = withId(entry.change, createdId);
    const result = await apply(client, change);
    entry.change = result.change;
    entry.state = result.state;
    entry.why = result.why;
    if (result.state === 'failed' && afterRefusal === 'go_on') continue;
    if (result.state !== 'done') break;
    if (result.change.type === 'create_application') createdId = result.change.id;
    onDone(result.change, nth);
  }
  return applied;
}

/**
 * Fills in the id of an application that was only just created: it had none when the plan was made.
 */
function withId(change: Change, createdId: string | null): Change {
  if (change.type !== 'assign_number' || change.after?.id !== null || createdId === null) {
    return change;
  }
  return { ...change, after: { ...change.after, id: createdId } };
}

function apply(client: Writer, change: Change): Promise<AppliedChange> {
  switch (change.type) {
    case 'create_application':
      return create(client, change);
    case 'update_application':
      return update(client, change);
    case 'assign_number':
      return assign(client, change);
  }
}

async function create(
  client: Writer,
  change: Extract<Change, { type: 'create_application' }>,
): Promise<AppliedChange> {
  const { name, webhookUrl } = change;
  const fields = wantedFields(webhookUrl);
  const answer = await client.createApplication({ name, webhookUrl, fields });
  if (answer.end === 'value') return settledCreate(change, answer.value);
  if (answer.end !== 'unreachable') return { change, state: 'failed', why: answer.why };
  const list = await client.applications();
  if (list.end !== 'value') return { change, state: 'unknown', why: answer.why };
  const own = list.value.find((one) => one.name === name && one.webhookUrl === webhookUrl);
  return own === undefined
    ? { change, state: 'failed', why: answer.why }
    : settledCreate(change, own);
}

function settledCreate(
  change: Extract<Change, { type: 'create_application' }>,
  application: Application,
): AppliedChange {
  const created = { ...change, id: application.id };
  const left = differences(wantedFields(change.webhookUrl), application);
  if (left === null) return { change: created, state: 'done', why: null };
  return { change: created, state: 'failed', why: `Telnyx created it, but ${left}` };
}

async function update(
  client: Writer,
  change: Extract<Change, { type: 'update_application' }>,
): Promise<AppliedChange> {
  const { id, name, webhookUrl, fields } = change;
  const answer = await client.updateApplication(id, { name, webhookUrl, fields });
  return settled(
    change,
    answer,
    () => client.application(id),
    (application) => differences(fields, application),
  );
}

async function assign(
  client: Writer,
  change: Extract<Change, { type: 'assign_number' }>,
): Promise<AppliedChange> {
  const { id, after } = change;
  const wanted = after?.id ?? null;
  const answer = await client.assignNumber(id, wanted);
  return settled(
    change,
    answer,
    () => client.number(id),
    ({ connectionId }: PhoneNumber) =>
      connectionId === wanted ? null : `the number is assigned to ${connectionId ?? 'nothing'}`,
  );
}

/** `problem` says what differs from what was requested; null if nothing does. */
async function settled<T>(
  change: Change,
  answer: Reading<T>,
  read: () => Promise<Reading<T>>,
  problem: (value: T) => string | null,
): Promise<AppliedChange> {
  if (answer.end === 'value') {
    const why = problem(answer.value);
    if (why === null) return { change, state: 'done', why: null };
    return { change, state: 'failed', why: `Telnyx answered, but ${why}` };
  }
  if (answer.end !== 'unreachable') return { change, state: 'failed', why: answer.why };
  const now = await read();
  if (now.end !== 'value') return { change, state: 'unknown', why: answer.why };
  const stands = problem(now.value) === null;
  return { change, state: stands ? 'done' : 'failed', why: stands ? null : answer.why };
}

function differences(fields: readonly FieldChange[], application: Application): string | null {
  const left = unlike(fields, application);
  if (left.length === 0) return null;
  return left.map(({ field, now }) => `${field} is ${JSON.stringify(now)}`).join(', ');
}
