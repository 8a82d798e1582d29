/**
 * The stage of the demo: the real server and the Telnyx simulator in this process, with a temporary
 * folder for database, routes and log. `close` closes everything in the opposite order.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { destination } from 'pino';
import { compose, type Service } from '../compose.ts';
import { readConfig } from '../config/config.ts';
import { createLog } from '../log/log.ts';
import { SCRIPT_NUMBERS, SCRIPT_ROUTES } from '../simulator/scripts.ts';
import { createSimulator, type Simulator } from '../simulator/simulator.ts';
import { type DoctorReport, examineAccount } from './doctor.ts';
import type { Io } from './io.ts';

export interface Stage {
  url: string;
  apiUrl: string;
  adminToken: string;
  simulator: Simulator;
  folder: string;
  logFile: string;
  /** Runs `referee doctor` on the simulator's account and the demo's routes. */
  doctor(io: Io): Promise<DoctorReport>;
  /** `keepFolder` keeps database, routes and log for inspection. */
  close(keepFolder: boolean): Promise<void>;
}

/** Determines the simulator's signing key and all its ids, so that every run is the same. */
const SEED = 7;

export async function setStage(): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'referee-demo-'));
  const simulator = createSimulator({
    seed: SEED,
    account: {
      applications: [{ call_cost_in_webhooks: true }],
      numbers: SCRIPT_NUMBERS.map((number) => ({ phone_number: number })),
    },
  });
  let service: Service | null = null;
  try {
    const { apiUrl, publicKey } = await simulator.start();
    const adminToken = randomBytes(24).toString('base64url');
    const env = await environment(folder, { apiUrl, publicKey, simulator, adminToken });
    const config = readConfig(env);
    const logFile = join(folder, 'server.log');
    const log = createLog({
      level: config.logLevel,
      numbers: config.logNumbers,
      key: config.apiKey,
      secrets: [adminToken],
      destination: destination({ dest: logFile, sync: true }),
    });
    const server = await compose(config, env, log);
    service = server;
    await server.ready;
    simulator.setWebhookUrl(`${server.url}/webhooks/telnyx`);
    return {
      url: server.url,
      apiUrl,
      adminToken,
      simulator,
      folder,
      logFile,
      doctor: (io) => {
        const quiet = { ...io, isTTY: false };
        return examineAccount(config, { routes: config.routesDir, url: server.url }, quiet);
      },
      async close(keepFolder) {
        await server.stop(0);
        await simulator.stop();
        if (!keepFolder) await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await service?.stop(0);
    await simulator.stop();
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** The whole configuration of a server, as an operator would write it into .env. */
async function environment(
  folder: string,
  given: { apiUrl: string; publicKey: string; simulator: Simulator; adminToken: string },
): Promise<Record<string, string>> {
  const routesDir = join(folder, 'routes');
  await mkdir(routesDir);
  await writeFile(join(routesDir, 'main.yaml'), SCRIPT_ROUTES);
  return {
    TELNYX_PUBLIC_KEY: given.publicKey,
    TELNYX_API_KEY: given.simulator.apiKey,
    TELNYX_API_URL: given.apiUrl,
    HOST: '127.0.0.1',
    PORT: '0',
    DATABASE_URL: `sqlite:${join(folder, 'referee.db')}`,
    ROUTES_DIR: routesDir,
    ADMIN_TOKEN: given.adminToken,
    // The demo runs the doctor at its end. At the start the simulator does not have a webhook URL
    // yet.
    ACCOUNT_CHECK_MINUTES: '0',
    DRAIN_DELAY_SECS: '0',
  };
}
