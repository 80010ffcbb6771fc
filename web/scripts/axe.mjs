// axe over every page as each role: node scripts/axe.mjs [path…]. Nothing serious may be found.
import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import { withBrowser } from './browser.mjs';

const source = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PATHS = ['/', '/ip/1', '/ip/18', '/ip/36', '/accounts', '/accounts?view=table', '/accounts/1', '/accounts/7', '/keys', '/reminders', '/reminders?tab=mailboxes', '/alerts?id=102', '/channels', '/channels?tab=deliveries', '/system', '/system?tab=schedule', '/system?tab=upstreams', '/system?tab=dead', '/system?tab=audit', '/settings', '/nowhere'];
const only = process.argv.slice(2);

/** Opened by a press, looked at as well. */
const PRESSES = { '/': ['Add IP', 'Import'], '/accounts': ['Add account'], '/keys': ['Import keys'], '/reminders': ['Add subscription'], '/reminders?tab=mailboxes': ['Add mailbox'], '/channels': ['Add channel'] };

let found = 0;
async function look(page, where) {
  // Injected by the debugger, which the content security policy does not bind.
  await page.evaluate(source);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  for (const v of violations) {
    found += 1;
    console.log(`${where}: ${v.impact} ${v.id}: ${v.help}`);
    for (const node of v.nodes.slice(0, 4)) console.log(`    ${node.target.join(' ')}  ${node.any?.[0]?.message ?? node.all?.[0]?.message ?? ''}`);
  }
}

await withBrowser(async ({ open }) => {
  const cases = [
    ...PATHS.flatMap((path) => [{ path, role: 'admin' }, { path, role: 'admin', dark: true }]),
    ...['/', '/ip/1', '/accounts', '/keys', '/alerts', '/reminders'].flatMap((path) => [{ path, role: 'viewer', width: 360, height: 740, lang: 'ja' }, { path, role: 'operator', mock: 'empty', lang: 'zh' }, { path, role: 'operator', mock: 'error' }]),
    { path: '/login' }, { path: '/login', dark: true, lang: 'ja' }, { path: '/' },
  ];
  for (const options of cases) {
    if (only.length && !only.includes(options.path)) continue;
    const { page, context, trouble } = await open(options);
    const where = `${options.path} ${options.role ?? 'anonymous'}${options.dark ? ' dark' : ''}${options.mock ? ` ${options.mock}` : ''}${options.lang ? ` ${options.lang}` : ''}`;
    await look(page, where);
    for (const name of options.role === 'admin' && !options.dark ? (PRESSES[options.path] ?? []) : []) {
      await page.getByRole('button', { name, exact: true }).first().click();
      await page.waitForTimeout(300);
      await look(page, `${where} › ${name}`);
      await page.keyboard.press('Escape');
    }
    for (const line of trouble) console.log(`${where}: ${line}`);
    found += trouble.length;
    await context.close();
  }
});
console.log(found ? `${found} found` : 'nothing found');
process.exitCode = found ? 1 : 0;
