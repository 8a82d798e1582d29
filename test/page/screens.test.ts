/**
 * The other screens: the outbox, reports, and the week of a schedule; and that what any of them shows
 * stays true. One service and one browser for all.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../helpers/referee-process.ts';
import { CHROMIUM_PATH, midnight, ZONE } from './browser.ts';
import { fillOutbox } from './outbox-rows.ts';
import { NASTY, type PageStage, ROUTES, seededId, setPageStage, TOKEN } from './stage.ts';
import { trueNumbers } from './true-numbers.ts';
import { sharedBrowser, watchedWindows } from './window.ts';

const required = process.env.CHROMIUM_REQUIRED === 'true';
const VIEWER_TOKEN = 'viewer-test-token-of-many-characters';

describe.skipIf(CHROMIUM_PATH === null && !required)('the screens of the page', () => {
  let stage: PageStage;
  const folder = mkdtempSync(join(tmpdir(), 'referee-screens-'));
  const shared = watchedWindows(sharedBrowser()).share(() => stage.url);

  beforeAll(async () => {
    const tokens = join(folder, 'tokens.yaml');
    const sha256 = createHash('sha256').update(VIEWER_TOKEN).digest('hex');
    writeFileSync(tokens, `tokens: [{ name: anna, role: viewer, sha256: "${sha256}" }]\n`);
    stage = await setPageStage({ calls: 40, weekBefore: 16, environment: { TOKENS_FILE: tokens } });
  });
  afterAll(async () => {
    await stage?.close();
    rmSync(folder, { recursive: true });
  });

  async function signedIn(place: string, token = TOKEN): Promise<Page> {
    const { page } = await shared.signedIn(place, token);
    await page.getByRole('heading', { level: 1 }).nth(0).waitFor();
    return page;
  }

  test('what waits for Telnyx is said with its caller and why; nothing is said to be nothing', async () => {
    const page = await signedIn('#/outbox', VIEWER_TOKEN);
    const waiting = page.getByRole('region', { name: 'Waiting to be sent' });
    const letters = page.getByRole('region', { name: 'Could not be processed' });
    await waiting.getByText('Nothing is waiting').waitFor();
    await letters.getByText('Every event so far could be processed.').waitFor();
    fillOutbox(stage.databasePath, seededId(0), `Error: ${NASTY}\n    at somewhere`);
    await waiting.getByText('2 requests wait for an answer').waitFor();
    await waiting.getByText('1 of them is being repeated').waitFor();
    const again = waiting.getByRole('row', { name: 'Move the caller to sip:support@pbx' });
    await again.getByText('503').waitFor();
    await again.getByText('Telnyx is busy').waitFor();
    await again.getByRole('link', { name: '+14155560000 → +14155550100' }).click();
    await page.getByRole('heading', { level: 1, name: '+14155560000' }).waitFor();
    await page.goBack();
    // A viewer sees them, but no buttons.
    await letters.getByText('An operator can process them again').waitFor();
    expect(await page.locator('main').getByRole('button').count()).toBe(0);
    await letters.getByText('Error: ').first().waitFor();
    expect(await page.evaluate('window.broken')).toBeUndefined();
  });

  test('a dead letter is processed again or discarded, for a reason, with the keyboard alone', async () => {
    fillOutbox(stage.databasePath, seededId(0), 'Error: it broke');
    const page = await signedIn('#/outbox');
    const letters = page.getByRole('region', { name: 'Could not be processed' });
    const rows = letters.locator('tbody tr');
    await rows.first().waitFor();
    const before = await rows.count();
    await rows.first().getByRole('button', { name: 'Process again…' }).press('Enter');
    await page.getByLabel('Reason').fill('after the upgrade');
    await page.keyboard.press('Enter');
    await letters.getByText(/The event was processed|Its call had this event already/).waitFor();
    await expect.poll(() => rows.count()).toBe(before - 1);
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('letters-title');
    await rows.first().getByRole('button', { name: 'Discard…' }).press('Enter');
    await page.getByRole('button', { name: 'Discard', exact: true }).press('Enter');
    await letters.getByText('The event was discarded.').waitFor();
    await expect.poll(() => rows.count()).toBe(before - 2);
    await page.getByRole('link', { name: 'Activity' }).click();
    await page.getByRole('cell', { name: 'after the upgrade' }).waitFor();
  });

  test('a store that does not answer is said once, and what was read stays', async () => {
    fillOutbox(stage.databasePath, seededId(0), 'Error: it broke');
    const page = await signedIn('#/outbox');
    const waiting = page.getByRole('region', { name: 'Waiting to be sent' });
    await waiting.getByText(/requests? waits? for an answer/).waitFor();
    for (const path of ['outbox', 'dead-letters']) {
      await page.route(`**/v1/${path}*`, (route) =>
        route.fulfill({ status: 422, json: { detail: 'The store does not answer.' } }),
      );
    }
    await page.getByRole('alert').waitFor();
    expect(await page.getByRole('alert').allInnerTexts()).toEqual(['The store does not answer.']);
    expect(await waiting.locator('tbody tr').count()).toBeGreaterThan(0);
  });

  test('a week stands beside the week before, and its address leads a colleague to the same', async () => {
    await eventually(async () => (await callersOf(14)) === 56, 'all calls are in the sums');
    const page = await signedIn('#/reports', VIEWER_TOKEN);
    const report = page.locator('.lead');
    await report.getByText('20 of 40 callers reached somebody, 10 were lost.').waitFor();
    await report.getByText('The week before, it was 8 of 16, with 4 lost.').waitFor();
    expect(await page.locator('.hours .part').count()).toBeGreaterThan(0);
    const all = page.getByRole('region', { name: 'All together' });
    const callers = all.getByRole('row', { name: 'Callers' }).getByRole('cell');
    expect(await callers.allInnerTexts()).toEqual(['40', '16', '+150 %']);

    await page.getByLabel('Lines').selectOption('number');
    const lines = page.getByRole('region', { name: 'Callers by our number' });
    const row = lines.getByRole('row', { name: '+14155550100' });
    await row.waitFor();
    expect((await row.getByRole('cell').allInnerTexts()).slice(0, 3)).toEqual(['20', '15', '5']);
    await page.reload();
    await row.waitFor();
    expect(await page.getByLabel('Lines').inputValue()).toBe('number');
    await row.getByRole('link', { name: '5', exact: true }).click();
    await page.locator('table.calls tbody tr').nth(4).waitFor();
    expect(await page.locator('table.calls tbody tr').count()).toBe(5);
  });

  test('a report is downloaded as it is shown', async () => {
    const page = await signedIn('#/reports?period=week&by=outcome&compare=none');
    await page.getByRole('region', { name: 'Callers by outcome' }).getByText('gave up').waitFor();
    const downloading = page.waitForEvent('download');
    await page.getByRole('button', { name: 'CSV' }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toMatch(/^callers-by-outcome-from-[\d-]{10}\.csv$/);
    const lines = readFileSync(await download.path(), 'utf8').split('\r\n');
    expect(lines[0]).toMatch(/^outcome,calls,/);
    expect(lines).toContainEqual(expect.stringMatching(/^reached,20,/));
  });

  test('chosen days are moments in the address, in whichever order they are given', async () => {
    const page = await signedIn('#/reports');
    await page.getByLabel('from').fill('2026-03-02');
    await page.getByLabel('to', { exact: true }).fill('2026-03-08');
    expect(await page.getByLabel('Period').inputValue()).toBe('days');
    await page.getByRole('button', { name: 'Show' }).press('Enter');
    await page.getByText('No finished calls in this period.').waitFor();
    const query = new URLSearchParams(new URL(page.url()).hash.split('?')[1]);
    expect(Object.fromEntries(query)).toMatchObject({
      from: midnight('2026-03-02'),
      to: midnight('2026-03-09'),
      zone: ZONE,
    });
    await page.getByLabel('to', { exact: true }).fill('2026-03-01');
    await page.getByRole('button', { name: 'Show' }).press('Enter');
    await expect.poll(() => page.url()).toContain(encodeURIComponent(midnight('2026-03-03')));
    await expect.poll(() => page.getByLabel('from').inputValue()).toBe('2026-03-01');
  });

  test('a schedule shows its week by its own clocks, and what is held by hand', async () => {
    writeFileSync(join(stage.routesDir, 'main.yaml'), ROUTES.replace('schedules:', TOKYO));
    const headers = { authorization: `Bearer ${TOKEN}` };
    await fetch(`${stage.url}/v1/routes/reload`, { method: 'POST', headers });
    const page = await signedIn('#/routes');
    const panel = page.getByRole('region', { name: 'Schedules and switches' });
    const tokyo = panel.locator('.schedules > li', { hasText: 'Asia/Tokyo' });
    await tokyo.getByText('Today', { exact: true }).waitFor();
    const hours = (await tokyo.locator('.week-hours').allInnerTexts()).toSorted();
    expect(hours).toEqual([...Array(5).fill('09:00–12:00, 13:00–18:00'), 'closed', 'closed']);
    expect(await tokyo.locator('.week-now').count()).toBe(1);
    expect(await tokyo.innerText()).toMatch(/is (open, closes|closed, opens) (today|on \w+)/);
    await tokyo.getByRole('button', { name: 'Open for 1 h' }).click();
    await page.getByLabel('Reason').press('Enter');
    await tokyo.getByText('open by hand').first().waitFor();
    await tokyo.getByText('is open by hand by admin until').waitFor();
    await tokyo.getByRole('button', { name: 'End the override' }).click();
    await page.getByLabel('Reason').press('Enter');
    await expect.poll(() => tokyo.getByText('by hand').count()).toBe(0);
  });

  // They place calls, so they come after the cases that count all of them.
  describe('true numbers', () => trueNumbers(() => stage, shared));

  async function callersOf(days: number): Promise<number> {
    const from = new Date(Date.now() - days * 86_400_000).toISOString();
    const answer = await fetch(`${stage.url}/v1/reports?from=${from}`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    return ((await answer.json()) as { total: { calls: number } }).total.calls;
  }
});

const TOKYO = `schedules:
  tokyo: { zone: Asia/Tokyo, open: ["mon-fri 09:00-12:00", "mon-fri 13:00-18:00"] }`;
