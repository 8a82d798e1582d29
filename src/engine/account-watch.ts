/**
 * The server's own look at its Telnyx account, at the start and every so often: what is wrong is one line when
 * it comes and one when it goes, and stands in the list of problems meanwhile. Calls never wait for it.
 */
import type { Finding } from '../core/account/finding.ts';
import type { Log } from '../log/log.ts';
import type { Trouble } from '../log/troubles.ts';

export interface AccountWatch {
  start(): void;
  /** A look under way is given up; what it finds is no news any more. */
  stop(): void;
  /** What stands, for the list of problems. */
  troubles(): Trouble[];
}

export interface AccountWatchOptions {
  /** 0: never. */
  everyMs: number;
  look(): Promise<Finding[]>;
  log: Log;
  now(): number;
}

interface Standing {
  finding: Finding;
  firstAt: number;
  lastAt: number;
}

export function createAccountWatch(options: AccountWatchOptions): AccountWatch {
  const { everyMs, look, log, now } = options;
  let standing = new Map<string, Standing>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  async function round(): Promise<void> {
    try {
      const findings = await look();
      if (!stopped) settle(findings);
    } catch (err) {
      if (!stopped) log.emit('account.check_failed', { err });
    }
    if (!stopped) timer = setTimeout(round, everyMs).unref();
  }

  function settle(findings: readonly Finding[]): void {
    const at = now();
    const bad = keyed(
      findings.filter(({ status }) => status === 'problem' || status === 'warning'),
    );
    // What could not be looked at this time is as it was.
    const unknown = new Set(
      findings.flatMap(({ check, status }) => (status === 'unknown' ? check : [])),
    );
    const next = new Map<string, Standing>();
    for (const [key, finding] of bad) {
      const known = standing.get(key);
      if (known === undefined) log.emit('account.problem', fieldsOf(finding));
      next.set(key, { finding, firstAt: known?.firstAt ?? at, lastAt: at });
    }
    for (const [key, known] of standing) {
      if (next.has(key)) continue;
      if (unknown.has(known.finding.check)) next.set(key, known);
      else log.emit('account.resolved', fieldsOf(known.finding));
    }
    standing = next;
  }

  return {
    start() {
      if (everyMs > 0) void round();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
    troubles: () => [...standing.values()].map(troubleOf),
  };
}

/** By what is wrong with what; words change with each count, and a changed count is no news. */
function keyed(findings: readonly Finding[]): Map<string, Finding> {
  const byKey = new Map<string, Finding>();
  for (const finding of findings) {
    const { check, about, status } = finding;
    const key = `${check} ${about ?? ''} ${status}`;
    let nth = 1;
    while (byKey.has(`${key} ${nth}`)) nth += 1;
    byKey.set(`${key} ${nth}`, finding);
  }
  return byKey;
}

function fieldsOf({ check, about, status, message, fix }: Finding) {
  return { check, about, status, detail: message, fix };
}

function troubleOf({ finding, firstAt, lastAt }: Standing): Trouble {
  const { check, about, status, message, fix } = finding;
  return {
    kind: 'account.problem',
    severity: status === 'problem' ? 'error' : 'warning',
    title: message,
    detail: `Check ${check}${about === null ? '' : ` of ${about}`}.`,
    fix,
    count: 1,
    firstAt,
    lastAt,
    target: null,
  };
}
