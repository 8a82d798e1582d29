/** Checks whether the applications whose calls are ours are configured as they must be. */
import { isLoopback } from '../loopback.ts';
import type { Application } from './account.ts';
import {
  type Finding,
  forEachApplication,
  found,
  ourApplications,
  type Seen,
  unread,
  WEBHOOK_PATH,
} from './finding.ts';

const WEBHOOK_TIMEOUT_SECS_MIN = 2;
const FIRST_COMMAND_SECS_MIN = 15;
const IN_PORTAL = 'in the Telnyx portal under Voice, Programmable Voice';

export function application(seen: Seen): Finding[] {
  const { applications } = seen.account;
  if (applications.end !== 'value')
    return [unread('application', 'the applications', applications)];
  const ours = ourApplications(seen) ?? [];
  const { connectionIds } = seen.settings;
  const missing = [...(connectionIds ?? [])].filter((id) => !ours.some((own) => own.id === id));
  const findings = [
    ...ours.map(activity),
    ...missing.map((id) =>
      found(
        'application',
        'problem',
        `The connection ${id} of TELNYX_CONNECTION_IDS is not a Call Control Application of this account.`,
        'Put the ids of Call Control Applications into TELNYX_CONNECTION_IDS: the portal shows them.',
        id,
      ),
    ),
  ];
  if (findings.length > 0) return findings;
  return [
    found(
      'application',
      'problem',
      `No application of this account has a webhook URL that ends in ${WEBHOOK_PATH}: no call reaches us.`,
      `Give a Call Control Application the webhook URL https://<this server>${WEBHOOK_PATH} ${IN_PORTAL}.`,
    ),
  ];
}

function activity({ id, name, active }: Application): Finding {
  if (active) return found('application', 'ok', `"${name}" is active.`, null, id);
  const fix = `Activate it ${IN_PORTAL}.`;
  return found('application', 'problem', `"${name}" is not active: it takes no calls.`, fix, id);
}

export function apiVersion(seen: Seen): Finding[] {
  return forEachApplication('api_version', seen, ({ id, name, apiVersion: version }) => {
    if (version === '2') return found('api_version', 'ok', `"${name}" sends version 2.`, null, id);
    const message = `"${name}" sends webhooks of API version ${version}, which are not signed as ours must be: all are refused.`;
    return found('api_version', 'problem', message, `Set API version 2 ${IN_PORTAL}.`, id);
  });
}

export function webhookUrl(seen: Seen): Finding[] {
  return forEachApplication('webhook_url', seen, (own) => {
    const problem = urlProblem(own.webhookUrl, seen.settings.url);
    if (problem !== null) {
      const should = expectedUrl(seen.settings.url) ?? `https://<this server>${WEBHOOK_PATH}`;
      const fix = `Set the webhook URL to ${should} ${IN_PORTAL}.`;
      return found('webhook_url', 'problem', `"${own.name}" ${problem}`, fix, own.id);
    }
    return failover(own, seen.settings.store);
  });
}

/** Null if it is as it should be. */
function urlProblem(url: string | null, wanted: string | null): string | null {
  if (url === null) return 'has no webhook URL.';
  if (!URL.canParse(url)) return `has a webhook URL that is not a URL: ${url}`;
  const { protocol, hostname, pathname } = new URL(url);
  if (protocol !== 'https:' && !isLoopback(hostname)) {
    return `sends webhooks to ${url} unencrypted: anybody on the way can read them.`;
  }
  if (!pathname.endsWith(WEBHOOK_PATH)) {
    return `sends webhooks to ${url}; ours end in ${WEBHOOK_PATH}.`;
  }
  const expected = expectedUrl(wanted);
  if (expected !== null && new URL(url).href !== new URL(expected).href) {
    return `sends webhooks to ${url}, not to ${expected}.`;
  }
  return null;
}

/** Accepts `https://host`, with or without a slash, and the complete address. */
export function expectedUrl(wanted: string | null): string | null {
  if (wanted === null || !URL.canParse(wanted)) return null;
  const url = new URL(wanted);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return null;
  const path = url.pathname.replace(/\/+$/, '');
  return `${url.origin}${path.endsWith(WEBHOOK_PATH) ? path : path + WEBHOOK_PATH}`;
}

function failover({ id, name, webhookUrl: url, failoverUrl }: Application, store: string): Finding {
  if (store === 'postgres' && failoverUrl === null) {
    const message = `"${name}" has no failover URL, though several replicas can share PostgreSQL.`;
    const fix = `Set the failover URL to another replica or balancer ${IN_PORTAL}.`;
    return found('webhook_url', 'warning', message, fix, id);
  }
  if (store === 'sqlite' && failoverUrl !== null) {
    const message = `"${name}" has the failover URL ${failoverUrl}, but with SQLite only one server knows the calls.`;
    const fix = `Remove the failover URL ${IN_PORTAL}, or use PostgreSQL.`;
    return found('webhook_url', 'warning', message, fix, id);
  }
  return found('webhook_url', 'ok', `"${name}" sends webhooks to ${url}.`, null, id);
}

export function reachable(seen: Seen): Finding[] {
  return forEachApplication('reachable', seen, ({ id, webhookUrl: url }) => {
    const asked = url === null ? null : readyUrl(url);
    const reached = url === null ? undefined : seen.account.reached.get(url);
    if (asked === null || reached === undefined) {
      const message = 'There is no webhook URL to try.';
      return found('reachable', 'unknown', message, 'See the check webhook_url.', id);
    }
    if (reached.end === 'silent') {
      const fix =
        'Start the server, and check DNS, certificate, firewall and proxy between the internet and it.';
      return found('reachable', 'problem', `${asked} does not answer: ${reached.why}`, fix, id);
    }
    if (reached.status !== 200) {
      const message = `${asked} answered ${reached.status} instead of 200.`;
      const fix =
        'Another server may have answered in its place; otherwise the body of the answer says why it is not ready.';
      return found('reachable', 'problem', message, fix, id);
    }
    if (reached.warnings.length > 0) {
      const message = `${asked} is ready, with warnings: ${reached.warnings.join(' ')}`;
      return found('reachable', 'warning', message, 'Do what the warnings say.', id);
    }
    return found('reachable', 'ok', `${asked} is ready.`, null, id);
  });
}

/** Null if there is no URL to request. */
export function readyUrl(webhookUrl: string): string | null {
  return URL.canParse(webhookUrl) ? `${new URL(webhookUrl).origin}/health/ready` : null;
}

export function timeouts(seen: Seen): Finding[] {
  return forEachApplication('timeouts', seen, (own) => {
    const { id, name, webhookTimeoutSecs, firstCommandTimeout, firstCommandTimeoutSecs } = own;
    const findings: Finding[] = [];
    if (webhookTimeoutSecs !== null && webhookTimeoutSecs < WEBHOOK_TIMEOUT_SECS_MIN) {
      const message = `"${name}" waits only ${webhookTimeoutSecs} s for the answer to a webhook, which Referee commits first.`;
      const fix = `Set the webhook timeout to ${WEBHOOK_TIMEOUT_SECS_MIN} s or more, or leave it empty, ${IN_PORTAL}.`;
      findings.push(found('timeouts', 'problem', message, fix, id));
    }
    if (
      firstCommandTimeout &&
      firstCommandTimeoutSecs !== null &&
      firstCommandTimeoutSecs < FIRST_COMMAND_SECS_MIN
    ) {
      const message = `"${name}" hangs up a call that got no command for ${firstCommandTimeoutSecs} s: a restart may take as long.`;
      const fix = `Switch the first command timeout off, or set it to ${FIRST_COMMAND_SECS_MIN} s or more, ${IN_PORTAL}.`;
      findings.push(found('timeouts', 'problem', message, fix, id));
    }
    if (findings.length > 0) return findings;
    return found(
      'timeouts',
      'ok',
      `"${name}" waits long enough for answers and commands.`,
      null,
      id,
    );
  });
}

export function cost(seen: Seen): Finding[] {
  return forEachApplication('cost', seen, ({ id, name, costInWebhooks }) => {
    if (costInWebhooks)
      return found('cost', 'ok', `"${name}" reports what each call cost.`, null, id);
    const fix = `Switch call cost in webhooks on ${IN_PORTAL}.`;
    return found('cost', 'warning', `"${name}" does not report the cost of calls.`, fix, id);
  });
}
