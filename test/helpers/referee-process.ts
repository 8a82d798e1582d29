/**
 * The real server in its own process: `referee.js serve` with an environment and files.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundledProgram } from './bundle.ts';
import { freePort } from './free-port.ts';
import { PATIENCE_MS } from './patience.ts';
import { API_KEY, type TelnyxStandIn } from './telnyx-stand-in.ts';

export const ADMIN_TOKEN = 'end-to-end-admin-token-0123456789';
export const PBX_PASSWORD = 'correct-horse-battery-staple';

/** Short times, so that what takes half a minute on a real line takes a second here. */
const ROUTES = `targets:
  first: { sip: "sip:first@pbx.example.com", timeout: 1s }
  second: { sip: "sip:second@pbx.example.com", timeout: 1s }
  patient: { sip: "sip:patient@pbx.example.com", timeout: 25s }
  guarded:
    sip: "sip:guarded@pbx.example.com"
    timeout: 5s
    user_to_user: "{call_session_id}"
    headers: { X-Queue: "{from_user}" }
    auth: { username: "\${PBX_USER}", password: "\${PBX_PASSWORD}" }
  steady-first: { sip: "sip:first@pbx.example.com", timeout: 60s }
  steady-second: { sip: "sip:second@pbx.example.com", timeout: 60s }
  bye-counts: { sip: "sip:bye@pbx.example.com", timeout: 5s, bye_without_verdict: completed }
policy:
  allow: [ "sip:*@*.example.com" ]
rules:
  - name: support
    when: { to: "+14155550100" }
    do:
      - refer: first
      - refer: second
      - say: "Sorry, nobody can take your call."
      - hangup
  - name: patient
    when: { to: "+14155550101" }
    do: [ { refer: patient }, { refer: second } ]
  - name: guarded
    when: { to: "+14155550102" }
    do: [ { refer: guarded } ]
  - name: bye counts
    when: { to: "+14155550103" }
    do: [ { refer: bye-counts } ]
  - name: bridge
    when: { to: "+14155550104" }
    do: [ { transfer: "+14155550199" }, { refer: second } ]
  - name: short bridge
    when: { to: "+14155550109" }
    do: [ { transfer: "+14155550199", timeout: 1s }, { refer: second } ]
  - name: menu
    when: { to: "+14155550105" }
    do:
      - menu: { say: "Press 1.", digits: { "1": [ { refer: first } ] }, tries: 1, timeout: 5s }
      - hangup
  - name: not ours
    when: { to: "+14155550106" }
    do: [ ignore ]
  - name: steady
    when: { to: "+14155550107" }
    do: [ { refer: steady-first }, { refer: steady-second } ]
  - name: hairpin
    when: { to: "+14155550108" }
    do: [ { transfer: "+14155550108" }, { refer: first } ]
otherwise: [ { reject: busy } ]
`;

export interface ApiCall {
  phase: string;
  ends: string | null;
  rule: string | null;
  attempts: { id: string; target: string | null; verdict: string | null; sip_address: string }[];
  timeline: { source: string; type: string; id: string }[];
}

/** What the server must know of Telnyx, and Telnyx of the server. */
export type Telnyx = Pick<TelnyxStandIn, 'publicKey' | 'apiUrl' | 'webhookUrl'>;

export class Referee {
  url = '';
  /** The output of all its runs. */
  output = '';
  readonly folder: string;
  readonly #telnyx: Telnyx;
  readonly #env: Record<string, string>;
  readonly #port: number;
  #child: ChildProcess | null = null;

  private constructor(telnyx: Telnyx, folder: string, port: number, env: Record<string, string>) {
    this.#telnyx = telnyx;
    this.folder = folder;
    this.#port = port;
    this.#env = env;
  }

  static async create(telnyx: Telnyx, env: Record<string, string> = {}): Promise<Referee> {
    const folder = await mkdtemp(join(tmpdir(), 'referee-e2e-'));
    await mkdir(join(folder, 'routes'));
    await writeFile(join(folder, 'routes', 'main.yaml'), ROUTES);
    return new Referee(telnyx, folder, await freePort(), env);
  }

  /** The URL of its database; readable while the server is stopped. */
  get databaseUrl(): string {
    return this.#env.DATABASE_URL ?? `sqlite:${join(this.folder, 'referee.db')}`;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Starts it with the same files and port as before, and waits until it is ready. */
  async start(): Promise<this> {
    this.#child = spawn(process.execPath, [await bundledProgram(), 'serve'], {
      cwd: this.folder,
      env: {
        TELNYX_PUBLIC_KEY: this.#telnyx.publicKey,
        TELNYX_API_KEY: API_KEY,
        TELNYX_API_URL: this.#telnyx.apiUrl,
        HOST: '127.0.0.1',
        PORT: String(this.#port),
        DATABASE_URL: 'sqlite:referee.db',
        ADMIN_TOKEN,
        PBX_USER: 'referee',
        PBX_PASSWORD,
        LOG_LEVEL: 'debug',
        // Off by default; its own tests turn it on.
        ACCOUNT_CHECK_MINUTES: '0',
        WARM_UP_CALLS: '0',
        DRAIN_DELAY_SECS: '0',
        ...this.#env,
      },
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
    this.url = `http://127.0.0.1:${this.#port}`;
    this.#telnyx.webhookUrl = `${this.url}/webhooks/telnyx`;
    const child = this.#child;
    await eventually(
      async () => {
        if (child.exitCode !== null) throw new Error(`it did not start:\n${this.output}`);
        return (await this.ready()) === 200;
      },
      () => `ready; it said:\n${this.output.slice(-2_000)}`,
      START_MS,
    );
    return this;
  }

  /** HTTP status of the ready endpoint; 0 without an answer. */
  async ready(): Promise<number> {
    return (await fetch(`${this.url}/health/ready`).catch(() => null))?.status ?? 0;
  }

  async api(path: string, body?: unknown): Promise<Response> {
    return fetch(`${this.url}/v1${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  async call(id: string): Promise<ApiCall> {
    return (await (await this.api(`/calls/${encodeURIComponent(id)}`)).json()) as ApiCall;
  }

  /** Resolves with the call as soon as it satisfies the condition. */
  async until(
    id: string,
    wanted: (call: ApiCall) => boolean,
    withinMs = PATIENCE_MS,
  ): Promise<ApiCall> {
    let last: ApiCall | null = null;
    await eventually(
      async () => {
        last = await this.call(id).catch(() => null);
        return last !== null && last.attempts !== undefined && wanted(last);
      },
      () => `the call is ${JSON.stringify(last)}`,
      withinMs,
    );
    return last as unknown as ApiCall;
  }

  ended(id: string, withinMs?: number): Promise<ApiCall> {
    return this.until(id, ({ ends }) => ends !== null, withinMs);
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  /** Resolves with the exit code, null after a kill. */
  exited(): Promise<number | null> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) {
      return Promise.resolve(child?.exitCode ?? null);
    }
    return new Promise((resolve) => child.once('exit', resolve));
  }

  async kill(): Promise<void> {
    const exited = this.exited();
    this.signal('SIGKILL');
    await exited;
  }

  /** Ends it and searches its output for anything that must not be there. */
  async finish(): Promise<string[]> {
    await this.kill();
    const files = await readdir(this.folder);
    const stored = await Promise.all(
      files
        .filter((name) => name.startsWith('referee.db'))
        .map((name) => readFile(join(this.folder, name), 'latin1')),
    );
    await rm(this.folder, { recursive: true, force: true });
    const { DATABASE_URL = '' } = this.#env;
    if (DATABASE_URL.startsWith('sqlite:/')) await rm(DATABASE_URL.slice(7), { force: true });
    const secrets = [API_KEY, ADMIN_TOKEN, PBX_PASSWORD];
    return [
      ...secrets.filter((secret) => this.output.includes(secret)).map((it) => `logged: ${it}`),
      ...secrets
        .filter((secret) => stored.some((text) => text.includes(secret)))
        .map((it) => `stored: ${it}`),
      // Unmasked numbers of the tests; a masked one does not have seven digits in a row.
      ...(
        this.output.match(/.{0,60}(?:\+|%2B)?1415555\d{4}.{0,20}|.{0,60}1415556\d{4}.{0,20}/g) ?? []
      )
        .slice(0, 3)
        .map((text) => `a number in full: ${text}`),
    ];
  }
}

/**
 * Time for a process to start, or to report why it is not ready: eleven may start at once on two
 * slow cores.
 */
export const START_MS = 90_000;

/**
 * Checks repeatedly until the condition holds; fails with the given words when the time is over.
 */
export async function eventually(
  look: () => boolean | Promise<boolean>,
  words: string | (() => string),
  withinMs = PATIENCE_MS,
): Promise<void> {
  const until = performance.now() + withinMs;
  while (!(await look())) {
    if (performance.now() > until) {
      throw new Error(`not within ${withinMs} ms: ${typeof words === 'string' ? words : words()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
