/** What the page shows stays true: after a lost answer, beside a wrong clock, and when rounded. */
import { expect, test } from 'vitest';
import { shortenPauses, signIn, type Watched } from './browser.ts';
import { type PageStage, TOKEN } from './stage.ts';
import type { SharedWindow } from './window.ts';

/** Cases for a stage on which some calls of the rule "support" have ended, and none is live. */
export function trueNumbers(stageOf: () => PageStage, { signedIn }: SharedWindow): void {
  /** Calls a function of a module of the page, with the arguments given as JavaScript. */
  const called = (page: Watched['page'], module: string, call: string): Promise<unknown> =>
    page.evaluate(`import('/assets/page/${module}.js').then((module) => module.${call})`);

  test('0 % and 100 % stand only for none and all', async () => {
    const { page } = await signedIn();
    const shown = [0, 0.004, 0.5, 0.996, 1].map((rate) =>
      called(page, 'words/percent', `percentOf(${rate})`),
    );
    expect(await Promise.all(shown)).toEqual(['0 %', '< 1 %', '50 %', '> 99 %', '100 %']);
  });

  test('live calls that could not be read are read again, and the error goes', async () => {
    const { page } = await signedIn('#/reports');
    const refusal = { status: 422, json: { detail: 'Not now.' } };
    await page.route('**/v1/calls?phase=*', (route) => route.fulfill(refusal));
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByRole('alert').getByText('Not now.').waitFor();
    await page.unroute('**/v1/calls?phase=*');
    await shortenPauses(page);
    await expect.poll(() => page.getByRole('alert').count()).toBe(0);
    await page.getByText('No live calls. The next one appears here automatically.').waitFor();
  });

  test('a call that ends while the list is read is not shown as live', async () => {
    const { page } = await signedIn('#/calls');
    const call = stageOf().simulator.placeCall({ from: '+353861110021', to: '+14155550111' });
    const row = page.locator(`tr[data-call="${call.callControlId}"]`);
    await page.getByRole('button', { name: '1 newer: reload' }).waitFor();
    const held = Promise.withResolvers<void>();
    const answered = Promise.withResolvers<void>();
    await page.route('**/v1/calls?*', async (route) => {
      const response = await route.fetch();
      answered.resolve();
      await held.promise;
      await route.fulfill({ response });
    });
    await page.getByRole('button', { name: '1 newer: reload' }).click();
    await answered.promise;
    call.hangUp();
    await call.ended;
    const changed = async () => {
      const headers = { authorization: `Bearer ${TOKEN}` };
      const found = await fetch(`${stageOf().url}/v1/calls/${call.callControlId}`, { headers });
      return ((await found.json()) as { phase: string }).phase;
    };
    await expect.poll(changed).toBe('ended');
    // The stream looks every half second.
    await page.waitForTimeout(1_200);
    held.resolve();
    await row.waitFor();
    expect(await row.locator('.dot').getAttribute('title')).toBe('not ours');
  });

  test('under a filter the page does not say how many newer calls there are', async () => {
    const { page } = await signedIn('#/calls?rule=support');
    await page.locator('table.calls tbody tr').first().waitFor();
    const call = stageOf().simulator.placeCall({ from: '+353861110022', to: '+14155550111' });
    await page.getByRole('button', { name: 'Others came: reload' }).waitFor();
    call.hangUp();
    await call.ended;
  });

  test('older activity is that of the same person', async () => {
    const { page } = await signedIn('#/activity?who=admin');
    const row = { when: new Date().toISOString(), who: 'admin', role: 'admin', what: 'reload' };
    const audit = [{ ...row, id: 1, to: null, reason: null, from: null, result: 'ok', detail: {} }];
    await page.route('**/v1/audit?*', (route) => route.fulfill({ json: { audit, next: 'x' } }));
    await page.getByRole('button', { name: 'Show' }).click();
    await page.reload();
    const older = await page.getByRole('link', { name: 'Older' }).getAttribute('href');
    expect(older).toBe('#/activity?who=admin&cursor=x');
  });

  test('a list that is empty does not say that there never was anything', async () => {
    const { page } = await signedIn();
    const lists = { calls: { calls: [], next: null }, audit: { audit: [], next: null } };
    for (const [name, json] of Object.entries(lists)) {
      await page.route(`**/v1/${name}?*`, (route) => route.fulfill({ json }));
    }
    for (const view of ['calls', 'activity']) {
      await page.goto(`${stageOf().url}/#/${view}`);
      await page.getByText(/There are no .* are removed .* RETENTION_DAYS/).waitFor();
      expect(await page.locator('main').innerText()).not.toMatch(/\byet\b|Nobody/);
    }
  });

  test('an answer that never comes holds nothing up for ever, and a broken one is an error', async () => {
    const { page } = await signedIn('#/reports');
    await page.evaluate(`{
      const { timeout } = AbortSignal;
      AbortSignal.timeout = (ms) => timeout.call(AbortSignal, Math.min(ms, 1_000));
      window.bePatient = () => {
        AbortSignal.timeout = timeout;
      };
    }`);
    // Not by the number of the request: the stream's hello may come late and make the page ask again.
    let answer: 'none' | 'broken' | 'good' = 'none';
    await page.route('**/v1/problems', (route) => {
      if (answer === 'broken') return route.fulfill({ body: '{"problems":' });
      return answer === 'none' ? undefined : route.continue();
    });
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByText('The server cannot be reached. Retrying.').waitFor();
    // On a busy machine the other answers take more than a second as well.
    await page.evaluate('bePatient()');
    answer = 'broken';
    await shortenPauses(page);
    await page.getByText("The server's answer could not be read. Retrying.").waitFor();
    answer = 'good';
    await expect.poll(() => page.getByRole('alert').count()).toBe(0);
    await page.reload();
  });

  test('that nobody else may follow is not said to be a lost connection', async () => {
    const { page } = await signedIn('#/reports');
    const refusal = { status: 422, json: { detail: 'No.', reason: 'too_many_streams' } };
    await page.route('**/v1/events', (route) => route.fulfill(refusal));
    await page.reload();
    await page.getByText('Not live: too many pages are open').waitFor();
    await page.unroute('**/v1/events');
    await shortenPauses(page);
    await page.getByText('Live', { exact: true }).waitFor();
  });

  test('a long name leaves the numbers beside it in sight, and no number is broken', async () => {
    const { page } = await signedIn('#/reports');
    await page.setViewportSize({ width: 360, height: 740 });
    const table = `Promise.all(
      ['/assets/page/reports/losses.js', '/assets/lit-html/lit-html.js'].map((path) => import(path)),
    ).then(([{ lossTable }, { render }]) => {
      const outcomes = { reached: 375, not_reached: 126, gave_up: 0, unsure: 0, turned_away: 0 };
      const row = { calls: 501, before: { calls: 50, outcomes }, outcomes, costs: [] };
      const rows = [
        { ...row, key: '+14155550100', label: 'Bestellannahme-und-Reklamationsabteilung' },
        { ...row, key: '+353861234567', label: '+353861234567' },
      ];
      const place = document.createElement('section');
      place.className = 'panel';
      document.querySelector('main').append(place);
      render(lossTable('number', { rows, compare: 'week', from: '', to: '' }), place);
      const { scrollWidth, clientWidth } = place.querySelector('.scroll');
      const lines = [...place.querySelectorAll('th a')].map((a) => a.getClientRects().length);
      place.remove();
      return { hidden: scrollWidth - clientWidth, lines };
    })`;
    expect(await page.evaluate(table)).toEqual({ hidden: 0, lines: [expect.any(Number), 1] });
  });

  test('a session that ends is said, however many answers say so at once', async () => {
    const { page } = await signedIn('#/reports');
    const over = { status: 401, json: { detail: 'The session is over. Sign in again.' } };
    let answers = 0;
    await page.route('**/v1/**', async (route) => {
      await route.fulfill(over);
      answers += 1;
    });
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByLabel('Token').waitFor();
    // The overview asks many things at once.
    await expect.poll(() => answers).toBeGreaterThan(10);
    expect(await page.getByRole('alert').innerText()).toBe('The session is over. Sign in again.');
    await page.unroute('**/v1/**');
    await signIn(page);
    await page.getByText('Live', { exact: true }).waitFor();
  });

  test('a session goes on by itself once the server can be asked again', async () => {
    const { page } = await signedIn('#/reports');
    const refusal = { status: 422, json: { detail: 'Not ready yet.' } };
    await page.route('**/v1/session', (route) => route.fulfill(refusal));
    await page.reload();
    await page.getByText('Not ready yet.').waitFor();
    await page.unroute('**/v1/session');
    await page.getByText('Live', { exact: true }).waitFor();
  });

  test('what is asked once and got no answer is not said to be tried again', async () => {
    const { page } = await signedIn('#/reports');
    await page.evaluate(`window.fetch = async () => { throw new TypeError('away'); }`);
    const said = (call: string) =>
      called(page, 'server/api', `${call}.catch((error) => error.message)`);
    expect(await said(`postJson('/v1/switches/x', {})`)).toMatch(/unknown whether this was done/);
    expect(await said(`getJson('/v1/calls')`)).toBe('The server cannot be reached. Retrying.');
    await page.reload();
  });

  test('a laptop whose clock is wrong counts from the time of the server', async () => {
    const { page } = await signedIn('#/reports');
    const ages = async (aheadMs: number) => {
      await page.route('**/v1/session', async (route) => {
        const response = await route.fetch();
        const date = new Date(Date.now() + aheadMs).toUTCString();
        await route.fulfill({ response, headers: { ...response.headers(), date } });
      });
      await called(page, 'server/api', `getJson('/v1/session')`);
      await page.unroute('**/v1/session');
      const from = new Date(Date.now() + aheadMs - 90_000).toISOString();
      return called(page, 'words/words', `age('${from}', null)`);
    };
    expect(await ages(600_000)).toMatch(/^1 min (29|30|31) s$/);
    expect(await ages(-600_000)).toMatch(/^1 min (29|30|31) s$/);
    expect(await ages(0)).toMatch(/^1 min (29|30|31) s$/);
    // An answer that took long is no sign of a wrong clock.
    const slow = `readServerTime(new Response('', { headers: { date: '${new Date(Date.now() - 20_000).toUTCString()}' } }), ${Date.now() - 30_000})`;
    await called(page, 'server/server-time', slow);
    const off = Number(await called(page, 'server/server-time', 'now()')) - Date.now();
    expect(Math.abs(off)).toBeLessThan(2_000);
  });
}
