/**
 * One browser for a file, and one window for the cases of a server: another window costs two
 * seconds of CPU, because it starts processes and compiles the page again. Each case begins at the
 * overview, as if somebody had clicked on it. The window of a case that failed is not used again.
 */
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, afterEach, expect } from 'vitest';
import { openPage, signIn, startBrowser, VIEWPORT, type Watched } from './browser.ts';
import { TOKEN } from './stage.ts';

export interface SharedWindow {
  /** The overview or another place, with the administrator or somebody else signed in. */
  signedIn(place?: string, token?: string): Promise<Watched>;
  /** The page as it is loaded where nobody is signed in. */
  signedOut(): Promise<Watched>;
}

/** Started by the first case that asks, closed after the last one of the file. */
export function sharedBrowser(): () => Promise<Browser> {
  let started: Promise<Browser> | null = null;
  afterAll(async () => (await started)?.close());
  return () => {
    started ??= startBrowser();
    return started;
  };
}

/** No case may log an error, request what the policy refuses, or request anything elsewhere. */
export function watchedWindows(browser: () => Promise<Browser>) {
  const opened = new Set<Watched>();
  const kept = new Set<Watched>();

  afterEach(async ({ task }) => {
    const wrongs = [...opened].flatMap((watched) => watched.wrongs.splice(0));
    const failed = task.result?.state === 'fail' || wrongs.length > 0;
    for (const watched of opened) {
      if (kept.has(watched) && !failed) await watched.page.unrouteAll();
      else await close(watched);
    }
    expect(wrongs).toEqual([]);
  });

  async function close(watched: Watched): Promise<void> {
    opened.delete(watched);
    kept.delete(watched);
    await watched.close();
  }

  async function open(url: string, options?: BrowserContextOptions): Promise<Watched> {
    const watched = await openPage(await browser(), url, options);
    opened.add(watched);
    return watched;
  }

  /** Inside of a describe: the window of all its cases. */
  function share(urlOf: () => string): SharedWindow {
    let last: Watched | null = null;
    let person = TOKEN;

    afterAll(async () => {
      if (last !== null && kept.has(last)) await close(last);
    });

    async function window(): Promise<Watched> {
      if (last === null || !kept.has(last)) {
        last = await open(urlOf());
        kept.add(last);
      }
      await last.page.setViewportSize(VIEWPORT);
      await last.page.evaluate('shortenPauses(false)');
      return last;
    }

    async function signedOut(): Promise<Watched> {
      const watched = await window();
      const { page } = watched;
      await page.context().clearCookies();
      await page.evaluate("localStorage.clear(); history.replaceState(null, '', '/')");
      await page.reload();
      return watched;
    }

    async function signedIn(place = '#/', token = TOKEN): Promise<Watched> {
      const watched = token === person ? await window() : await signedOut();
      person = token;
      const { page } = watched;
      await page.goto(`${urlOf()}/${place}`);
      await page.locator('.connection, [name=token]').first().waitFor();
      if ((await page.locator('.connection').count()) === 0) await signIn(page, token);
      await page.getByText('Live', { exact: true }).waitFor();
      return watched;
    }

    return { signedIn, signedOut };
  }

  return { open, share };
}
