// Opens the playground of a running server in a real browser and uses it as a person would.
//
//   node test/smoke.mjs URL TOKEN [DIR]
//
// URL is the server's address (http://127.0.0.1:8080), TOKEN a bearer token it takes, DIR where
// the screenshots go (a new temporary directory by default). CHROMIUM names the browser.
// Ends with 0 when all holds, 1 when something does not, 2 on wrong usage.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const PATIENT = '00000000-0000-7000-8000-000000000101';

const [url, token, dir = mkdtempSync(join(tmpdir(), 'playground-'))] = process.argv.slice(2);
if (!url || !token) {
  console.error('usage: node test/smoke.mjs URL TOKEN [DIR]');
  process.exit(2);
}
mkdirSync(dir, { recursive: true });

const browser = await chromium.launch({
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
  ],
});
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  const seen = watch(page);
  await watchPolicy(page, seen);
  await page.goto(new URL('/playground/', url).href);

  await step('the examples open as tabs', () => examplesOpen(page));
  await step('the documentation shows Query', () => documentationShows(page, 'Query'));
  await step('the token is taken and a query runs', () => queryRuns(page));
  await step('the token serves the other tabs', () => tokenIsShared(page));
  await step('a subscription connects with the token', () => subscriptionConnects(page, seen));
  await step('an operation is tidied up', () => prettifies(page));
  await step('nothing is kept in the browser', () => nothingIsKept(page));
  await step('no console error, refused load or other origin', () => {
    assert.deepEqual(seen.errors, []);
    assert.deepEqual(seen.violations, []);
    assert.deepEqual(seen.foreign, []);
  });
  console.log(`screenshots: ${dir}`);
} finally {
  await browser.close();
}

async function step(words, check) {
  try {
    await check();
  } catch (error) {
    const page = browser.contexts()[0]?.pages()[0];
    await page?.screenshot({ path: join(dir, 'failed.png') });
    console.error(`not ok: ${words} (${dir}/failed.png)`);
    throw error;
  }
  console.log(`ok: ${words}`);
}

/** Collects what must not happen, and the frames of WebSockets. */
function watch(page) {
  const seen = { errors: [], violations: [], foreign: [], sent: [], received: [] };
  const home = new URL(url);
  const check = (address) => {
    const { protocol, host } = new URL(address);
    const local = protocol === 'data:' || protocol === 'blob:' || host === home.host;
    if (!local) seen.foreign.push(address);
  };

  page.on('console', (message) => {
    if (message.type() === 'error') seen.errors.push(message.text());
  });
  page.on('pageerror', (error) => seen.errors.push(String(error)));
  page.on('request', (request) => check(request.url()));
  page.on('websocket', (socket) => {
    check(socket.url());
    socket.on('framesent', ({ payload }) => seen.sent.push(JSON.parse(payload)));
    socket.on('framereceived', ({ payload }) => seen.received.push(JSON.parse(payload)));
  });
  return seen;
}

/** Collects violations of the content security policy, as the page itself is told of them. */
async function watchPolicy(page, seen) {
  await page.exposeFunction('reportViolation', (what) => seen.violations.push(what));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      window.reportViolation(`${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`);
    });
  });
}

async function examplesOpen(page) {
  await page.locator('.graphiql-query-editor .view-lines').waitFor();
  const titles = await page.locator('[id^="graphiql-session-tab-"]').allInnerTexts();
  assert.deepEqual(titles, [
    'Viewer',
    'Kinds',
    'CreateUpload',
    'File',
    'Files',
    'SignedUrl',
    'CreateNote',
    'SignNote',
    'FileEvents',
  ]);
  await page.screenshot({ path: join(dir, '1-examples.png') });
}

async function documentationShows(page, type) {
  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
  const docs = page.locator('.graphiql-plugin');
  await docs.getByRole('link', { name: type, exact: true }).click();
  await docs.getByRole('link', { name: 'viewer', exact: true }).waitFor();
  await page.screenshot({ path: join(dir, '2-documentation.png') });
  await page.getByRole('button', { name: 'Hide Documentation Explorer' }).click();
}

async function queryRuns(page) {
  await page.getByRole('button', { name: 'Headers', exact: true }).click();
  await write(page, page.getByLabel('Headers'), `{"Authorization": "Bearer ${token}"}`);
  await write(page, page.getByLabel('Operation Editor'), 'query { viewer { id } }');
  // GraphiQL reads the operation's name a moment after typing and shows it in the tab.
  await page.getByRole('tab', { name: '<untitled>' }).waitFor();
  await page.getByRole('button', { name: /Execute query/ }).click();
  const answer = await answered(page, /"viewer"/);
  assert.match(answer, /"id": "[^"]+"/);
  await page.screenshot({ path: join(dir, '3-answer.png') });
}

async function tokenIsShared(page) {
  await page.getByRole('tab', { name: 'Kinds' }).click();
  const headers = page.getByLabel('Headers');
  await headers.getByText('Authorization').waitFor();
  const request = page.waitForRequest((request) => request.postData()?.includes('query Kinds'));
  await page.getByRole('button', { name: /Execute query/ }).click();
  assert.equal((await request).headers().authorization, `Bearer ${token}`);
}

async function subscriptionConnects(page, seen) {
  await page.getByRole('tab', { name: 'FileEvents' }).click();
  await page.getByRole('button', { name: 'Variables', exact: true }).click();
  await page.getByLabel('Variables').getByText(PATIENT).waitFor();
  await page.getByRole('button', { name: /Execute query/ }).click();
  await until(() => seen.received.some((message) => message.type === 'connection_ack'));
  await until(() => seen.sent.some((message) => message.type === 'subscribe'));
  assert.deepEqual(seen.sent[0], {
    type: 'connection_init',
    payload: { authorization: `Bearer ${token}` },
  });
  const { payload } = seen.sent.find((message) => message.type === 'subscribe');
  assert.equal(payload.operationName, 'FileEvents');
  assert.deepEqual(payload.variables, { patientId: PATIENT });
  await page.screenshot({ path: join(dir, '4-subscription.png') });
}

async function prettifies(page) {
  await page.getByRole('tab', { name: 'File', exact: true }).click();
  const editor = page.getByLabel('Operation Editor');
  await write(page, editor, 'query File { viewer { id } }');
  await page.getByRole('button', { name: /Prettify query/ }).click();
  await until(async () => (await editor.locator('.view-line').count()) >= 5);
}

async function nothingIsKept(page) {
  const kept = await page.evaluate(async () => ({
    local: Object.keys(localStorage),
    session: Object.keys(sessionStorage),
    databases: (await indexedDB.databases()).length,
    caches: (await caches.keys()).length,
    cookies: document.cookie,
    address: location.search + location.hash,
  }));
  assert.deepEqual(kept, {
    local: [],
    session: [],
    databases: 0,
    caches: 0,
    cookies: '',
    address: '',
  });
}

/** Replaces the text of a Monaco editor, as pasting does. */
async function write(page, section, text) {
  await section.locator('.view-lines').filter({ visible: true }).click();
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.insertText(text);
}

/** The text of the response, once it matches. */
async function answered(page, pattern) {
  const response = page.locator('.result-window');
  await response.getByText(pattern).first().waitFor();
  // Monaco draws spaces as no-break spaces.
  return (await response.innerText()).replaceAll('\u00a0', ' ');
}

async function until(holds, patience = 10_000) {
  const end = Date.now() + patience;
  while (!(await holds())) {
    assert.ok(Date.now() < end, `still not so after ${patience} ms: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
