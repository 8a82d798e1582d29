/** Checks whether the numbers of the account lead to us, and whether the routes know them. */
import { counted } from '../counted.ts';
import type { PhoneNumber } from './account.ts';
import { type Finding, firstOf, found, ourConnections, type Seen, unread } from './finding.ts';

const IN_PORTAL = 'in the Telnyx portal under Numbers';

export function numbers(seen: Seen): Finding[] {
  const assigned = assignedNumbers('numbers', seen);
  if (!('list' in assigned)) return [assigned];
  const { list, connections } = assigned;
  const empty = [...connections].filter((id) => !list.some((one) => one.connectionId === id));
  const inactive = list.filter(({ status }) => status !== 'active');
  const forwarded = list.filter((number) => forwardsAlways(seen, number) !== null);
  const findings = [
    ...empty.map((id) =>
      found(
        'numbers',
        'problem',
        `No number is assigned to the application ${id}: nobody can call it.`,
        `Assign a number to it ${IN_PORTAL}.`,
        id,
      ),
    ),
    ...firstOf(
      inactive,
      ({ number, status }) =>
        found(
          'numbers',
          'problem',
          `${number} is not active but ${status}: calls to it do not arrive.`,
          `Look at the number ${IN_PORTAL}; Telnyx support can say what it is waiting for.`,
          number,
        ),
      (count) =>
        found(
          'numbers',
          'problem',
          `${counted(count, 'more number is', 'more numbers are')} not active.`,
        ),
    ),
    ...firstOf(
      forwarded,
      (number) =>
        found(
          'numbers',
          'problem',
          `${number.number} forwards every call to ${forwardsAlways(seen, number)}: none reaches us.`,
          `Switch call forwarding off, or to on-failure, ${IN_PORTAL}.`,
          number.number,
        ),
      (count) =>
        found(
          'numbers',
          'problem',
          `${counted(count, 'more number forwards', 'more numbers forward')} every call.`,
        ),
    ),
    ...unreadForwarding(seen),
  ];
  if (findings.some(({ status }) => status === 'problem')) return findings;
  const message = `${counted(list.length, 'number')} assigned, all of them active.`;
  return [found('numbers', 'ok', message), ...findings];
}

function unreadForwarding({ account: { voices } }: Seen): Finding[] {
  return voices.end === 'value' ? [] : [unread('numbers', 'call forwarding', voices)];
}

/** The destination; null if the number is not always forwarded. */
function forwardsAlways({ account: { voices } }: Seen, { id }: PhoneNumber): string | null {
  const voice = voices.end === 'value' ? voices.value.get(id) : undefined;
  return voice?.forwarding === 'always' ? voice.forwardsTo : null;
}

export function unrouted(seen: Seen): Finding[] {
  const { routes, account, now } = seen;
  if (routes === null) return [noRoutes('unrouted')];
  const assigned = assignedNumbers('unrouted', seen);
  if (!('list' in assigned)) return [assigned];
  const { voices } = account;
  const unknown = assigned.list.filter(({ id, number, connectionId }) => {
    // The `to` that a call to it will have: Telnyx may rewrite it.
    const voice = voices.end === 'value' ? voices.value.get(id) : undefined;
    const to = voice?.translatedNumber ?? number;
    return !routes.inExamples.has(to) && !routes.couldMatch(to, connectionId, now);
  });
  if (unknown.length === 0) {
    const message = 'Every number that is assigned can match a rule, or an example names it.';
    return [found('unrouted', 'ok', message)];
  }
  return firstOf(
    unknown,
    ({ number }) =>
      found(
        'unrouted',
        'warning',
        `No rule but otherwise can match a call to ${number}, and no example names it.`,
        'Write a rule for it, or an example if its callers should get otherwise.',
        number,
      ),
    (count) =>
      found(
        'unrouted',
        'warning',
        `${counted(count, 'more number has', 'more numbers have')} no rule.`,
      ),
  );
}

export function foreign(seen: Seen): Finding[] {
  const { routes, account } = seen;
  if (routes === null) return [noRoutes('foreign')];
  if (account.numbers.end !== 'value') return [unread('foreign', 'the numbers', account.numbers)];
  const connections = ourConnections(seen);
  if (connections === null) {
    return [found('foreign', 'unknown', 'It is unknown which applications are ours.', null)];
  }
  const known = new Map(account.numbers.value.map((number) => [number.number, number]));
  const findings = [...routes.named].flatMap(([number, rule]) =>
    whose(number, rule, known.get(number), connections),
  );
  if (findings.length === 0) {
    return [found('foreign', 'ok', 'Every number that a rule names is assigned to us.')];
  }
  const worst = findings.toSorted(
    (a, b) => Number(b.status === 'problem') - Number(a.status === 'problem'),
  );
  return firstOf(
    worst,
    (finding) => finding,
    (count) =>
      found(
        'foreign',
        'warning',
        `${counted(count, 'more number of rules is', 'more numbers of rules are')} not ours.`,
      ),
  );
}

function whose(
  number: string,
  rule: string,
  owned: PhoneNumber | undefined,
  connections: ReadonlySet<string>,
): Finding[] {
  if (owned === undefined) {
    const message = `The rule "${rule}" names ${number}, which is not a number of this account.`;
    const fix =
      'Correct the number, or remove it: a call to it arrives only if another account forwards it.';
    return [found('foreign', 'warning', message, fix, number)];
  }
  if (owned.connectionId === null) {
    const message = `The rule "${rule}" names ${number}, which is assigned to no connection: no call to it arrives.`;
    return [
      found('foreign', 'warning', message, `Assign it to our application ${IN_PORTAL}.`, number),
    ];
  }
  if (connections.has(owned.connectionId)) return [];
  const other = owned.connectionName === null ? '' : ` ("${owned.connectionName}")`;
  const message = `The rule "${rule}" names ${number}, which is assigned to another connection, ${owned.connectionId}${other}.`;
  const fix = `Assign it to our application ${IN_PORTAL}, or add that connection to TELNYX_CONNECTION_IDS if it is ours.`;
  return [found('foreign', 'problem', message, fix, number)];
}

function assignedNumbers(
  check: 'numbers' | 'unrouted',
  seen: Seen,
): Finding | { list: PhoneNumber[]; connections: ReadonlySet<string> } {
  const { numbers: reading, applications } = seen.account;
  if (reading.end !== 'value') return unread(check, 'the numbers', reading);
  const connections = ourConnections(seen);
  if (connections === null) {
    return applications.end === 'value'
      ? found(check, 'unknown', 'There is no application to look at.')
      : unread(check, 'the applications', applications);
  }
  if (connections.size === 0) {
    const message = 'There is no application to look at.';
    return found(check, 'unknown', message, 'See the check application.');
  }
  const list = reading.value.filter(
    ({ connectionId }) => connectionId !== null && connections.has(connectionId),
  );
  return { list, connections };
}

function noRoutes(check: 'unrouted' | 'foreign'): Finding {
  return found(check, 'unknown', 'The routes could not be loaded.', 'Run referee check.');
}
