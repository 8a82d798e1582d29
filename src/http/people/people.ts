/**
 * Everybody who has a token: ADMIN_TOKEN and those of TOKENS_FILE, which is read again when it
 * changes. If the new file is invalid, the people known before stay, and a problem is shown.
 */
import { timingSafeEqual } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { InvalidConfiguration } from '../../errors.ts';
import type { Log } from '../../log/log.ts';
import type { Trouble } from '../../log/troubles.ts';
import type { Problem } from '../../routing/problem.ts';
import { ADMIN_NAME, digestOf, type Person } from './person.ts';
import { readTokenFile } from './token-file.ts';

const LOOK_EVERY_MS = 5_000;

export interface People {
  /** Takes the same time for every token. */
  withToken(token: string): Person | null;
  named(name: string): Person | null;
  /** Reads the file again if it changed; never rejects. */
  look(): Promise<void>;
  troubles(): Trouble[];
  stop(): void;
}

export interface PeopleOptions {
  adminToken: string | null;
  file: string | null;
  log: Log;
  now: () => number;
}

/**
 * Rejects with InvalidConfiguration if the file is invalid, so that nobody is missing unnoticed.
 */
export async function openPeople(options: PeopleOptions): Promise<People> {
  const { file, log, now } = options;
  const admin = adminOf(options.adminToken);
  let people = admin;
  let seen = '';
  let refused: { detail: string; at: number } | null = null;
  if (file !== null) {
    try {
      await read(file);
    } catch (error) {
      throw new InvalidConfiguration('TOKENS_FILE cannot be used', wordsOf(error));
    }
  }
  const timer = file === null ? undefined : setInterval(() => void look(), LOOK_EVERY_MS).unref();

  async function read(path: string): Promise<void> {
    const status = await stat(path);
    // A named pipe would be waited for, and a device may have no end.
    if (!status.isFile()) throw new Error(`${path} is not a file`);
    const { ino, mtimeMs, size } = status;
    const state = `${ino} ${mtimeMs} ${size}`;
    if (state === seen) return;
    const found = readTokenFile(path, await readFile(path));
    seen = state;
    if (!found.ok) throw new BadTokens(found.problems.map(inWords));
    people = [...admin, ...found.people];
    log.emit('tokens.loaded', { file: path, count: found.people.length });
    refused = null;
  }

  async function look(): Promise<void> {
    if (file === null) return;
    try {
      await read(file);
    } catch (error) {
      const detail = wordsOf(error).join('; ');
      if (!(error instanceof BadTokens)) seen = '';
      if (detail === refused?.detail) return;
      refused = { detail, at: now() };
      log.emit('tokens.refused', { file, detail });
    }
  }

  return {
    ...findIn(() => people),
    look,
    troubles: () => (refused === null ? [] : [troubleOf(refused)]),
    stop: () => clearInterval(timer),
  };
}

/** Only the holder of ADMIN_TOKEN. */
export function onlyAdmin(adminToken: string | null): People {
  const people = adminOf(adminToken);
  return { ...findIn(() => people), look: async () => {}, troubles: () => [], stop: () => {} };
}

function adminOf(token: string | null): Person[] {
  return token === null ? [] : [{ name: ADMIN_NAME, role: 'admin', digest: digestOf(token) }];
}

function findIn(people: () => readonly Person[]): Pick<People, 'withToken' | 'named'> {
  return {
    withToken(token) {
      const digest = digestOf(token);
      let found: Person | null = null;
      // Compares with all of them, so that the time says nothing about who matches.
      for (const person of people()) if (timingSafeEqual(person.digest, digest)) found = person;
      return found;
    },
    named: (name) => people().find((person) => person.name === name) ?? null,
  };
}

class BadTokens extends Error {
  readonly problems: string[];

  constructor(problems: string[]) {
    super(problems.join('; '));
    this.problems = problems;
  }
}

function inWords({ file, line, column, message, hint }: Problem): string {
  return `${file}:${line}:${column}: ${message}${hint === '' ? '' : `; ${hint}`}`;
}

function wordsOf(error: unknown): string[] {
  if (error instanceof BadTokens) return error.problems;
  const words = error instanceof Error ? error.message : String(error);
  return [`${words}. Make it a readable file, or leave TOKENS_FILE unset.`];
}

function troubleOf({ detail, at }: { detail: string; at: number }): Trouble {
  return {
    kind: 'tokens.refused',
    severity: 'error',
    title: 'The file of tokens is invalid; the tokens from before are still valid',
    detail,
    fix: 'Correct TOKENS_FILE; it is read again within five seconds.',
    count: 1,
    firstAt: at,
    lastAt: at,
    target: null,
  };
}
