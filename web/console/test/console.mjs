// A day at the console of a running server, in a real browser.
//
//   node test/console.mjs URL BUCKET DEVICE FILES [DIR]
//
// URL is the console's address, BUCKET that of the S3 server, DEVICE an address of the same server
// for what another device does, FILES a folder with visit.wav, form.pdf and wound.jpg, DIR where the
// screenshots go (a new temporary directory by default). The line to URL may break: that is what
// uploads are for. CHROMIUM names the browser. Ends with 0 when all holds.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Device } from './device.mjs';
import { launch, look, nothingIsKept, open, steps, until } from './page.mjs';

const PATIENT = '00000000-0000-7000-8000-000000000101';
const [url, bucket, elsewhere, files, dir = mkdtempSync(join(tmpdir(), 'console-'))] = process.argv.slice(2);
if (!files) {
  console.error('usage: node test/console.mjs URL BUCKET DEVICE FILES [DIR]');
  process.exit(2);
}
mkdirSync(dir, { recursive: true });
const browser = await launch();
try {
  const { page, seen } = await open(browser, url, { others: [bucket] });
  const step = steps(page, dir);
  const button = (name, within = page) => within.getByRole('button', { name, exact: true });
  const drawer = page.getByRole('dialog').last();
  const tab = (name) => page.getByRole('tab', { name }).click();
  const close = () => button('Close', drawer).click();

  const signIn = async (name) => {
    await page.getByLabel('Demo principal').selectOption(name);
    await button('Sign in').click();
    await page.getByRole('navigation', { name: 'Patients' }).waitFor();
  };
  const upload = async (kind, file) => {
    await tab('Add');
    const form = page.getByRole('form', { name: 'Upload files' });
    await form.getByLabel('Kind').selectOption(kind);
    await form.getByLabel('Files').setInputFiles(join(files, file));
    await button('Upload', form).click();
    await page.getByRole('listitem').filter({ hasText: file }).getByText('Stored').waitFor({ timeout: 60_000 });
  };
  const openFile = async (name) => {
    await tab('Files');
    await page.getByRole('button', { name: new RegExp(`^${name}`) }).first().click();
    await drawer.getByRole('heading', { name }).first().waitFor();
  };

  await step('a demo principal signs in', async () => {
    await page.getByLabel('Demo principal').waitFor();
    await look(page, dir, '01-sign-in');
    await signIn('clinician');
    await look(page, dir, '02-patients');
    await page.getByRole('button', { name: /^Robin Vale/ }).click();
    await page.getByRole('tab', { name: 'Files' }).waitFor();
  });

  await step('a file of the wrong type is refused at its field', async () => {
    await tab('Add');
    const form = page.getByRole('form', { name: 'Upload files' });
    await form.getByLabel('Kind').selectOption('wound-photo');
    await form.getByLabel('Files').setInputFiles(join(files, 'visit.wav'));
    await form.getByText('does not take audio').waitFor();
    assert.equal(await form.getByLabel('Files').getAttribute('aria-invalid'), 'true');
    await look(page, dir, '03-refused-file');
  });

  await step('a recording arrives over a line that breaks', () => upload('session-audio', 'visit.wav'));
  await step('a PDF and a picture arrive', async () => {
    await upload('intake-form', 'form.pdf');
    await upload('wound-photo', 'wound.jpg');
    await tab('Files');
    await page.getByRole('button', { name: /^form.pdf/ }).waitFor();
    await look(page, dir, '04-files');
  });

  await step('the list is filtered', async () => {
    await page.getByRole('form', { name: 'Filters' }).getByLabel('Kind').selectOption('intake-form');
    await page.getByRole('button', { name: /^wound.jpg/ }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: /^form.pdf/ }).waitFor();
    await page.getByRole('form', { name: 'Filters' }).getByLabel('Kind').selectOption('');
    await page.getByRole('button', { name: /^wound.jpg/ }).waitFor();
  });

  await step('a picture and a PDF are shown from the bucket', async () => {
    await openFile('wound.jpg');
    await button('View', drawer).click();
    await until(() => drawer.locator('img').evaluate((img) => img.naturalWidth === 1600));
    assert.equal(new URL(await drawer.locator('img').getAttribute('src')).origin, new URL(bucket).origin);
    await look(page, dir, '05-picture');
    await close();
    await openFile('form.pdf');
    const shown = page.waitForResponse((response) => response.url().startsWith(bucket));
    await button('View', drawer).click();
    assert.equal((await shown).status(), 200);
    await until(() => page.frames().some((frame) => frame.url().startsWith('chrome-extension:'))); // the viewer has taken it
    await page.screenshot({ path: join(dir, '06-pdf.png') });
    await close();
  });

  await step('a recording plays from where it is sought', async () => {
    await openFile('visit.wav');
    await button('Play', drawer).click();
    const player = drawer.locator('audio');
    await until(() => player.evaluate((audio) => audio.readyState >= 1 && audio.duration > 30));
    await player.evaluate((audio) => {
      audio.currentTime = 20;
      return audio.play();
    });
    await until(() => player.evaluate((audio) => audio.currentTime > 20.2 && !audio.paused));
    await look(page, dir, '07-recording');
  });

  await step('a note is drafted from it', async () => {
    await button('Draft a note from this', drawer).click();
    await drawer.getByLabel('Title').fill('Follow-up');
    await drawer.getByLabel('Text').fill('Less pain in the left knee.');
    await button('Save draft', drawer).click();
    await drawer.getByRole('button', { name: /^Follow-up/ }).click();
    await drawer.getByRole('heading', { name: 'Follow-up' }).waitFor();
    await drawer.getByText('Written from').waitFor();
  });

  await step('a draft that somebody else has changed is not signed', async () => {
    await until(() => button('Sign note', drawer).isEnabled());
    const colleague = await Device.of('clinician', elsewhere);
    await colleague.edit(await colleague.newestNote(PATIENT), 'Less pain in the right knee.');
    await button('Sign note', drawer).click();
    await drawer.getByText('It has changed while you were reading').waitFor();
    await look(page, dir, '08-conflict');
    await button('Show the new version', drawer).click();
    await until(async () => (await drawer.getByLabel('Text').inputValue()) === 'Less pain in the right knee.');
  });

  await step('the text that was read is signed, and amended', async () => {
    await button('Sign note', drawer).click();
    await drawer.getByText('Signed by Dr. Ada Marsh').waitFor();
    await drawer.getByText('Amend', { exact: true }).click();
    await drawer.getByLabel('Amended text').fill('Less pain in the left knee.');
    await drawer.getByLabel('Reason').first().fill('the other knee');
    await button('Draft the amendment', drawer).click();
    await drawer.getByLabel('Provenance').waitFor();
    await look(page, dir, '09-signed');
    await close();
    await close();
    await tab('Notes');
    await page.getByRole('button', { name: /Draft$/ }).waitFor();
    await look(page, dir, '10-notes');
  });

  await step('an upload of another device is followed, and its file appears', async () => {
    await tab('Add');
    const device = await Device.of('clinician', elsewhere);
    const bytes = new TextEncoder().encode('Allergic to penicillin.\n'.repeat(4000));
    const { send } = await device.upload({ patientId: PATIENT, kind: 'intake-form', contentType: 'text/plain', size: bytes.length, title: 'From the ward' });
    await button('Refresh').click();
    const line = page.getByRole('listitem').filter({ hasText: 'From the ward' });
    await line.getByText('0 bytes of 96 kB').waitFor();
    await send(bytes.subarray(0, 48_000));
    await line.getByText('48 kB of 96 kB').waitFor();
    await look(page, dir, '11-under-way');
    await tab('Files');
    await page.getByRole('button', { name: /^visit.wav/ }).waitFor();
    await send(bytes.subarray(48_000));
    await page.getByRole('button', { name: /^From the ward/ }).waitFor();
  });

  await step('a recording outlives a lost network and a closed page', async () => {
    await tab('Add');
    const form = page.getByRole('form', { name: 'Record a visit' });
    await form.getByLabel('Title').fill('Visit');
    await button('Record', form).click();
    const strip = page.getByRole('region', { name: 'Recording' });
    const seconds = async (name) => {
      const [m, s] = (await strip.locator('div', { hasText: name }).locator('dd').innerText()).split(':').map(Number);
      return 60 * m + s;
    };
    await until(async () => (await seconds('durable')) >= 1);
    await page.context().setOffline(true);
    await until(async () => (await seconds('on this device')) >= 2);
    await look(page, dir, '12-recording');
    const captured = await seconds('captured');
    await page.context().setOffline(false);
    await page.reload();
    await signIn('clinician');
    await page.getByRole('button', { name: /^Robin Vale/ }).click();
    await tab('Add');
    const left = page.getByRole('region', { name: 'Unfinished recordings' });
    await left.getByText('Visit').waitFor();
    const [, m, s] = /(\d+):(\d+) captured/.exec(await left.innerText());
    assert.ok(60 * Number(m) + Number(s) >= captured - 1, `${m}:${s} is left of ${captured} s`);
    await look(page, dir, '13-unfinished');
    await button('Go on recording', left).click();
    const more = captured + 1;
    await until(async () => (await seconds('captured')) >= more);
    await button('Stop', strip).click();
    await strip.waitFor({ state: 'detached', timeout: 60_000 });
    await openFile('Visit');
    await button('Play', drawer).click();
    await until(() => drawer.locator('audio').evaluate((audio) => audio.readyState >= 2));
    await close();
  });

  await step('a file is retracted, with a reason', async () => {
    await openFile('From the ward');
    await drawer.getByText('It was entered in error').click();
    await drawer.getByLabel('Reason').last().fill('of another patient');
    await button('Retract', drawer).click();
    await drawer.getByText('Entered in error', { exact: true }).waitFor();
    await drawer.getByText('“of another patient”').waitFor();
    await look(page, dir, '14-retracted');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const focused = await page.evaluate(() => document.activeElement?.textContent);
    assert.match(focused, /^From the ward/, 'the focus goes back to the row');
  });

  await step('nothing is kept in the browser', () => nothingIsKept(page));

  await step('a colleague is told no more than that there is nothing to know', async () => {
    await button('Sign out').click();
    await signIn('colleague');
    await page.getByText('Open a chart by its id').click();
    await page.getByLabel('Patient id').fill(PATIENT);
    await button('Open chart').click();
    const refusal = page.getByRole('alert');
    await refusal.getByText('Not found').waitFor();
    await refusal.getByText(/^Request/).waitFor();
    await look(page, dir, '15-refused');
    const file = await (await Device.of('clinician', elsewhere)).newestFile(PATIENT);
    const colleague = await Device.of('colleague', elsewhere);
    await assert.rejects(colleague.ask('mutation($id: ID!) { signedUrl(documentId: $id) { url } }', { id: file }), /NOT_FOUND/);
  });

  await step('in an emergency the glass is broken', async () => {
    await page.getByText('This is an emergency').click();
    await page.getByLabel('Why you need it').fill('unconscious in the emergency room');
    await button('Break the glass').click();
    await page.getByRole('heading', { name: 'Robin Vale' }).waitFor();
    await page.getByRole('button', { name: /^visit.wav/ }).waitFor();
  });

  await step('an auditor reads who asked and who was refused', async () => {
    await button('Sign out').click();
    await signIn('auditor');
    await page.getByRole('button', { name: /^Robin Vale/ }).click();
    const report = page.getByRole('table');
    await report.getByText('Dr. Ada Marsh').first().waitFor();
    await report.locator('tr', { hasText: 'Dr. Ben Okoro' }).getByText('Refused').first().waitFor();
    await look(page, dir, '16-access-report');
  });

  await step('no console error, refused load or other origin', () => {
    // The line that breaks and the network that goes away are what this day is about, and so is how
    // tus says that it has gone on without us: locked, or another offset.
    const cut = /net::ERR_(INTERNET_DISCONNECTED|CONNECTION_RESET|EMPTY_RESPONSE|CONNECTION_CLOSED|SOCKET_NOT_CONNECTED)|WebSocket connection to|status of (409|423) .*\/uploads\//;
    assert.deepEqual(seen.errors.filter((text) => !cut.test(text)), []);
    assert.deepEqual(seen.violations, []);
    assert.deepEqual(seen.foreign, []);
  });
  console.log(`screenshots: ${dir}`);
} finally {
  await browser.close();
}
