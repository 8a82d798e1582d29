/**
 * Checks the Telnyx account when the server starts and regularly afterwards. A finding is logged
 * once when it appears and once when it is gone, and is among the current problems meanwhile. Calls
 * never wait for this.
 */
import type { Finding } from '../core/account/finding.ts';
import type { Log } from '../log/log.ts';
import type { Trouble } from '../log/troubles.ts';
import { repeat } from './repeat.ts';

export interface AccountWatch {
  start(): void;
  /** A check that is running is abandoned, and its findings are not reported. */
  stop(): void;
  /** The current findings, for the list of problems. */
  troubles(): Trouble[];
}

export interface AccountWatchOptions {
  /** 0: never. */
  everyMs: number;
  look(): Promise<Finding[]>;
  log: Log;
  now(): number;
}

interface Seen {
  finding: Finding;
  firstAt: number;
  lastAt: number;
}

export function createAccountWatch(options: AccountWatchOptions): AccountWatch {
  const { everyMs, look, log, now } = options;
  let seen = new Map<string, Seen>();
  const rounds = repeat({
    everyMs,
    async run(stopped) {
      const findings = await look();
      if (!stopped()) settle(findings);
    },
    onError: (err) => log.emit('account.check_failed', { err }),
  });

  function settle(findings: readonly Finding[]): void {
    const at = now();
    const bad = keyed(
      findings.filter(({ status }) => status === 'problem' || status === 'warning'),
    );
    // Whatever could not be read this time is assumed to be unchanged.
    const unknown = new Set(
      findings.flatMap(({ check, status }) => (status === 'unknown' ? check : [])),
    );
    const next = new Map<string, Seen>();
    for (const [key, finding] of bad) {
      const known = seen.get(key);
      if (known === undefined) log.emit('account.problem', fieldsOf(finding));
      next.set(key, { finding, firstAt: known?.firstAt ?? at, lastAt: at });
    }
    for (const [key, known] of seen) {
      if (next.has(key)) continue;
      if (unknown.has(known.finding.check)) next.set(key, known);
      else log.emit('account.resolved', fieldsOf(known.finding));
    }
    seen = next;
  }

  return {
    start() {
      if (everyMs > 0) rounds.start();
    },
    stop() {
      void rounds.stop();
    },
    troubles: () => [...seen.values()].map(troubleOf),
  };
}

/**
 * Keyed by what is wrong with what. The words contain counts, and a changed count is no new
 * finding.
 */
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

function troubleOf({ finding, firstAt, lastAt }: Seen): Trouble {
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
