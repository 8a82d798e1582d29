/** The stage of the demo, with the API and a log file to look into. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { destination } from 'pino';
import { type DoctorReport, examineAccount } from '../doctor.ts';
import { type Stage, setStage } from '../serve/stage.ts';
import type { Io } from '../terminal/io.ts';

export interface DemoStage extends Stage {
  adminToken: string;
  logFile: string;
  /** Runs `referee doctor` on the simulator's account and the demo's routes. */
  doctor(io: Io): Promise<DoctorReport>;
}

export async function setDemoStage(): Promise<DemoStage> {
  const adminToken = randomBytes(24).toString('base64url');
  const fileIn = (folder: string) => join(folder, 'server.log');
  const stage = await setStage({
    name: 'demo',
    env: { ADMIN_TOKEN: adminToken },
    log: (folder) => destination({ dest: fileIn(folder), sync: true }),
  });
  const { config, url, folder } = stage;
  return {
    ...stage,
    adminToken,
    logFile: fileIn(folder),
    // At its end the demo runs the doctor itself.
    doctor: (io) =>
      examineAccount(config, { routes: config.routesDir, url }, { ...io, isTTY: false }),
  };
}
