/**
 * A stage for calls that nobody makes: the real server and the Telnyx simulator in this process,
 * with a temporary folder for database and routes. `close` closes everything in the opposite order.
 */
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DestinationStream } from 'pino';
import { compose, type Service } from '../../compose.ts';
import { type Config, readConfig } from '../../config/config.ts';
import type { Environment } from '../../config/env-file.ts';
import { createLog, type Log } from '../../log/log.ts';
import { SCRIPT_NUMBERS, SCRIPT_ROUTES } from '../../simulator/scripts.ts';
import { createSimulator, type Simulator } from '../../simulator/simulator.ts';

export interface Stage {
  url: string;
  apiUrl: string;
  config: Config;
  simulator: Simulator;
  folder: string;
  /** `keepFolder` keeps database, routes and log for inspection. */
  close(keepFolder: boolean): Promise<void>;
}

interface StageOptions {
  /** Part of the folder's name. */
  name: string;
  /** Variables beside those that lead server and simulator to each other. */
  env: Environment;
  /** Factor for the simulator's scripted durations; default 1. */
  timeScale?: number;
  /** Where the server's log is written, given the folder. */
  log(folder: string): DestinationStream;
}

/** Determines the simulator's signing key and all its ids, so that every run is the same. */
const SEED = 7;

export async function setStage({ name, env: own, timeScale, log }: StageOptions): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), `referee-${name}-`));
  // A reader that goes (`referee demo | head`) and a second Ctrl-C end the process at once.
  const leaveNothing = () => rmSync(folder, { recursive: true, force: true });
  process.on('exit', leaveNothing);
  const simulator = createSimulator({
    seed: SEED,
    ...(timeScale === undefined ? {} : { timeScale }),
    account: {
      applications: [{ call_cost_in_webhooks: true }],
      numbers: SCRIPT_NUMBERS.map((number) => ({ phone_number: number })),
    },
  });
  let service: Service | null = null;
  const close = async (keepFolder: boolean) => {
    try {
      await service?.stop(0);
    } finally {
      await simulator.stop();
      process.off('exit', leaveNothing);
      if (!keepFolder) await rm(folder, { recursive: true, force: true });
    }
  };
  try {
    const { apiUrl, publicKey } = await simulator.start();
    const env = { ...own, ...(await environment(folder, { apiUrl, publicKey, simulator })) };
    const config = readConfig(env);
    const serverLog = createLog({
      level: config.logLevel,
      numbers: config.logNumbers,
      key: config.apiKey,
      secrets: config.adminToken === null ? [] : [config.adminToken],
      destination: log(folder),
    });
    const opening = untilStoreFails(serverLog);
    service = await compose(config, env, opening.log);
    await Promise.race([service.ready, opening.failed]);
    const { url } = service;
    simulator.setWebhookUrl(`${url}/webhooks/telnyx`);
    return { url, apiUrl, config, simulator, folder, close };
  } catch (error) {
    await close(false);
    throw error;
  }
}

/**
 * A server waits for its store, but a folder of our own that cannot be written to now is not worth
 * waiting for.
 */
function untilStoreFails(log: Log) {
  const { promise: failed, reject } = Promise.withResolvers<never>();
  failed.catch(() => {});
  const watched: Log = {
    ...log,
    emit(event, fields) {
      if (event === 'store.unavailable') reject(fields?.err);
      log.emit(event, fields);
    },
  };
  return { failed, log: watched };
}

/** What leads server and simulator to each other, as an operator would write it into .env. */
async function environment(
  folder: string,
  given: { apiUrl: string; publicKey: string; simulator: Simulator },
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
    // At the start the simulator does not have a webhook URL yet.
    ACCOUNT_CHECK_MINUTES: '0',
    DRAIN_DELAY_SECS: '0',
  };
}
