// Signing in at an identity provider, in a real browser.
//
//   node test/provider.mjs URL ISSUER NAME [DIR]
//
// URL is the console's address, ISSUER that of a provider whose page has a button "Allow", NAME who
// that is at the clinic, DIR where the screenshots go.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch, look, nothingIsKept, open, steps, until } from './page.mjs';

const [url, issuer, name, dir = mkdtempSync(join(tmpdir(), 'console-'))] = process.argv.slice(2);
if (!name) {
  console.error('usage: node test/provider.mjs URL ISSUER NAME [DIR]');
  process.exit(2);
}
mkdirSync(dir, { recursive: true });
const browser = await launch();
try {
  const { page, seen } = await open(browser, url, { others: [issuer] });
  const step = steps(page, dir);
  const host = new URL(issuer).host;
  const allow = async (button) => {
    const popup = page.waitForEvent('popup');
    await button.click();
    const provider = await popup;
    const asked = new URL(provider.url());
    await provider.getByRole('button', { name: 'Allow' }).click();
    return { provider, asked: asked.searchParams };
  };

  await step('a person signs in with a code and PKCE', async () => {
    const button = page.getByRole('button', { name: `Sign in at ${host}` });
    await button.waitFor();
    await look(page, dir, '01-sign-in');
    const { provider, asked } = await allow(button);
    assert.equal(asked.get('response_type'), 'code');
    assert.equal(asked.get('code_challenge_method'), 'S256');
    await page.getByText(name).waitFor(); // though the first token had ended when it came
    await page.getByText('No patients to show you.').waitFor();
    await until(() => provider.isClosed());
  });
  await step('nothing is kept in the browser', () => nothingIsKept(page));
  await step('no console error, refused load or other origin', () => {
    assert.deepEqual(seen.errors.filter((text) => !text.includes('status of 401')), []);
    assert.deepEqual(seen.violations, []);
    assert.deepEqual(seen.foreign, []);
  });
  console.log(`screenshots: ${dir}`);
} finally {
  await browser.close();
}
