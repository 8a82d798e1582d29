/**
 * Plays calls to this process before callers come: V8 has compiled nothing yet, and while it does,
 * webhooks queue (docs/decisions/warm-up.md). The calls go through a second server with its own
 * database, and to the Telnyx simulator, so they leave nothing behind.
 */
import { once } from 'node:events';
import type { Config } from '../../config/config.ts';
import type { Log } from '../../log/log.ts';
import { scriptNamed } from '../../simulator/scripts.ts';
import { type Stage, setStage } from './stage.ts';

const CALLS_AT_A_TIME = 4;
/** Rings and pauses are over in a millisecond. */
const TIME_SCALE = 0.001;

/** Never rejects. Ends early when the signal is aborted. */
export async function warmUp(config: Config, log: Log, signal: AbortSignal): Promise<void> {
  const startedAt = performance.now();
  try {
    const stage = await setStage({
      name: 'warm-up',
      env: {
        SIGNATURE_ENGINE: config.signatureEngine,
        LOG_LEVEL: config.logLevel,
        LOG_NUMBERS: config.logNumbers,
        // Nobody is left to wait for.
        SHUTDOWN_TIMEOUT_SECS: '2',
      },
      timeScale: TIME_SCALE,
      log: () => ({ write() {} }),
    });
    const calls = await play(stage, config.warmUpCalls, signal).finally(() => stage.close(false));
    log.emit('server.warm', { calls, ms: Math.round(performance.now() - startedAt) });
  } catch (error) {
    log.emit('server.not_warm', { err: error });
  }
}

/** Resolves with the number of calls that were played to their end. */
async function play({ simulator }: Stage, calls: number, ending: AbortSignal): Promise<number> {
  const script = scriptNamed('straight-through')?.script;
  const ended = ending.aborted ? Promise.resolve() : once(ending, 'abort');
  let begun = 0;
  let played = 0;
  const oneAfterTheOther = async () => {
    while (begun < calls && !ending.aborted) {
      begun += 1;
      await Promise.race([simulator.placeCall(script).ended, ended]);
      if (!ending.aborted) played += 1;
    }
  };
  await Promise.all(Array.from({ length: CALLS_AT_A_TIME }, oneAfterTheOther));
  return played;
}
