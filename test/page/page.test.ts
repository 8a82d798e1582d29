/** The operator's page in a real Chromium, on the whole service with the Telnyx simulator. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHROMIUM_PATH, NO_CHROMIUM, shortenPauses, signIn, type Watched } from './browser.ts';
import { NASTY, type PageStage, ROUTES, setPageStage, TOKEN } from './stage.ts';
import { sharedBrowser, watchedWindows } from './window.ts';

const required = process.env.CHROMIUM_REQUIRED === 'true';
if (CHROMIUM_PATH === null && !required) console.warn(`The page is not tested. ${NO_CHROMIUM}`);

const windows = watchedWindows(sharedBrowser());

/**
 * If Chromium is required (.ci/run), its absence fails; otherwise the tests are skipped with a
 * message.
 */
describe.skipIf(CHROMIUM_PATH === null && !required)('the page', () => {
  let stage: PageStage;
  const { signedIn, signedOut } = windows.share(() => stage.url);

  beforeAll(async () => {
    stage = await setPageStage({ calls: 1_000 });
  });
  afterAll(async () => {
    await stage?.close();
  });

  test('a wrong token is said in words and costs nothing else', async () => {
    const { page } = await signedOut();
    await page.getByLabel('Token').fill('not-the-token-of-this-server');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('This token is unknown').waitFor();
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
  });

  test('a second tab is signed in too, until somebody signs out; then neither is', async () => {
    const { page } = await signedIn();
    const second = await page.context().newPage();
    await second.goto(`${stage.url}/#/activity`);
    await second.getByText('signed in').first().waitFor();
    expect(await second.evaluate('document.cookie')).toBe('');
    await second.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token').waitFor();
    await second.close();
  });

  test('a call is hung up for a reason, which stands in the activity', async () => {
    const { page } = await signedIn();
    const call = stage.simulator.placeCall({ from: '+353861110009', to: '+14155550111' });
    await page.locator(`tr[data-call="${call.callControlId}"] a.open`).first().click();
    await page.getByRole('button', { name: 'Hang up…' }).click();
    await page.getByLabel('Reason').fill('a test of ours');
    await page.getByRole('button', { name: 'Hang up', exact: true }).click();
    await page.locator('.story').getByText('An operator hangs up the call').waitFor();
    await call.ended;
    await page.getByRole('link', { name: 'Activity' }).click();
    await page.getByRole('cell', { name: 'a test of ours' }).waitFor();
  });

  test('a call appears as it comes, moves, and says how it ended, without a reload', async () => {
    const { page } = await signedIn();
    const call = stage.simulator.placeCall({
      from: '+353861110001',
      to: '+14155550100',
      refers: [
        { result: 'busy', ringMs: 2_000 },
        { result: 'completed', ringMs: 2_000, progress: [180] },
      ],
    });
    const row = page.locator(`tr[data-call="${call.callControlId}"]`);
    await row.getByText('Calling support-us.').waitFor();
    await row.getByText('+353861110001').waitFor();
    await row.getByText('Ringing at support-eu: support-us was busy.').waitFor();
    await row.getByText(/^Reached support-eu after [\d.]+ s: support-us was busy\.$/).waitFor();
    await call.ended;
  });

  test('problems stand first, a line each, and what to do is a click away', async () => {
    await fetch(`${stage.url}/webhooks/telnyx`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    const { page } = await signedIn();
    const problems = page.locator('.problem');
    const failing = problems.filter({
      hasText: 'attempts at night-desk in the last hour completed',
    });
    await failing.locator('summary').click();
    await failing.getByText('What to do').waitFor();
    // It affects no caller, whoever sends it, so it is not listed with the others.
    await page.getByText(/did not come from Telnyx (was|were) refused/).click();
    await page.getByText('signature_missing').first().waitFor();
    expect(await problems.filter({ hasText: 'signature_missing' }).count()).toBe(0);
    expect(await page.getByRole('heading', { level: 2 }).first().innerText()).toBe('Problems');
  });

  test('one call shows why it went where it went, each command with its outcome, and its story', async () => {
    const call = stage.simulator.placeCall({
      from: '+353861110002',
      to: '+14155550100',
      refers: ['not_allowed', { result: 'completed', ringMs: 20_000 }],
    });
    const { page } = await signedIn();
    await page.locator(`tr[data-call="${call.callControlId}"] a.open`).click();
    await page.getByRole('heading', { level: 1, name: '+353861110002' }).waitFor();
    const why = page.getByRole('region', { name: 'Why' });
    await why.getByText('to: +14155550100 is +14155550100').first().waitFor();
    await why.getByText('The 2 rules that were tried').click();
    await why.getByText('from: +353861110002 does not match +1900*').waitFor();
    const story = page.getByRole('region', { name: 'What happened' });
    await story.getByText('support-us was refused as a destination').waitFor();
    await story.getByText('we move the caller to support-eu').waitFor();
    expect(await page.locator('.call-head .marks').innerText()).toMatch(/\nlive; +came/);
    const repair = page.getByText('use a transfer step instead of refer');
    expect(await repair.isVisible()).toBe(false);
    await story.getByRole('button', { name: 'SIP' }).click();
    await story.getByText('The caller did not arrive').waitFor();
    // The phase is what the call's colour stands for, so it is not said a second time.
    expect(await page.locator('.call-head .marks').innerText()).toMatch(/\nreferring; +came/);
    await story
      .locator('.command', { hasText: 'refer support-us' })
      .getByText('accepted 200')
      .waitFor();
    expect(await story.locator('.lanes span').allInnerTexts()).toEqual([
      'Caller',
      'Telnyx',
      'Referee',
      'support-us',
      'support-eu',
    ]);
    const attempts = page.getByRole('region', { name: 'Attempts' });
    await attempts.getByText("The caller's side does not allow REFER.").waitFor();
    await attempts.getByText('use a transfer step instead of refer').waitFor();
    call.hangUp();
    await page.locator('.call-head').getByText('unconfirmed').waitFor();
    const again = page.getByRole('region', { name: 'Under the live routes' });
    await again.getByRole('button', { name: 'Decide it again' }).click();
    await again.getByText('Nothing would change for this caller.').waitFor();
    await again.getByRole('heading', { name: 'Now: support' }).waitFor();
  });

  test('a caller is referred manually, and the policy refuses with a reason', async () => {
    const call = stage.simulator.placeCall({
      from: '+353861110003',
      to: '+14155550111',
      refers: [{ result: 'completed', ringMs: 20_000 }],
    });
    const { page } = await signedIn();
    await page.locator(`tr[data-call="${call.callControlId}"] a.open`).click();
    const form = page.getByRole('region', { name: 'Manual refer' });
    await form.getByLabel('SIP address', { exact: true }).fill('sip:someone@elsewhere.example.net');
    await form.getByRole('button', { name: 'Refer the caller' }).click();
    await form.getByRole('alert').getByText('elsewhere.example.net').waitFor();

    await form.getByLabel('A target').check();
    await form.getByLabel('Target', { exact: true }).selectOption('sales');
    await form.getByRole('button', { name: 'Refer the caller' }).click();
    await form.getByText('Accepted: refer sales').waitFor();
    await page.getByRole('region', { name: 'Attempts' }).getByText('manual').waitFor();

    // While the API would refuse it, it is not offered.
    await form.getByText('The call is already being moved.').waitFor();
    expect(await form.getByRole('button').count()).toBe(0);
    call.hangUp();
    await call.ended;
  });

  test('the box answers where a call would go, and why', async () => {
    const { page } = await signedIn();
    await page.getByRole('link', { name: 'Explain' }).click();
    await page.getByLabel('From').fill('+353 86 111 0004');
    await page.getByLabel('To', { exact: true }).fill('+14155550130');
    await page.getByLabel('Verdict of each target').fill('night-desk: busy');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByRole('heading', { name: 'Rule night desk' }).waitFor();
    expect(await page.locator('.path li').allInnerTexts()).toEqual([
      'answer',
      'refer night-desk',
      'refer support-eu',
    ]);
    await page.getByText('to: +14155550130 is not +14155550100').waitFor();
  });

  test('explain knows which targets rest, and asks lookups as it is told', async () => {
    const { page } = await signedIn('#/explain');
    const rest = (on: boolean | null) =>
      fetch(`${stage.url}/v1/targets/night-desk/rest`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
        body: JSON.stringify(on === null ? { on } : { on, reason: 'moving house' }),
      });
    expect((await rest(true)).status).toBe(200);
    await page.getByLabel('From').fill('+353861110004');
    await page.getByLabel('To', { exact: true }).fill('+14155550130');
    // The form still has what an earlier test asked.
    await page.getByLabel('Verdict of each target').fill('');
    await page.getByRole('button', { name: 'Explain' }).click();
    const skipped = page.getByRole('row', { name: 'night-desk' });
    await skipped.getByText('skipped').waitFor();
    await skipped.getByText('(moving house)').waitFor();
    await page.getByRole('row', { name: 'support-eu' }).getByText('completed').waitFor();
    expect((await rest(null)).status).toBe(200);

    await page.getByLabel('To', { exact: true }).fill('+14155550180');
    await page.getByText('More about the call').click();
    await page.getByLabel('Answers of lookups').fill('crm.tier: gold');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByRole('heading', { name: 'Rule gold' }).waitFor();
    await page.getByLabel('Switches').fill('annex: off');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByText('No switch is called "annex"').waitFor();
  });

  test('explain does not name otherwise where nothing runs, and says who follows the next routes', async () => {
    const { page } = await signedIn('#/explain');
    const answers = (json: object) =>
      page.route('**/v1/routes/explain', (route) => route.fulfill({ json }), { times: 1 });
    const left = { rule: null, path: [], attempts: [], ends: null, trace: [] };
    await answers({ ...left, follows_next: true });
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByRole('heading', { name: 'No rule matches', exact: true }).waitFor();
    await page.getByText('Calls of this caller follow the next routes at present.').waitFor();
    await answers({ ...left, path: ['reject declined'], ends: 'rejected' });
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByRole('heading', { name: 'No rule matches: otherwise' }).waitFor();
    expect(await page.getByText('follow the next routes').count()).toBe(0);
  });

  test('a schedule is forced and given back; a refused reload is shown with its line', async () => {
    const { page } = await signedIn();
    await page.getByRole('link', { name: 'Routes' }).click();
    const close = page.getByRole('button', { name: 'Close for 1 h' });
    await close.focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Close office' });
    await dialog.getByText('where the rules send them while office is closed').waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    expect(await focused(page)).toBe('Close for 1 h…');
    expect((await overrideOf('office')).override).toBeNull();

    const before = Date.now();
    await page.keyboard.press('Enter');
    await page.keyboard.type('power cut');
    await page.keyboard.press('Enter');
    await page.getByText(/office is forced closed until/).waitFor();
    const { now, override } = await overrideOf('office');
    expect(override).toMatchObject({ open: false, reason: 'power cut' });
    const forMs = Date.parse(override?.until ?? '');
    expect(forMs).toBeGreaterThanOrEqual(before + 3_600_000);
    expect(forMs).toBeLessThanOrEqual(Date.parse(now) + 3_660_000);
    expect(await focused(page)).toBe('Close for 1 h…');

    await page.getByRole('button', { name: 'Close until further notice' }).click();
    await dialog.getByRole('button', { name: 'Close office' }).click();
    await page.getByText('office is forced closed until further notice').waitFor();
    expect((await overrideOf('office')).override).toMatchObject({ until: null, reason: null });
    await page.getByRole('button', { name: 'End the override' }).click();
    await page.getByRole('button', { name: 'End the override of office' }).press('Enter');
    await page.getByText('office follows its schedule again.').waitFor();
    // The hour is filled in again, although the dialog before it asked for no time.
    await close.press('Enter');
    expect(await dialog.getByLabel('Until').inputValue()).not.toBe('');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });

    writeFileSync(join(stage.routesDir, 'main.yaml'), `${ROUTES}\nrulez: []\nlistz: {}\n`);
    await page.getByRole('button', { name: 'Reload the routes folder' }).click();
    await page
      .getByText(/main\.yaml:\d+:\d+/)
      .first()
      .waitFor();
    writeFileSync(join(stage.routesDir, 'main.yaml'), ROUTES);
    await page.getByRole('button', { name: 'Reload the routes folder' }).click();
    await page.getByText('Nothing changed.').waitFor();
  });

  /** A schedule's override, and the server's clock. */
  async function overrideOf(name: string): Promise<Forced> {
    const answer = await fetch(`${stage.url}/v1/schedules`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    const { now, schedules } = (await answer.json()) as {
      now: string;
      schedules: (Forced & { name: string })[];
    };
    return { now, override: schedules.find((one) => one.name === name)?.override ?? null };
  }

  test('a rule shows what can happen to its callers, and the worst of it', async () => {
    const { page } = await signedIn();
    await page.getByRole('link', { name: 'Routes' }).click();
    const link = page.getByRole('link', { name: 'otherwise', exact: true });
    expect(await link.getAttribute('href')).toBe('#/calls?rule=otherwise');
    await page.getByRole('button', { name: 'Paths of otherwise' }).click();
    await page.getByRole('heading', { name: 'What can happen to callers of otherwise' }).waitFor();
    await page.getByText('Longest wait').waitFor();
    await page.locator('.paths li').first().waitFor();
  });

  test('what a reload changed is shown line by line, and one click goes back', async () => {
    const { page } = await signedIn();
    await page.getByRole('link', { name: 'Routes' }).click();
    const reload = page.getByRole('button', { name: 'Reload the routes folder' });
    writeFileSync(join(stage.routesDir, 'main.yaml'), `${ROUTES}\n# a later thought\n`);
    await reload.click();
    await page.getByText('The new routes are live.').waitFor();
    await page
      .getByRole('button', { name: /^What changed in/ })
      .first()
      .click();
    await page.locator('.file .added', { hasText: '# a later thought' }).waitFor();
    const rows = page.getByRole('table', { name: 'Versions of the routes' }).getByRole('row');
    await rows.nth(2).getByRole('button', { name: 'Go back' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Go back' }).click();
    await page.getByText('This is an older version').waitFor();
    await page.getByRole('link', { name: 'Overview' }).click();
    const problem = page.locator('.problem', { hasText: 'routes.activated' });
    await problem.waitFor();
    await page.getByRole('link', { name: 'Routes' }).click();
    writeFileSync(join(stage.routesDir, 'main.yaml'), ROUTES);
    await reload.click();
    await page.getByText('This is an older version').waitFor({ state: 'detached' });
  });

  test('calls are found by number, target and verdict, and paged', async () => {
    const { page } = await signedIn();
    await navigation(page).getByRole('link', { name: 'Calls' }).click();
    const rows = page.locator('table.calls tbody tr');
    await expect.poll(() => rows.count()).toBe(50);
    const first = await rows.first().getAttribute('data-call');
    await page.getByRole('button', { name: 'Older' }).click();
    await page.getByText('page 2').waitFor();
    await expect.poll(() => rows.first().getAttribute('data-call')).not.toBe(first);
    await page.getByRole('button', { name: 'Newer' }).click();
    await expect.poll(() => rows.first().getAttribute('data-call')).toBe(first);

    await page.getByLabel('Number, call id, rule or target').fill('+1 (415) 556-0005');
    await page.getByRole('button', { name: 'Find' }).last().click();
    await expect.poll(() => rows.count()).toBe(1);
    await page.getByRole('link', { name: 'Clear' }).click();
    await page.getByText('More filters').click();
    await page.locator('#rule-names option[value=otherwise]').waitFor({ state: 'attached' });
    await page.getByLabel('Target', { exact: true }).fill('night-desk');
    await page.getByRole('combobox', { name: 'Verdict' }).selectOption('not found');
    await expect
      .poll(() => rows.locator('.rule').allInnerTexts())
      .toEqual(Array.from({ length: 50 }, () => 'night desk'));
    expect(page.url()).toContain('target=night-desk');
  });

  test('new calls are announced, and what is being typed stays', async () => {
    const { page } = await signedIn();
    await navigation(page).getByRole('link', { name: 'Calls' }).click();
    await page.locator('table.calls tbody tr').first().waitFor();
    const field = page.getByLabel('Number, call id, rule or target');
    await field.pressSequentially('+35386');
    const call = stage.simulator.placeCall({ from: '+353861110007', to: '+14155550111' });
    const again = page.getByRole('button', { name: /newer: reload/ });
    await again.waitFor();
    expect(await field.inputValue()).toBe('+35386');
    expect(await page.locator(`tr[data-call="${call.callControlId}"]`).count()).toBe(0);
    // Not with the mouse, which would leave the field and so submit what was typed.
    await again.dispatchEvent('click');
    await page.locator(`tr[data-call="${call.callControlId}"]`).waitFor();
    // Whoever leaves the field asks for what it holds: the next case would, on its way.
    await field.fill('');
    call.hangUp();
    await call.ended;
  });

  test('what a caller wrote is text, wherever it stands', async () => {
    const call = stage.simulator.placeCall({
      from: `${NASTY}@example.net`,
      to: '+14155550111',
      callerName: NASTY,
      customHeaders: [{ name: 'X-Note', value: NASTY }],
    });
    const { page } = await signedIn();
    await page.locator(`tr[data-call="${call.callControlId}"] a.open`).click();
    await page.locator('summary', { hasText: 'written by the caller' }).click();
    await page.getByText('<img src=x').first().waitFor();
    expect(await page.locator('img[src="x"]').count()).toBe(0);
    expect(await page.evaluate('"broken" in window')).toBe(false);
    // Bidirectional marks and escapes are shown as a box.
    const text = await page.locator('main').innerText();
    expect([text.includes('\u202e'), text.includes('\u001b')]).toEqual([false, false]);
    call.hangUp();
    await call.ended;
  });

  test('everything is reached with the keyboard alone', async () => {
    const call = stage.simulator.placeCall({ from: '+353861110005', to: '+14155550111' });
    const { page } = await signedOut();
    await expect.poll(() => page.evaluate('document.activeElement?.name')).toBe('token');
    await page.keyboard.type(TOKEN);
    await page.keyboard.press('Enter');
    await page.locator(`tr[data-call="${call.callControlId}"]`).waitFor();

    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    await tabTo(page, call.callControlId);
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe(
      'solid',
    );
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: '+353861110005' }).waitFor();
    await expect.poll(() => page.evaluate('document.activeElement?.tagName')).toBe('H1');
    await tabTo(page, 'Refer the caller');
    await page.keyboard.press('Enter');
    await page.getByText('Accepted: refer').waitFor();
    call.hangUp();
    await call.ended;
  });

  test('two failures at the same moment are drawn from their own targets, and a hangup presses no key', async () => {
    const fast = { result: 'busy', ringMs: 20 } as const;
    const failing = stage.simulator.placeCall({
      from: '+353861110008',
      to: '+14155550100',
      refers: [fast, fast],
    });
    await failing.ended;
    const { page } = await signedIn();
    await page.goto(`${stage.url}/#/calls/${encodeURIComponent(failing.callControlId)}`);
    await page.getByRole('button', { name: 'SIP' }).click();
    const failed = page.locator('.sequence li', { hasText: 'The caller did not arrive' });
    await expect.poll(() => failed.count()).toBe(2);
    expect(await failed.locator('strong').filter({ hasText: 'arrive' }).allInnerTexts()).toEqual([
      'The caller did not arrive: support-us',
      'The caller did not arrive: support-eu',
    ]);
    // Lanes: caller, Telnyx, Referee, support-us, support-eu.
    const starts = failed.locator('line.dashed.stroke-bad');
    expect(
      await starts.evaluateAll((lines) => lines.map((line) => line.getAttribute('x1'))),
    ).toEqual(['70%', '90%']);

    const menu = stage.simulator.placeCall({
      from: '+353861110009',
      to: '+14155550140',
      callerHangup: { when: 'gather_started', afterMs: 50 },
    });
    await menu.ended;
    await page.goto(`${stage.url}/#/calls/${encodeURIComponent(menu.callControlId)}`);
    const gathered = page.locator('.sequence li', { hasText: 'call.gather.ended' });
    await gathered.getByText('The menu ends: the caller hung up').waitFor();
    expect(await gathered.locator('.label').allTextContents()).toEqual(['gather.ended']);
  });

  test('back from a call is where it was: filter, page of the list, and place on it', async () => {
    const { page } = await signedIn();
    await page.setViewportSize({ width: 1280, height: 500 });
    await page.goto(`${stage.url}/#/calls?rule=support`);
    const rows = page.locator('table.calls tbody tr');
    await expect.poll(() => rows.count()).toBe(50);
    await page.getByRole('button', { name: 'Older' }).click();
    await page.getByText('page 2').waitFor();
    await expect.poll(() => page.locator('[aria-busy="false"]').count()).toBe(1);
    const row = rows.nth(30);
    const id = await row.getAttribute('data-call');
    for (const way of ['the link', 'the browser']) {
      await row.scrollIntoViewIfNeeded();
      const scrolled = await page.evaluate('scrollY');
      expect(scrolled).toBeGreaterThan(200);
      await row.locator('a.open').click();
      await page.getByRole('heading', { name: 'What happened' }).waitFor();
      if (way === 'the browser') await page.goBack();
      else await page.getByRole('link', { name: '← Calls' }).click();
      await page.getByText('page 2').waitFor();
      expect(page.url()).toContain('rule=support');
      await expect.poll(() => page.evaluate('scrollY')).toBe(scrolled);
      expect(await rows.nth(30).getAttribute('data-call')).toBe(id);
      expect(await focused(page)).toBe(id);
    }
    // Unlike the way back, a link to the list begins at the newest call.
    await navigation(page).getByRole('link', { name: 'Calls' }).click();
    await page.getByText('page 1').waitFor();
  });

  test('what a number is about is what its link shows', async () => {
    const { page } = await signedIn();
    // The window may have read the sums of the day before the last call of another case ended.
    await page.reload();
    const problem = page.locator('.problem', {
      hasText: 'attempts at night-desk in the last hour completed',
    });
    await problem.locator('summary').click();
    await problem.getByRole('link', { name: 'its calls' }).click();
    const rules = page.locator('table.calls tbody td.rule');
    await expect.poll(() => rules.count()).toBe(50);
    expect(new Set(await rules.allInnerTexts())).toEqual(new Set(['night desk']));
    await navigation(page).getByRole('link', { name: 'Overview' }).click();
    const row = page
      .getByRole('region', { name: 'Rules today' })
      .getByRole('row', { name: /^support/ });
    const lost = row.getByTitle('The callers who were lost');
    const number = Number(await lost.innerText());
    expect(number).toBeGreaterThan(100);
    await lost.click();
    const first = page.locator('table.calls tbody td.became').first();
    await first.getByText(/^(Gave up|Not reached)/).waitFor();
    expect(new Set(await rules.allInnerTexts())).toEqual(new Set(['support']));
    expect(await countPages(page)).toBe(number);
  });

  test('failures of several kinds are one list, newest first, over its pages', async () => {
    const { page } = await signedIn();
    await page.goto(`${stage.url}/#/calls?verdict=failed&target=support-eu`);
    const rows = page.locator('table.calls tbody tr');
    await expect.poll(() => rows.count()).toBe(50);
    const times = () =>
      page
        .locator('td.came time')
        .evaluateAll((all) => all.map((one) => one.getAttribute('datetime') ?? ''));
    const first = await times();
    await page.getByRole('button', { name: 'Older' }).click();
    await page.getByText('page 2').waitFor();
    await expect.poll(async () => (await times())[0]).not.toBe(first[0]);
    const second = await times();
    const both = [...first, ...second];
    expect(both).toEqual(both.toSorted().reverse());
    // The address shows a colleague the same calls.
    await page.reload();
    await page.getByText('older calls').waitFor();
    await expect.poll(times).toEqual(second);
    await page.goto(`${stage.url}/#/calls?verdict=failed&target=nobody`);
    await page.getByText('No calls match: target nobody, verdict failed.').waitFor();
    await page.goto(`${stage.url}/#/calls?q=nobodyknows`);
    await page.getByText('No calls match: “nobodyknows”. Calls are removed 30 days').waitFor();
    await page.getByText('at least four digits of a number, the beginning of a call id').waitFor();
  });

  test('what is being read is not said to be none, and what cannot be read is said', async () => {
    const { page } = await signedIn();
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route('**/v1/stats*', async (route) => {
      await held;
      await route.continue();
    });
    await page.route('**/v1/calls?phase=*', async (route) => {
      await held;
      await route.continue();
    });
    await page.reload();
    const today = page.getByRole('region', { name: 'Today by hour' });
    const live = page.getByRole('region', { name: 'Live calls' });
    await today.getByText('Loading…').waitFor();
    await live.getByText('Loading…').waitFor();
    expect(await page.getByText(/No (caller has|live calls)/).count()).toBe(0);
    release();
    await today.getByText(/of today’s \d+ callers/).waitFor();
    await expect.poll(() => page.getByText('Loading…').count()).toBe(0);
  });

  test('what cannot be read holds back nothing else', async () => {
    const { page } = await signedOut();
    const refuse = (url: string): Promise<unknown> =>
      page.route(url, (route) => route.fulfill({ status: 422, json: { detail: 'Not today.' } }));
    await refuse('**/v1/reports*');
    await refuse('**/v1/schedules');
    await signIn(page);
    await page.getByText("The day's callers could not be loaded.").waitFor();
    expect(await page.getByRole('alert').allInnerTexts()).toEqual(['Not today.']);
    const strangers = page.locator('.strangers > summary');
    const seen = (await strangers.count()) === 0 ? '' : await strangers.innerText();
    await fetch(`${stage.url}/webhooks/telnyx`, { method: 'POST', body: 'not JSON' });
    await shortenPauses(page);
    await expect.poll(() => strangers.innerText()).not.toBe(seen);
    await page.unroute('**/v1/reports*');
    await page.getByText(/of today’s \d+ callers/).waitFor();
  });

  test('a window of 900 pixels shows 24 calls', async () => {
    const { page } = await signedIn();
    await navigation(page).getByRole('link', { name: 'Calls' }).click();
    await page.locator('table.calls tbody tr').nth(49).waitFor();
    expect(await page.evaluate(ROWS_IN_VIEW)).toBeGreaterThanOrEqual(24);
  });

  test('a refused reload is shown once', async () => {
    const { page } = await signedIn();
    await page.getByRole('link', { name: 'Routes' }).click();
    writeFileSync(join(stage.routesDir, 'main.yaml'), `${ROUTES}\nrulez: []\n`);
    const reload = page.getByRole('button', { name: 'Reload the routes folder' });
    await reload.click();
    await page.getByText('The last reload was refused').waitFor();
    await expect.poll(() => page.getByText(/main\.yaml:\d+:\d+/).count()).toBe(1);
    await navigation(page).getByRole('link', { name: 'Overview' }).click();
    const problem = page.locator('.problem', { hasText: 'routes.refused' });
    await problem.waitFor();
    expect(await problem.locator('summary').innerText()).not.toContain('times');
    expect(await problem.count()).toBe(1);
    writeFileSync(join(stage.routesDir, 'main.yaml'), ROUTES);
    await page.getByRole('link', { name: 'Routes' }).click();
    await reload.click();
    await page.getByText('Nothing changed.').waitFor();
    expect(await page.getByText('The last reload was refused').count()).toBe(0);
  });

  test('a thousand calls do not slow the list, and nothing jumps', async () => {
    const { page } = await signedIn();
    await page.locator('.legend li').first().waitFor();
    // The CPU of the page, and of this process, which is the server: a busy machine adds nothing to
    // it but what it always does. Nobody waits for a second answer either.
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    const spent = await stopwatch(page);
    await navigation(page).getByRole('link', { name: 'Calls' }).click();
    await page.locator('table.calls tbody tr').nth(49).waitFor();
    expect(await spent()).toBeLessThan(1_500);
    expect(asked.filter((url) => url.includes('/v1/calls'))).toHaveLength(1);
    // Starts only here: shifts later than half a second after a click count, and while a busy
    // machine loads the first page, everything is later than that.
    await page.evaluate(WATCH_SHIFTS);
    for (let turn = 0; turn < 5; turn += 1) {
      await page.getByRole('button', { name: 'Older' }).click();
      await page.getByText(`page ${turn + 2}`).waitFor();
    }
    expect(await page.evaluate('window.shift')).toBeLessThan(0.1);
  });

  test('a phone has no sideways scrolling, in the dark as well', async () => {
    const { page } = await signedIn();
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('Emulation.setTouchEmulationEnabled', { enabled: true });
    await page.setViewportSize({ width: 360, height: 740 });
    await page.emulateMedia({ colorScheme: 'dark' });
    for (const place of ['#/', '#/calls', '#/explain', '#/routes', '#/reports', '#/activity']) {
      await page.goto(`${stage.url}/${place}`);
      await page.locator('main h1').waitFor();
      await page.locator('main .panel, main form').first().waitFor();
      expect([place, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([
        place,
        360,
      ]);
      // The box has no table before it is asked.
      if (place !== '#/explain')
        await page.locator('main table').first().waitFor({ state: 'attached' });
      expect([place, await page.evaluate(SIDEWAYS)]).toEqual([place, []]);
    }
    const background = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(background).toBe('rgb(16, 20, 24)');
    await page.emulateMedia({ colorScheme: null });
    await devtools.detach();
  });
});

describe.skipIf(CHROMIUM_PATH === null && !required)('a page that is left alone', () => {
  let stage: PageStage;
  const folder = mkdtempSync(join(tmpdir(), 'referee-tokens-'));
  const { signedIn } = windows.share(() => stage.url);

  beforeAll(async () => {
    const tokens = join(folder, 'tokens.yaml');
    const sha256 = createHash('sha256').update(VIEWER_TOKEN).digest('hex');
    writeFileSync(tokens, `tokens: [{ name: anna, role: viewer, sha256: "${sha256}" }]\n`);
    stage = await setPageStage({ environment: { TOKENS_FILE: tokens } });
  });
  afterAll(async () => {
    await stage?.close();
    rmSync(folder, { recursive: true });
  });

  test('while the store takes no writes the dot is not green, and it turns green by itself', async () => {
    const { page, wrongs } = await signedIn();
    const state = page.locator('.connection');
    const green = await page.evaluate(DOT);
    const other = new DatabaseSync(stage.databasePath);
    other.exec('begin immediate');
    await shortenPauses(page);
    await page.getByText('Store down', { exact: true }).waitFor();
    expect(await page.evaluate(DOT)).not.toBe(green);
    expect(await state.getAttribute('title')).toContain('busy');
    other.exec('rollback');
    other.close();
    await page.getByText('Live', { exact: true }).waitFor();
    expect(await page.evaluate(DOT)).toBe(green);
    // Chromium logs each answer that said so, also one that is still on its way.
    await page.reload();
    wrongs.length = 0;
  });

  test('who may only read is offered nothing that acts', async () => {
    const call = stage.simulator.placeCall({ from: '+353861110006', to: '+14155550111' });
    const { page } = await signedIn('#/', VIEWER_TOKEN);
    await page.locator(`tr[data-call="${call.callControlId}"] a.open`).click();
    await page.getByText('Only an operator can refer this caller.').waitFor();
    const buttons = page.locator('main').getByRole('button');
    expect(await buttons.allInnerTexts()).toEqual(['Simple', 'SIP', 'Decide it again']);
    await navigation(page).getByRole('link', { name: 'Routes' }).click();
    await page.getByRole('heading', { name: 'Replicas' }).waitFor();
    expect(new Set(await buttons.allInnerTexts())).toEqual(new Set(['Paths']));
  });

  test('an empty store is readable, a lost connection is said, and it comes back by itself', async () => {
    const first = await setPageStage();
    const port = Number(new URL(first.url).port);
    const { page, wrongs } = await windows.open(first.url);
    await signIn(page);
    await page.getByText('No live calls. The next one appears here automatically.').waitFor();
    const box = await page.locator('.scroll.live').boundingBox();
    expect(box?.height).toBeLessThan(150);
    await page.getByText('No known problems.').waitFor();
    await page.getByText('No call has ended today yet.').waitFor();
    await shortenPauses(page);
    await first.close();
    await page.getByText('Connection lost. Retrying…').waitFor();
    const second = await setPageStage({ environment: { PORT: String(port) } });
    await page.getByText('Live', { exact: true }).waitFor();
    const call = second.simulator.placeCall({ from: '+353861110006', to: '+14155550111' });
    await page.locator(`tr[data-call="${call.callControlId}"]`).waitFor();
    // Chromium logs each request that nobody took.
    wrongs.length = 0;
    await page.close();
    await second.close();
  });
});

const VIEWER_TOKEN = 'viewer-test-token-of-many-characters';

/** Run in the browser: the colour of the dot. */
/** Run in the browser: the tables that are wider than their panel, with all that is folded. */
const SIDEWAYS = `
  document.querySelectorAll('main details').forEach((details) => { details.open = true; });
  [...document.querySelectorAll('.scroll, .versions')]
    .filter((box) => box.scrollWidth > box.clientWidth)
    .map((box) => box.querySelector('caption')?.textContent ?? box.textContent)
`;
const DOT = `getComputedStyle(document.querySelector('.connection'), '::before').backgroundColor`;

/** Run in the browser: records layout shifts without user input. */
const WATCH_SHIFTS = `
  window.shift = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
  }).observe({ type: 'layout-shift' });
`;
const ROWS_IN_VIEW = `
  [...document.querySelectorAll('table.calls tbody tr')]
    .filter((row) => row.getBoundingClientRect().bottom <= innerHeight).length
`;
const FOCUSED = `
  document.activeElement.closest('[data-call]')?.dataset.call ?? document.activeElement.textContent.trim()
`;

/** Milliseconds of CPU since then. */
async function stopwatch(page: Watched['page']): Promise<() => Promise<number>> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
  const pageMs = async (): Promise<number> => {
    const { metrics } = await devtools.send('Performance.getMetrics');
    const tasks = metrics.find(({ name }) => name === 'TaskDuration');
    return (tasks?.value ?? Number.NaN) * 1_000;
  };
  const before = await pageMs();
  const server = process.cpuUsage();
  return async () => {
    const { user, system } = process.cpuUsage(server);
    return (await pageMs()) - before + (user + system) / 1_000;
  };
}

interface Forced {
  now: string;
  override: { open: boolean; until: string | null; reason: string | null } | null;
}

function navigation(page: Watched['page']) {
  return page.getByRole('navigation', { name: 'Views' });
}

/** How many calls all pages of a list have. */
async function countPages(page: Watched['page']): Promise<number> {
  let total = await page.locator('table.calls tbody tr').count();
  for (let turn = 2; await page.getByRole('button', { name: 'Older' }).isEnabled(); turn += 1) {
    await page.getByRole('button', { name: 'Older' }).click();
    await page.getByText(`page ${turn}`).waitFor();
    await expect.poll(() => page.locator('[aria-busy="false"]').count()).toBe(1);
    total += await page.locator('table.calls tbody tr').count();
  }
  return total;
}

async function focused(page: Watched['page']): Promise<string> {
  return page.evaluate(FOCUSED);
}

async function tabTo(page: Watched['page'], wanted: string): Promise<void> {
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press('Tab');
    if ((await focused(page)) === wanted) return;
  }
  throw new Error(`60 presses of Tab did not reach ${wanted}`);
}
