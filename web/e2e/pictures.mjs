// Pictures of every page before the real program, to be looked at: node e2e/pictures.mjs FOLDER [name…]
import { mkdir } from 'node:fs/promises';
import { withProgram } from './program.mjs';
import { go, logIns, visit, withBrowser } from './visitor.mjs';

const PHONE = { width: 360, height: 740 };
const PAGES = {
  overview: '/', ip: '/ip/1', accounts: '/accounts', 'accounts-table': '/accounts?view=table', account: '/accounts/1', keys: '/keys', reminders: '/reminders',
  mailboxes: '/reminders?tab=mailboxes', alerts: '/alerts', channels: '/channels', deliveries: '/channels?tab=deliveries', system: '/system',
  schedule: '/system?tab=schedule', workers: '/system?tab=workers', upstreams: '/system?tab=upstreams', audit: '/system?tab=audit', settings: '/settings', api: '/api-docs', missing: '/nowhere',
  'keys-nothing-found': '/keys?q=nobody-has-this', 'ip-unknown': '/ip/999999', 'account-unknown': '/accounts/999999',
};
const SCREENS = { light: { lang: 'en' }, dark: { lang: 'ja', dark: true }, phone: { lang: 'zh', ...PHONE } };

const [folder = 'pictures', ...only] = process.argv.slice(2);
await mkdir(folder, { recursive: true });
await withProgram(
  (base) =>
    withBrowser(async (browser) => {
      const states = await logIns(browser, base);
      for (const [screen, options] of Object.entries(SCREENS)) {
        const { context, page } = await visit(browser, base, states.admin, options);
        for (const [name, path] of Object.entries(PAGES)) {
          if (only.length && !only.some((word) => name.startsWith(word))) continue;
          await go(page, path);
          // Bars and bubbles come to rest.
          await page.waitForTimeout(600);
          await page.screenshot({ path: `${folder}/${name}-${screen}.png` });
        }
        await context.close();
      }
    }),
  { args: ['--keys', '10000'] },
);
