/**
 * Every view at three widths, in light and dark mode: no finding by axe-core (the WCAG rules, run
 * in the real browser), and no cut-off text in fields, buttons or the chart. Each view is opened
 * once, and the window then takes each width and scheme: the page leaves both to its CSS.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CHROMIUM_PATH, openPage, sightOf, signIn, startBrowser, type Watched } from './browser.ts';
import { fillOutbox } from './outbox-rows.ts';
import { type PageStage, seededId, setPageStage } from './stage.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const required = process.env.CHROMIUM_REQUIRED === 'true';

const SIGHTS = [1400, 1100, 390].flatMap((width) =>
  (['light', 'dark'] as const).map((colorScheme) => ({ width, colorScheme })),
);

describe.skipIf(CHROMIUM_PATH === null && !required)('how the page looks', () => {
  let stage: PageStage;
  let browser: Browser;
  let watched: Watched;
  let page: Page;

  beforeAll(async () => {
    browser = await startBrowser();
    stage = await setPageStage({ calls: 1_000, weekBefore: 300 });
    fillOutbox(stage.databasePath, seededId(0), 'Error: it broke\n    at a place in the code');
    watched = await openPage(browser, stage.url, {
      // The page's policy only allows its own scripts, so it is bypassed for axe.
      bypassCSP: true,
      // Otherwise a colour is looked at on its way to the other scheme.
      reducedMotion: 'reduce',
    });
    page = watched.page;
    await page.evaluate(AXE);
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') console.error(task.name, await sightOf(watched));
  });
  afterAll(async () => {
    await browser?.close();
    await stage?.close();
  });

  /** At each width in each scheme: what is wrong with what is open now. */
  async function look(view: string): Promise<void> {
    const found: Record<string, unknown> = {};
    for (const { width, colorScheme } of SIGHTS) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      const axe = await page.evaluate<string[]>(findings(colorScheme));
      const cut = await page.evaluate<string[]>(CUT_OFF);
      const sight = `${view} at ${width} pixels in the ${colorScheme}`;
      if (axe.length + cut.length > 0) found[sight] = { axe, cut };
    }
    expect(found).toEqual({});
  }

  /** Another view of the same document, which axe was put into. */
  async function signedIn(place: string): Promise<void> {
    await page.goto(`${stage.url}/${place}`);
    await page.locator('main h1, [name=token]').first().waitFor();
    if ((await page.getByLabel('Token').count()) === 0) return;
    await signIn(page);
    await page.locator('main h1').waitFor();
  }

  function placeMovedCall() {
    return stage.simulator.placeCall({
      from: '+353861110020',
      to: '+14155550100',
      refers: ['not_allowed', { result: 'completed', ringMs: 60_000 }],
    });
  }

  test('sign in', async () => {
    await page.getByLabel('Token').waitFor();
    await look('sign in');
  });

  test('overview', async () => {
    const call = placeMovedCall();
    await signedIn('#/');
    await page.locator('.problem').first().waitFor();
    await page
      .locator(`tr[data-call="${call.callControlId}"]`)
      .getByText('Calling support-eu')
      .waitFor();
    await page.locator('.hours a').first().waitFor();
    await look('overview');
    call.hangUp();
    await call.ended;
  });

  test('calls', async () => {
    await signedIn('#/calls?since=2020-12-31T23:59:00.000Z');
    await page.locator('table.calls tbody tr').nth(20).waitFor();
    await page.evaluate("document.querySelector('details.more-filters').open = true");
    await look('calls');
  });

  test('no calls', async () => {
    await signedIn('#/calls?number=%2B14155550100&target=nobody');
    await page.getByText('No calls match').waitFor();
    await look('no calls');
  });

  test('a call that is moved, the same in SIP, and when it has ended', async () => {
    const call = placeMovedCall();
    await signedIn(`#/calls/${encodeURIComponent(call.callControlId)}`);
    await page.locator('.story li', { hasText: 'support-eu' }).first().waitFor();
    await look('a call that is moved');
    await page.getByRole('button', { name: 'SIP' }).click();
    await page.locator('.sequence li', { hasText: 'support-eu' }).first().waitFor();
    await look('the same in SIP');
    call.hangUp();
    await call.ended;
    await page.getByText('so nobody can be moved').waitFor();
    await look('a call that has ended');
  });

  test('explain', async () => {
    await signedIn('#/explain');
    await page.getByLabel('From').fill('+353861234567');
    await page.getByLabel('To', { exact: true }).fill('+14155550130');
    await page.locator('[name=at]').fill('2026-12-31T23:59');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByRole('heading', { name: 'Rule night desk' }).waitFor();
    await page.getByText('More about the call').click();
    await look('explain');
  });

  test('routes', async () => {
    await signedIn('#/routes');
    await page.getByRole('heading', { name: 'Replicas' }).waitFor();
    await page.getByRole('button', { name: 'Paths of support' }).first().click();
    await page.locator('.paths li').first().waitFor();
    await page.getByText('Rows of lines that were used').click();
    await page.getByRole('link', { name: '+14155550160' }).waitFor();
    await look('routes');
  });

  test('activity', async () => {
    await signedIn('#/activity');
    await page.getByRole('row', { name: 'signed in' }).first().waitFor();
    await look('activity');
  });

  test('report by hour', async () => {
    await page.route('**/v1/reports?*', async (route) => {
      const response = await route.fetch();
      const report = await response.json();
      // An hour with one caller beside hours with hundreds.
      report.rows[0].outcomes = { ...report.rows[0].outcomes, reached: 1 };
      await route.fulfill({ response, json: report });
    });
    await signedIn('#/reports?period=week&by=hour&compare=week');
    await page.locator('.hours .part').first().waitFor();
    await look('report by hour');
    await page.unroute('**/v1/reports?*');
  });

  test('out to Telnyx', async () => {
    await signedIn('#/outbox');
    await page.getByRole('row', { name: 'Move the caller' }).first().waitFor();
    await page.locator('.letters summary').first().click();
    await look('out to Telnyx');
  });

  test.each(['day', 'outcome'])('report by %s', async (by) => {
    await signedIn(`#/reports?period=week&by=${by}&compare=week`);
    await page.getByRole('region', { name: `Callers by ${by}` }).waitFor();
    await page.locator('.groups tbody tr').nth(7).waitFor();
    await look(`report by ${by}`);
  });
});

/**
 * The dark scheme changes only colours, so all other rules are checked in the light one alone. The
 * colour rule that axe leaves out by default (7:1, AAA) is left out in both.
 */
function findings(colorScheme: 'light' | 'dark'): string {
  const rules = "runOnly: ['cat.color'], rules: { 'color-contrast-enhanced': { enabled: false } },";
  return `axe.run(document, { ${colorScheme === 'dark' ? rules : ''} resultTypes: ['violations'] })
    .then(({ violations }) => violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => id + ' ' + target + ' ' + failureSummary)))`;
}

/**
 * Measures fields against their text, and selects and buttons against a copy without a width limit.
 * The page must not be wider than the window.
 */
const CUT_OFF = `(() => {
  const cut = [];
  const name = (element) => element.outerHTML.slice(0, 120);
  for (const field of document.querySelectorAll('input:not([type=radio]), select, button, .button')) {
    const box = field.getBoundingClientRect();
    if (box.width === 0) continue;
    const copy = field.cloneNode(true);
    if ('value' in field) copy.value = field.value;
    copy.style.cssText = 'position: absolute; width: max-content; flex: none; visibility: hidden';
    const isTime = field.matches('[type=datetime-local]');
    if (isTime || (field.placeholder && !field.value)) {
      const style = getComputedStyle(field);
      const text = document.createElement('span');
      // In the format of en-US, the longest of the common ones.
      text.textContent = isTime ? '12/31/2026, 11:59 PM' : field.placeholder;
      text.style.cssText = 'position: absolute; white-space: nowrap; visibility: hidden; font: ' + style.font;
      field.parentElement.append(text);
      const sign = isTime ? 1.6 * parseFloat(style.fontSize) : 0;
      const room = field.clientWidth - parseFloat(style.paddingLeft) * 2 - sign;
      if (text.getBoundingClientRect().width > room + 1) cut.push(name(field));
      text.remove();
    } else if (field.matches('select, button, .button')) {
      field.parentElement.append(copy);
      if (copy.getBoundingClientRect().width > box.width + 1) cut.push(name(field));
      copy.remove();
    }
  }
  for (const tab of document.querySelectorAll('.bar nav a')) {
    if (tab.getBoundingClientRect().right > innerWidth) cut.push(name(tab));
  }
  if (document.documentElement.scrollWidth > innerWidth) cut.push('the page is wider than the window');
  for (const label of document.querySelectorAll('.bar a, .connection, .lanes span')) {
    if (label.scrollWidth > label.clientWidth + 1 && getComputedStyle(label).overflow !== 'visible') cut.push(name(label));
  }
  for (const part of document.querySelectorAll('.hours .part')) {
    // Its edge has the colour of the ground, half of it on either side.
    const { stroke, strokeWidth } = getComputedStyle(part);
    const edge = stroke === 'none' ? 0 : parseFloat(strokeWidth);
    const { width, height } = part.getBoundingClientRect();
    if (width - edge < 1 || height - edge <= 0) cut.push('a bar is hidden by its edge');
  }
  for (const bar of document.querySelectorAll('.hours .chart :is(a, g)')) {
    if (bar.getBoundingClientRect().height < 0.99) cut.push('a bar is less than a pixel high');
  }
  const middle = (element) => {
    const { top, height } = element.getBoundingClientRect();
    return top + height / 2;
  };
  for (const button of document.querySelectorAll('.filters button')) {
    const beside = [...button.closest('form').querySelectorAll('.filters input:not([type=radio])')]
      .map((field) => middle(field) - middle(button))
      .filter((off) => Math.abs(off) < 24);
    if (beside.some((off) => Math.abs(off) > 2)) cut.push('not in line with its field: ' + name(button));
  }
  return cut;
})()`;
