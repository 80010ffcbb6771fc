// What people do, driven in a real browser against the mock server: node scripts/flows.mjs [name…]
import assert from 'node:assert/strict';
import { withBrowser } from './browser.mjs';

const FLOWS = {
  async 'log in, be sent back, log out'({ open }) {
    const { page, trouble } = await open({ path: '/keys' });
    await page.waitForURL('**/login?next=%2Fkeys');
    await page.getByLabel('Password', { exact: true }).fill('wrong');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('alert').getByText('not right').waitFor();
    await page.getByLabel('Password', { exact: true }).fill('operator');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.waitForURL('**/keys');
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.waitForURL((url) => url.pathname === '/');
    await page.getByRole('link', { name: 'Log in' }).waitFor();
    assert.equal(await page.getByRole('link', { name: 'Keys' }).count(), 0);
    return trouble;
  },
  async 'a viewer changes nothing'({ open }) {
    const { page, trouble } = await open({ path: '/keys', role: 'viewer' });
    await page.getByRole('grid').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Import keys' }).count(), 0);
    assert.equal(await page.getByRole('checkbox').count(), 0);
    return trouble;
  },
  async 'rankings move live and the window changes'({ open }) {
    const { page, trouble } = await open({ path: '/', role: 'viewer' });
    await page.getByRole('region', { name: /Latest crawls/ }).locator('li a').first().waitFor({ timeout: 8000 });
    const day = await page.locator('.stats').first().innerText();
    await page.getByRole('radio', { name: '7 d' }).click();
    await page.waitForURL('**/?window=168');
    await page.waitForFunction((old) => document.querySelector('.stats').innerText !== old, day);
    await page.keyboard.press('ArrowLeft');
    await page.waitForFunction(() => !location.search);
    return trouble;
  },
  async 'search finds an IP from the keyboard'({ open }) {
    const { page, trouble } = await open({ path: '/', role: 'viewer' });
    await page.keyboard.press('/');
    await page.keyboard.type('miku');
    await page.getByRole('option', { name: /Hatsune Miku/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL('**/ip/1');
    await page.getByRole('heading', { level: 1, name: /Hatsune Miku/ }).waitFor();
    return trouble;
  },
  async "an IP's chart shows the API's numbers"({ open }) {
    const { page, context, trouble } = await open({ path: '/ip/2', role: 'viewer' });
    const answer = await (await context.request.get(new URL('/api/v1/ips/2/stats/hourly?limit=24', page.url()).href)).json();
    await page.getByRole('button', { name: 'As table' }).first().click();
    const rows = await page.locator('figure table').first().locator('tbody tr').allInnerTexts();
    assert.equal(rows.length, answer.data.stats.length);
    rows.forEach((row, i) => {
      const [, outflow, inflow] = row.split('\t');
      assert.deepEqual([Number(outflow), Number(inflow)], [answer.data.stats[i].outflow, answer.data.stats[i].inflow]);
    });
    return trouble;
  },
  async 'keys: 10,000 rows, sort, filter, import 5,000, tag, delete by filter'({ open }) {
    const { page, trouble } = await open({ path: '/keys', role: 'operator' });
    const grid = page.getByRole('grid');
    await grid.waitFor();
    assert.equal(await grid.getAttribute('aria-rowcount'), '10001');
    assert.ok((await grid.locator('tbody tr').count()) < 70, 'only rows in sight are in the page');
    await grid.locator('..').evaluate((box) => (box.scrollTop = 38 * 7000));
    await page.waitForFunction(() => [...document.querySelectorAll('tbody tr')].some((tr) => Number(tr.dataset.index) > 7000 && tr.querySelector('code')));
    await page.getByRole('columnheader', { name: 'Remaining' }).getByRole('button').click();
    await page.waitForURL('**sort=remaining**');
    await page.getByRole('columnheader', { name: 'Remaining' }).getByRole('button').click();
    await page.waitForURL('**order=desc**');
    await page.waitForFunction(() => document.querySelector('tbody tr code'));

    await page.getByRole('button', { name: 'Import keys' }).click();
    const lines = ['name,key', ...Array.from({ length: 5000 }, (_, i) => `fresh-${i},fk-fresh${String(i).padStart(8, '0')}zz`), 'broken,nothing', 'fresh-0,fk-fresh00000000zz'];
    // As a paste: typing thousands of lines takes Chromium many seconds.
    await page.getByLabel('Paste keys').evaluate((area, text) => {
      const data = new DataTransfer();
      data.setData('text/plain', text);
      area.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
    }, lines.join('\n'));
    await page.getByRole('button', { name: 'Import', exact: true }).click();
    await page.getByText('Imported', { exact: true }).waitFor();
    const result = await page.getByRole('dialog').innerText();
    assert.match(result, /5,000\s*added/);
    assert.match(result, /1\s*there already/);
    assert.match(result, /5,002/);
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('searchbox', { name: 'Search name or key' }).fill('fresh-');
    await page.waitForFunction(() => document.querySelector('table')?.getAttribute('aria-rowcount') === '5001');

    await page.getByRole('checkbox', { name: /Select rows 1 to 200/ }).click();
    await page.getByText('200 selected').waitFor();
    await page.getByRole('button', { name: 'Select all 5,000 that match' }).click();
    await page.getByText('5,000 selected').waitFor();
    await page.getByRole('button', { name: 'Tags' }).click();
    await page.getByLabel('Add these').fill('batch-1');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('5,000 keys changed').waitFor();
    await page.getByRole('toolbar').getByRole('button', { name: 'Delete' }).click();
    const sure = page.getByRole('button', { name: 'Delete 5,000 keys' });
    assert.ok(await sure.isDisabled(), 'a large deletion asks for its number');
    await page.getByLabel(/Type 5000/).fill('5000');
    await sure.click();
    await page.getByText('5,000 keys deleted').waitFor();
    await page.getByText('Nothing matches').waitFor();
    return trouble;
  },
  async 'keys: from the keyboard, with progress and the full key'({ open }) {
    const { page, trouble } = await open({ path: '/keys', role: 'operator' });
    await page.locator('tbody tr[data-index="0"]').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Space');
    await page.getByText('1 selected').waitFor();
    await page.keyboard.press('End');
    await page.waitForFunction(() => document.activeElement?.dataset?.index === '9999');
    await page.getByRole('toolbar').getByRole('button', { name: 'Check now' }).click();
    await page.getByText(/Checked: 1 fine/).waitFor();
    await page.keyboard.press('Escape');
    await page.locator('tbody tr').last().focus();
    await page.locator('tbody tr[tabindex="0"] .btn').click();
    await page.getByRole('button', { name: 'Show key' }).click();
    await page.getByRole('dialog').getByText(/^fk-[a-z0-9]{24}$/).waitFor();
    await page.keyboard.press('Escape');
    assert.equal(await page.getByRole('dialog').count(), 0);
    return trouble;
  },
  async 'a threshold is changed'({ open }) {
    const { page, trouble } = await open({ path: '/accounts/4', role: 'operator' });
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByLabel('Limit').first().fill('35');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('remaining < 35').waitFor();
    return trouble;
  },
  async 'an account is added after a test'({ open }) {
    const { page, trouble } = await open({ path: '/accounts', role: 'operator' });
    await page.getByRole('button', { name: 'Add account' }).click();
    await page.getByLabel('Name').fill('Fresh one');
    await page.getByLabel('Secret').fill('sk-or-0123456789abcdef');
    await page.getByRole('button', { name: 'Test', exact: true }).click();
    await page.getByText('Remaining: $42.50').waitFor();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('article', { name: 'Fresh one' }).waitFor();
    return trouble;
  },
  async 'an alert is acknowledged, another snoozed'({ open }) {
    const { page, trouble } = await open({ path: '/alerts', role: 'operator' });
    await page.getByRole('button', { name: /^Acknowledge: SiliconFlow/ }).click();
    await page.getByRole('link', { name: /SiliconFlow/ }).getByText('acknowledged').waitFor();
    await page.getByRole('link', { name: /index 2.41/ }).click();
    await page.getByRole('button', { name: 'Snooze' }).click();
    await page.keyboard.press('Enter');
    await page.getByRole('region', { name: 'Alert', exact: true }).getByText('snoozed').first().waitFor();
    return trouble;
  },
  async 'a channel is tested and its form follows the kind'({ open }) {
    const { page, trouble } = await open({ path: '/channels', role: 'operator' });
    await page.getByRole('article', { name: 'DingTalk data team' }).getByRole('button', { name: 'Send a test' }).click();
    await page.getByText(/not delivered. errcode 310000/).waitFor();
    await page.getByRole('button', { name: 'Add channel' }).click();
    await page.getByRole('dialog').getByLabel('Kind').selectOption('email');
    await page.getByLabel('SMTP server').fill('smtp.example.com');
    await page.getByRole('dialog').getByLabel('Name', { exact: false }).first().fill('Mail 2');
    await page.getByLabel('From', { exact: false }).fill('a@example.com');
    await page.getByLabel(/^To/).fill('b@example.com');
    await page.getByRole('dialog').getByRole('button', { name: 'Send a test' }).click();
    await page.getByText('Delivered in 184 ms').waitFor();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('article', { name: 'Mail 2' }).waitFor();
    return trouble;
  },
  async 'a renewal is marked, dead letters are sent again'({ open }) {
    const { page, trouble } = await open({ path: '/reminders', role: 'operator' });
    await page.getByRole('button', { name: 'Renewed GitHub Team' }).click();
    await page.getByText('GitHub Team is marked renewed').waitFor();
    await page.goto(new URL('/system?tab=dead', page.url()).href);
    await page.getByRole('button', { name: /^Send all \d+ again/ }).click();
    await page.getByText('Nothing was given up').waitFor();
    return trouble;
  },
  async 'the language changes at once'({ open }) {
    const { page, trouble } = await open({ path: '/accounts', role: 'viewer' });
    for (const [lang, title] of [['zh', '账户'], ['ja', 'アカウント'], ['en', 'Accounts']]) {
      await page.getByRole('banner').getByRole('combobox').last().selectOption(lang);
      await page.getByRole('heading', { level: 1, name: title }).waitFor();
    }
    return trouble;
  },
  async 'a lost connection is said, and mended'({ open }) {
    const { page, context } = await open({ path: '/', role: 'viewer' });
    await context.setOffline(true);
    await page.evaluate(() => new Promise((r) => setTimeout(r, 200)));
    await context.addCookies([{ name: 'mock', value: 'offline', url: page.url() }]);
    await context.setOffline(false);
    await page.reload();
    await page.getByText(/The live connection was lost/).waitFor({ timeout: 12_000 });
    await context.clearCookies({ name: 'mock' });
    await page.getByRole('button', { name: 'Reconnect' }).click();
    await page.getByText(/The live connection was lost/).waitFor({ state: 'detached' });
    return [];
  },
};

const only = process.argv.slice(2);
let failed = 0;
for (const [name, run] of Object.entries(FLOWS)) {
  if (only.length && !only.some((word) => name.includes(word))) continue;
  const begun = performance.now();
  try {
    await withBrowser(async (world) => assert.deepEqual(await run(world), []));
    console.log(`ok   ${name} (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
  } catch (e) {
    failed += 1;
    console.log(`FAIL ${name}: ${String(e.message).split('\n').slice(0, 12).join('\n     ')}`);
  }
}
process.exitCode = failed ? 1 : 0;
