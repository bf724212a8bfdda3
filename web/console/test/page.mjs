// A real browser at the console, watched for what must not happen.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

// What a page is made of, and what the browser's own PDF viewer is.
const INTERNAL = ['data:', 'blob:', 'about:', 'chrome:', 'chrome-extension:'];

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--autoplay-policy=no-user-gesture-required',
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
    ],
  });

/** A page of the console at `url`. `others` are the origins that it may speak with beside its own. */
export async function open(browser, url, { others = [], ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', ...options });
  const seen = { errors: [], violations: [], foreign: [] };
  await context.exposeFunction('reportViolation', (what) => seen.violations.push(what));
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      window.reportViolation(`${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`);
    });
  });
  const allowed = new Set([url, ...others].map((address) => new URL(address).host));
  const check = (address) => {
    const { protocol, host } = new URL(address);
    if (!INTERNAL.includes(protocol) && !allowed.has(host)) seen.foreign.push(address);
  };
  context.on('page', (page) => {
    page.on('console', (message) => message.type() === 'error' && seen.errors.push(`${message.text()} ${message.location().url}`));
    page.on('pageerror', (error) => seen.errors.push(String(error)));
    page.on('request', (request) => check(request.url()));
    page.on('websocket', (socket) => check(socket.url()));
  });
  const page = await context.newPage();
  await page.goto(url);
  return { page, seen };
}

/** Steps of a test, each said when it holds; the first that does not leaves a picture. */
export function steps(page, dir) {
  return async (words, check) => {
    const began = Date.now();
    try {
      await check();
    } catch (error) {
      await page.screenshot({ path: join(dir, 'failed.png') });
      console.error(`not ok: ${words} (${dir}/failed.png)`);
      throw error;
    }
    console.log(`ok: ${words} (${Date.now() - began} ms)`);
  };
}

/** Pictures of a screen on a desk, on a phone and in the dark, each without a serious finding of axe-core. */
export async function look(page, dir, name) {
  const desk = page.viewportSize();
  await page.screenshot({ path: join(dir, `${name}.png`) });
  await accessible(page, name);
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.screenshot({ path: join(dir, `${name}-dark.png`) });
  await accessible(page, `${name}, dark`, { runOnly: ['color-contrast'] });
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 360, height: 740 });
  await page.screenshot({ path: join(dir, `${name}-phone.png`) });
  await accessible(page, `${name}, phone`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 360, `${name} is ${wide} pixels wide on a phone of 360`);
  await page.setViewportSize(desk);
}

async function accessible(page, name, options = {}) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe);
  const { violations } = await page.evaluate((options) => window.axe.run(document, { resultTypes: ['violations'], ...options }), options);
  const bad = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  const told = bad.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(' | ')}`);
  assert.deepEqual(told, [], name);
}

/** Nothing that names anybody outlives the page: no storage, cookie or address. */
export async function nothingIsKept(page) {
  const kept = await page.evaluate(async () => ({
    local: Object.keys(localStorage),
    session: Object.keys(sessionStorage),
    caches: (await caches.keys()).length,
    cookies: document.cookie,
    address: location.search + location.hash,
    title: document.title,
  }));
  assert.deepEqual(kept, { local: [], session: [], caches: 0, cookies: '', address: '', title: 'Bonfire' });
}

export async function until(holds, patience = 20_000) {
  const end = Date.now() + patience;
  while (!(await holds())) {
    assert.ok(Date.now() < end, `still not so after ${patience} ms: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
