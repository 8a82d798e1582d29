/**
 * A stand-in for Telnyx and the real server, shared by all tests of a file; both are checked at the
 * end.
 */
import { expect } from 'vitest';
import { differencesIn } from '../helpers/recorded.ts';
import { Referee } from '../helpers/referee-process.ts';
import { TelnyxStandIn } from '../helpers/telnyx-stand-in.ts';

const opened: Scene[] = [];

export interface Scene {
  telnyx: TelnyxStandIn;
  referee: Referee;
}

export async function openScene(env: Record<string, string> = {}): Promise<Scene> {
  const telnyx = await new TelnyxStandIn().start();
  const referee = await Referee.create(telnyx, env);
  const scene = { telnyx, referee };
  opened.push(scene);
  await referee.start();
  return scene;
}

/** Played when the first test asks for it, and for all that do. */
export function shared<T>(play: () => Promise<T>): () => Promise<T> {
  let played: Promise<T> | null = null;
  return () => {
    played ??= play();
    return played;
  };
}

/** Differences between stored calls and the replay of their recorded events. Ends the servers. */
export async function recordedDifferences(): Promise<string[]> {
  const found: string[] = [];
  for (const { referee } of opened) {
    await referee.kill();
    found.push(...(await differencesIn(referee.databaseUrl)));
  }
  return found;
}

/** After each file: see vitest.config.ts. */
export async function endScenes(): Promise<void> {
  const leaks: string[] = [];
  const ended = opened.splice(0);
  // All of them are ended before any failure is thrown, because the rest would keep running.
  for (const { telnyx, referee } of ended) {
    leaks.push(...(await referee.finish()));
    await telnyx.stop();
  }
  const problems = ended.flatMap(({ telnyx }) => telnyx.problems);
  expect(problems, 'every command is as Telnyx documents it').toEqual([]);
  expect(leaks, 'no secret and no full number was written').toEqual([]);
}
