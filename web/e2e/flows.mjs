// What people come for, done in a browser, and compared with what the API says.
import assert from 'node:assert/strict';
import { accessible } from './pages.mjs';
import { password, until } from './program.mjs';
import { go } from './visitor.mjs';

const json = async (page, path) => {
  const answer = await page.context().request.get(path);
  assert.ok(answer.ok(), `${path}: ${answer.status()}`);
  return answer.json();
};

/** Whether pages have a button of that name. */
async function offers(page, due) {
  for (const [path, [name, there]] of Object.entries(due)) {
    await go(page, path);
    assert.equal((await page.getByRole('button', { name }).count()) > 0, there, `${path}: ${name}`);
  }
}

async function chooseFirst(page) {
  await go(page, '/keys');
  await page.locator('tbody tr[data-index="0"]').getByRole('checkbox').click();
  await page.getByText('1 selected').waitFor();
}

export const FLOWS = {
  'log in wrong and right, be sent back, log out': { role: 'nobody', async run(page) {
    await page.goto('/keys');
    await page.waitForURL('**/login?next=%2Fkeys');
    await page.getByLabel('User name').fill('operator');
    await page.getByLabel('Password', { exact: true }).fill('wrong');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('alert').getByText('not right').waitFor();
    await page.getByLabel('Password', { exact: true }).fill(password('operator'));
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.waitForURL('**/keys');
    await page.getByRole('grid').waitFor();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.waitForURL((url) => url.pathname === '/');
    assert.equal(await page.getByRole('link', { name: 'Keys' }).count(), 0);
    assert.equal((await page.context().request.get('/api/v1/keys')).status(), 401);
  } },
  'a viewer changes nothing': { role: 'viewer', async run(page) {
    await go(page, '/keys');
    await page.getByRole('grid').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Import keys' }).count(), 0);
    assert.equal(await page.getByRole('checkbox').count(), 0);
    await go(page, '/alerts');
    assert.equal(await page.getByRole('button', { name: /^Acknowledge/ }).count(), 0);
  } },
  'an operator is offered nothing that is refused': { role: 'operator', async run(page) {
    await offers(page, { '/channels': [/^(Add channel|Send a test)$/, false], '/keys': ['Import keys', true], '/accounts': ['Add account', true] });
    await chooseFirst(page);
    assert.equal(await page.getByRole('toolbar').getByRole('button', { name: 'Copy' }).count(), 0);
    await page.getByRole('toolbar').getByRole('button', { name: 'Export' }).click();
    assert.deepEqual(await page.getByRole('menuitem').allInnerTexts().then((all) => all.filter((text) => /full/i.test(text))), []);
    await page.keyboard.press('Escape');
    await page.locator('tbody tr[data-index="0"]').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Show key' }).count(), 0);
    for (const path of ['/api/v1/keys/1/full', '/api/v1/system/audit']) assert.equal((await page.context().request.get(path)).status(), 403, path);
  } },
  'an administrator sees a whole key': { role: 'admin', async run(page) {
    await offers(page, { '/channels': [/^(Add channel|Send a test)$/, true] });
    await chooseFirst(page);
    await page.getByRole('toolbar').getByRole('button', { name: 'Copy' }).waitFor();
    await page.locator('tbody tr[data-index="0"]').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Show key' }).click();
    const [{ id }] = (await json(page, '/api/v1/keys?page_size=1')).data;
    const { key } = (await json(page, `/api/v1/keys/${id}/full`)).data;
    await page.getByRole('dialog').getByText(key, { exact: true }).waitFor();
  } },
  'rankings move live': { role: 'nobody', async run(page) {
    await go(page, '/');
    const region = page.getByRole('region', { name: /Latest crawls/ });
    await region.locator('li a').first().waitFor();
    const before = await region.innerText();
    await until('another crawl shown', async () => (await region.innerText()) !== before);
    const numbers = () => page.locator('main table, main ol').allInnerTexts().then((all) => all.join('\n'));
    const ranking = await numbers();
    await until('the ranking moved', async () => (await numbers()) !== ranking, 90);
    await page.getByRole('radio', { name: '7 d' }).click();
    await page.waitForURL('**/?window=168');
  } },
  "an IP's chart shows the API's numbers": { role: 'nobody', async run(page) {
    // The last hours may be completed while we look: ask before and after, and compare what did not change.
    const hours = async () => (await json(page, '/api/v1/ips/1/stats/hourly?limit=24')).data.stats;
    const same = async () => {
      const before = await hours();
      await go(page, '/ip/1');
      await page.getByRole('button', { name: 'As table' }).first().click();
      const rows = await page.locator('figure table').first().locator('tbody tr').allInnerTexts();
      const after = await hours();
      if (JSON.stringify(before) !== JSON.stringify(after)) return false;
      assert.equal(rows.length, after.length);
      rows.forEach((row, i) => {
        const [, outflow, inflow] = row.split('\t').map((cell) => Number(cell.replace(/[^\d.-]/g, '')));
        assert.deepEqual([outflow, inflow], [after[i].outflow, after[i].inflow], row);
      });
      return rows.length > 12;
    };
    await until('an hour that holds still', same, 60);
  } },
  '5,000 keys are imported, sorted, filtered and deleted': { role: 'operator', async run(page) {
    await go(page, '/keys');
    const grid = page.getByRole('grid');
    await grid.waitFor();
    const before = (await json(page, '/api/v1/keys?page_size=1')).total;
    assert.equal(Number(await grid.getAttribute('aria-rowcount')), before + 1);
    assert.ok((await grid.locator('tbody tr').count()) < 70, 'only rows in sight are in the page');
    await page.getByRole('button', { name: 'Import keys' }).click();
    const lines = ['name,key', ...Array.from({ length: 5000 }, (_, i) => `fresh-${i},fk-fresh${String(i).padStart(8, '0')}zz`), 'fresh-0,fk-fresh00000000zz'];
    // As a paste: typing thousands of lines takes Chromium many seconds.
    await page.getByLabel('Paste keys').evaluate((area, text) => {
      const data = new DataTransfer();
      data.setData('text/plain', text);
      area.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
    }, lines.join('\n'));
    await page.getByRole('button', { name: 'Import', exact: true }).click();
    await page.getByText('Imported', { exact: true }).waitFor({ timeout: 60_000 });
    assert.match(await page.getByRole('dialog').innerText(), /5,000\s*added/);
    await page.getByRole('button', { name: 'Done' }).click();
    assert.equal((await json(page, '/api/v1/keys?page_size=1')).total, before + 5000);

    await page.getByRole('searchbox', { name: 'Search name or key' }).fill('fresh-');
    await until('filtered', async () => (await grid.getAttribute('aria-rowcount')) === '5001');
    await page.getByRole('columnheader', { name: 'Key' }).getByRole('button').click();
    await page.waitForURL('**sort=name**');
    const first = async () => (await page.locator('tbody tr[data-index="0"]').innerText()).match(/fresh-\d+/)?.[0];
    const order = new URL(page.url()).searchParams.get('order') ?? 'asc';
    const asked = (await json(page, `/api/v1/keys?page_size=1&q=fresh-&sort=name&order=${order}`)).data[0].name;
    await until(`${asked} first`, async () => (await first()) === asked);

    await page.getByRole('checkbox', { name: /Select rows 1 to 200/ }).click();
    await page.getByText('200 selected').waitFor();
    await page.getByRole('button', { name: 'Select all 5,000 that match' }).click();
    await page.getByText('5,000 selected').waitFor();
    await page.getByRole('toolbar').getByRole('button', { name: 'Delete' }).click();
    const sure = page.getByRole('button', { name: 'Delete 5,000 keys' });
    assert.ok(await sure.isDisabled(), 'a large deletion asks for its number');
    await page.getByLabel(/Type 5000/).fill('5000');
    await sure.click();
    await page.getByText('5,000 keys deleted').waitFor({ timeout: 60_000 });
    assert.equal((await json(page, '/api/v1/keys?page_size=1')).total, before);
  } },
  'an alert is acknowledged': { role: 'operator', async run(page) {
    const open = async () => (await json(page, '/api/v1/alerts?status=firing&page_size=50')).data.find((alert) => !alert.acknowledged_at);
    const alert = await until('an alert that nobody has seen', open, 120);
    await go(page, `/alerts/${alert.id}`);
    await page.getByRole('region', { name: 'Alert', exact: true }).getByRole('button', { name: /^Acknowledge/ }).click();
    await until('acknowledged', async () => (await json(page, `/api/v1/alerts/${alert.id}`)).data.acknowledged_by === 'operator');
    await page.getByText('Acknowledged by operator').waitFor();
  } },
  'a threshold is changed': { role: 'operator', async run(page) {
    const accounts = (await json(page, '/api/v1/accounts?page_size=50')).data;
    const account = accounts.find((a) => a.thresholds.some((t) => /^remaining < [\d.]+$/.test(t.when)));
    assert.ok(account, 'an account with a limit');
    await go(page, `/accounts/${account.id}`);
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByLabel('Limit').first().fill('35.5');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('remaining < 35.5').waitFor();
    const now = (await json(page, `/api/v1/accounts/${account.id}`)).data;
    assert.ok(now.thresholds.some((t) => t.when === 'remaining < 35.5'), JSON.stringify(now.thresholds));
  } },
  'the API is read, searched and tried': { role: 'viewer', async run(page) {
    await go(page, '/settings');
    await page.locator('main a[href="/api-docs"]').click();
    const count = page.getByRole('status').getByText(/\d+ routes?/);
    const { paths } = await json(page, '/api/openapi.json');
    const all = Object.values(paths).flatMap((of) => Object.keys(of)).length;
    await page.getByText(`${all} routes`).waitFor();
    await page.getByRole('searchbox', { name: 'Search routes' }).fill('GET leaderboard');
    await until('searched', async () => (await count.innerText()) === '1 route');
    await page.locator('details summary').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('group', { name: 'Parameters' }).waitFor();
    await page.getByRole('group', { name: 'Example' }).getByText("/api/v1/leaderboard'").waitFor();
    await page.getByLabel('type', { exact: true }).fill('hot');
    await page.getByRole('button', { name: 'Send' }).click();
    const shown = JSON.parse(await page.getByRole('group', { name: 'Answer', exact: true }).innerText());
    assert.equal(shown.data.type, 'hot');
    assert.deepEqual(await accessible(page), []);
  } },
  'an alert is snoozed': { role: 'operator', async run(page) {
    const open = async () => (await json(page, '/api/v1/alerts?status=firing&page_size=50')).data.at(-1);
    const alert = await until('an alert', open, 120);
    await go(page, `/alerts/${alert.id}`);
    await page.getByRole('button', { name: 'Snooze' }).click();
    await page.keyboard.press('Enter');
    await until('snoozed', async () => (await json(page, `/api/v1/alerts/${alert.id}`)).data.status === 'snoozed');
  } },
  'a search from the keyboard and another language': { role: 'nobody', async run(page) {
    await go(page, '/');
    await page.keyboard.press('/');
    await page.keyboard.type('miku');
    await page.getByRole('option', { name: /Hatsune Miku/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL('**/ip/1');
    await go(page, '/settings');
    for (const [lang, title] of [['zh', '设置'], ['ja', '設定'], ['en', 'Settings']]) {
      await page.getByRole('banner').getByRole('combobox').last().selectOption(lang);
      await page.getByRole('heading', { level: 1, name: title }).waitFor();
    }
  } },
  'the audit log says who did it': { role: 'admin', async run(page) {
    await go(page, '/system?tab=audit');
    await page.getByRole('cell', { name: 'operator' }).first().waitFor();
  } },
};
