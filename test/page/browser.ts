/**
 * A real Chromium, driven through playwright-core. Each start gets a new, empty profile, which
 * Playwright removes. Errors in the console, violations of the content security policy and requests
 * to other origins are collected, and no test may cause any.
 */
import { existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { PATIENCE_MS } from '../helpers/patience.ts';
import { TOKEN } from './stage.ts';

export const CHROMIUM_PATH =
  [
    process.env.CHROMIUM_PATH,
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
  ].find((path) => path !== undefined && path !== '' && existsSync(path)) ?? null;

export const NO_CHROMIUM =
  'There is no Chromium: set CHROMIUM_PATH, or install one (apt-get install chromium, or .ci/chromium).';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const FRAME_MS = 5_000;

const HOURS_AHEAD = 12 - new Date().getUTCHours();
/** Of a window: where it is about noon, so that no case meets midnight. "Etc/GMT-1" is UTC+1. */
export const ZONE =
  HOURS_AHEAD === 0 ? 'UTC' : `Etc/GMT${HOURS_AHEAD > 0 ? '-' : '+'}${Math.abs(HOURS_AHEAD)}`;
/** The beginning of a day (yyyy-mm-dd) there, as ISO 8601. */
export function midnight(day: string): string {
  return new Date(Date.parse(day) - HOURS_AHEAD * 60 * 60_000).toISOString();
}

/** Of a window, unless a case says otherwise. */
export const VIEWPORT = { width: 1280, height: 900 };

/**
 * Run in the browser before the page: keeps the timers after which the page asks the server again,
 * so that a case can shorten them.
 */
const PAUSES = `{
  const { setTimeout: later, clearTimeout: forget } = window;
  const pauses = new Map();
  let short = false;
  window.setTimeout = (act, ms, ...given) => {
    const isPause = ms >= 500 && ms <= 8_000;
    const id = later(() => {
      pauses.delete(id);
      act(...given);
    }, short && isPause ? 100 : ms);
    if (isPause) pauses.set(id, () => act(...given));
    return id;
  };
  window.clearTimeout = (id) => {
    pauses.delete(id);
    forget(id);
  };
  window.shortenPauses = (wanted) => {
    short = wanted;
    for (const [id, act] of short ? [...pauses] : []) {
      window.clearTimeout(id);
      act();
    }
  };
}`;

export async function startBrowser(): Promise<Browser> {
  if (CHROMIUM_PATH === null) throw new Error(NO_CHROMIUM);
  return chromium.launch({ executablePath: CHROMIUM_PATH, args: FLAGS });
}

export interface Watched {
  page: Page;
  /** Console errors, exceptions, policy violations and requests to other origins, one line each. */
  wrongs: string[];
  close(): Promise<void>;
}

export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Watched> {
  const context = await browser.newContext({
    viewport: VIEWPORT,
    timezoneId: ZONE,
    locale: 'en-GB',
    ...options,
  });
  await context.addInitScript(PAUSES);
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const wrongs: string[] = [];
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    // Chromium itself logs every refusal by the API; the page shows them as text.
    const refusal = /status of 4(00|01|03|09|22) /.test(message.text());
    if (!(refusal && message.location().url.startsWith(`${url}/v1/`))) wrongs.push(message.text());
  });
  page.on('pageerror', (error) => wrongs.push(String(error)));
  page.on('request', (request) => {
    const asked = request.url();
    if (!asked.startsWith(`${url}/`) && !asked.startsWith('data:'))
      wrongs.push(`elsewhere: ${asked}`);
    if (asked.includes('token')) wrongs.push(`token in an address: ${asked}`);
  });
  await page.goto(`${url}/`);
  return { page, wrongs, close: () => context.close() };
}

/** For the report of a failed test: what the page shows, and whether it still draws. */
export async function sightOf({ page, wrongs }: Watched): Promise<string> {
  const frame = page.evaluate('new Promise((drawn) => requestAnimationFrame(() => drawn("yes")))');
  const [text, draws] = await Promise.all([
    page.evaluate('document.body.innerText.slice(0, 1000)').catch(String),
    Promise.race([frame.catch(String), setTimeout(FRAME_MS, 'no')]),
  ]);
  return `${page.url()}, draws: ${draws}, wrong: ${JSON.stringify(wrongs)}\n${text}`;
}

/**
 * Until the page is loaded again or a case ends, it asks the server again ten times a second. For
 * cases in which something must be seen at the next time, however long the pause is.
 */
export async function shortenPauses(page: Page): Promise<void> {
  await page.evaluate('shortenPauses(true)');
}

export async function signIn(page: Page, token = TOKEN): Promise<void> {
  await page.getByLabel('Token').fill(token);
  await page.keyboard.press('Enter');
}
