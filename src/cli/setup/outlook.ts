/** After a set-up: the lines for `.env`, and the result of `referee doctor` with these settings. */

import type { AccountClient } from '../../telnyx/account/client.ts';
import { type DoctorReport, examineAccount, reportText } from '../doctor.ts';
import type { AccountConfig } from '../sources/account-config.ts';
import type { Io } from '../terminal/io.ts';
import { colours } from '../terminal/terminal.ts';

export interface SetupOutlook {
  /** Values by the name of the variable. */
  env: Record<string, string>;
  doctor: DoctorReport;
  text: string;
}

export async function afterSetup(
  applicationId: string,
  {
    client,
    config,
    options,
    io,
  }: {
    client: AccountClient;
    config: AccountConfig;
    options: { url?: string; json?: boolean };
    io: Io;
  },
): Promise<SetupOutlook> {
  const key = await client.publicKey();
  const own = config.ownKey ? config.publicKeys.map((one) => one.toString('base64')) : [];
  // Existing keys are kept, because a rotation may be in progress.
  const keys = key.end === 'value' ? [...new Set([key.value, ...own])] : own;
  const ids = [...new Set([...(config.connectionIds ?? []), applicationId])];
  const env = {
    ...(keys.length === 0 ? {} : { TELNYX_PUBLIC_KEY: keys.join(',') }),
    TELNYX_CONNECTION_IDS: ids.join(','),
  };
  const then: AccountConfig = {
    ...config,
    ownKey: keys.length > 0,
    publicKeys: keys.map((one) => Buffer.from(one, 'base64')),
    connectionIds: new Set(ids),
  };
  const { url, json } = options;
  const asked = { ...(url === undefined ? {} : { url }), json: json === true };
  const doctor = await examineAccount(then, asked, io);
  const { bold, yellow } = colours(io);
  const missing =
    keys.length > 0
      ? ''
      : `${yellow('TELNYX_PUBLIC_KEY could not be read')}: copy it from the Telnyx portal under API keys, Public key.\n`;
  const lines = Object.entries(env).map(([name, value]) => `${name}=${value}\n`);
  const heading = bold('referee doctor, with the lines for .env below:');
  const text = `\n${heading}\n${reportText(doctor.checks, io)}\n${bold('Lines for .env:')}\n${lines.join('')}${missing}`;
  return { env, doctor, text };
}
