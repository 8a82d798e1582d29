/** Takes the pictures of docs/page.md again: `node test/page/screenshots.ts`. */
import { mkdirSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { openPage, signIn, startBrowser } from './browser.ts';
import { setPageStage } from './stage.ts';

const FOLDER = new URL('../../docs/images/', import.meta.url).pathname;
const DESKTOP = { width: 1100, height: 900 };
const PHONE = { width: 390, height: 800 };

mkdirSync(FOLDER, { recursive: true });
const stage = await setPageStage({ calls: 1_000, weekBefore: 800 });
const browser = await startBrowser();
const { page } = await openPage(browser, stage.url, { viewport: DESKTOP });
await signIn(page);

const call = stage.simulator.placeCall({
  from: '+353861234567',
  to: '+14155550100',
  refers: ['not_allowed', { result: 'completed', ringMs: 120_000, progress: [180] }],
});
for (const [from, to] of [
  ['+14155550101', '+14155550120'],
  ['+14155550102', '+14155550111'],
  ['+4930901820', '+14155550100'],
] as const) {
  stage.simulator.placeCall({ from, to, refers: [{ result: 'completed', ringMs: 120_000 }] });
}
await fetch(`${stage.url}/webhooks/telnyx`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: '{}',
});
await page
  .locator(`tr[data-call="${call.callControlId}"]`)
  .getByText('Ringing at support-eu')
  .waitFor();
await page.locator('.strangers').waitFor();
await page.locator('.hours a').first().waitFor();
await picture(page, 'overview');

const place = `#/calls/${encodeURIComponent(call.callControlId)}`;
await open(page, place, 'What happened');
await picture(page, 'call', true);

await open(page, '#/explain', 'Where would this call go?');
await page.getByLabel('From').fill('+353861234567');
await page.getByLabel('To', { exact: true }).fill('+14155550130');
await page.getByLabel('Verdict of each target').fill('night-desk: busy');
await page.getByRole('button', { name: 'Explain' }).click();
await page.getByRole('heading', { name: 'Rule night desk' }).waitFor();
await picture(page, 'explain');

await open(page, '#/calls', 'Calls');
await page.locator('table.calls tbody tr').nth(20).waitFor();
await picture(page, 'calls');
await open(page, '#/routes', 'Schedules and switches');
await page.locator('.week').waitFor();
await picture(page, 'routes');
await open(page, '#/reports?period=today&by=hour&compare=week', 'All together');
await picture(page, 'reports');

await page.setViewportSize(PHONE);
await page.emulateMedia({ colorScheme: 'dark' });
await open(page, '#/', 'Problems');
await page.locator('.problem').first().waitFor();
await picture(page, 'overview-phone-dark');
await open(page, place, 'What happened');
await page.getByRole('heading', { name: 'What happened' }).scrollIntoViewIfNeeded();
await page.evaluate("document.getElementById('story-title').scrollIntoView()");
await picture(page, 'call-phone-dark');

await browser.close();
await stage.close();

async function open(page: Page, place: string, heading: string): Promise<void> {
  await page.goto(`${stage.url}/${place}`);
  await page.getByRole('heading', { name: heading, exact: true }).waitFor();
}

async function picture(page: Page, name: string, fullPage = false): Promise<void> {
  await page.screenshot({ path: `${FOLDER}${name}.png`, fullPage });
}
