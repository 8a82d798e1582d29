/** The checks before a rehearsal's call, because the call cannot be undone. */
import type { Application, PhoneNumber } from '../../core/account/account.ts';
import { notRead, type SetupProblem } from '../../core/account/setup.ts';
import type { AccountClient } from '../../telnyx/account/client.ts';
import type { AccountConfig } from '../sources/account-config.ts';
import type { Documents } from '../sources/documents.ts';
import { ownAddress, ServerRefused, serverAt } from '../sources/server.ts';
import { documentsOf } from '../sources/server-documents.ts';
import { CALLS_LOOKED_AT } from './follow.ts';

export interface Wanted {
  from: string;
  to: string;
  /** The address of the running server's API; the default follows from its settings. */
  server?: string;
}

export interface Ready {
  /** The application of the calling number. */
  connectionId: string;
  application: string;
  server: Documents;
  /** Ids of calls to that number that existed before. */
  before: ReadonlySet<string>;
}

/** Short, because the call cannot be hung up while we wait for a request. */
const SERVER_TIMEOUT_MS = 10_000;

export async function getReady(
  client: Pick<AccountClient, 'applications' | 'numbers'>,
  config: AccountConfig,
  wanted: Wanted,
): Promise<Ready | { problem: SetupProblem }> {
  const { from, to } = wanted;
  if (from === to) return wrong('--from and --to are the same number.', 'Give two numbers.');
  const chosen = await chooseNumbers(client, config, wanted);
  if ('problem' in chosen) return chosen;
  const { adminToken: token, host, port, adminPort } = config;
  if (token === null) {
    return wrong(
      'ADMIN_TOKEN is not set, so the call cannot be followed.',
      'Set it to the ADMIN_TOKEN of the running server.',
    );
  }
  const url = wanted.server ?? ownAddress(host, adminPort ?? port);
  const namedBy = wanted.server === undefined ? 'HOST and ADMIN_PORT or PORT' : '--server';
  const server = documentsOf(serverAt({ url, token, namedBy, timeoutMs: SERVER_TIMEOUT_MS }));
  const before = await callsBefore(server, to);
  return 'problem' in before ? before : { ...chosen, server, before: before.ids };
}

async function chooseNumbers(
  client: Pick<AccountClient, 'applications' | 'numbers'>,
  { connectionIds }: AccountConfig,
  { from, to }: Wanted,
): Promise<Pick<Ready, 'connectionId' | 'application'> | { problem: SetupProblem }> {
  const [applications, numbers] = await Promise.all([client.applications(), client.numbers()]);
  if (applications.end !== 'value') return { problem: notRead('the applications', applications) };
  if (numbers.end !== 'value') return { problem: notRead('the numbers', numbers) };
  const calling = applicationOf(from, numbers.value, applications.value);
  if ('problem' in calling) return calling;
  const called = applicationOf(to, numbers.value, applications.value);
  if ('problem' in called) return called;
  const { id: calledId } = called.application;
  if (connectionIds !== null && !connectionIds.has(calledId)) {
    return wrong(
      `${to} is assigned to ${calledId}, which TELNYX_CONNECTION_IDS does not name: the server ignores its calls.`,
      'Name it there, or rehearse with another number.',
    );
  }
  const { id, name, profileId } = calling.application;
  if (profileId === null) {
    return wrong(
      `"${name}" (${id}) of ${from} has no outbound voice profile, so it cannot call.`,
      'Choose one for the application in the Telnyx portal.',
    );
  }
  return { connectionId: id, application: `"${name}"` };
}

function applicationOf(
  number: string,
  numbers: readonly PhoneNumber[],
  applications: readonly Application[],
): { application: Application } | { problem: SetupProblem } {
  const owned = numbers.find((one) => one.number === number);
  if (owned === undefined) {
    return wrong(
      `${number} is not a number of this account.`,
      'Rehearse between two numbers of the account, so that no other phone rings.',
    );
  }
  const application = applications.find(({ id }) => id === owned.connectionId);
  if (application === undefined) {
    return wrong(
      `${number} is assigned to no Call Control Application.`,
      `Assign it: referee setup --url https://<this server> --number ${number}`,
    );
  }
  return { application };
}

/** Also proves that the server can be reached. */
async function callsBefore(
  server: Pick<Documents, 'calls' | 'source'>,
  to: string,
): Promise<{ ids: ReadonlySet<string> } | { problem: SetupProblem }> {
  try {
    const { calls } = await server.calls({ to, limit: CALLS_LOOKED_AT });
    return { ids: new Set(calls.map((call) => call.call_control_id)) };
  } catch (error) {
    if (!(error instanceof ServerRefused)) throw error;
    if (error.status === 401) {
      const { source } = server;
      return wrong(`${source} refuses ADMIN_TOKEN.`, 'Set it to the ADMIN_TOKEN of that server.');
    }
    return wrong(
      `The running server cannot be asked: ${error.message}.`,
      'Start it with ADMIN_TOKEN set, or name its address with --server.',
    );
  }
}

export function wrong(message: string, fix: string): { problem: SetupProblem } {
  return { problem: { message, fix } };
}
