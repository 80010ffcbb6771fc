// Pictures of every page, to be looked at: node scripts/shots.mjs FOLDER [name…]
import { mkdir } from 'node:fs/promises';
import { withBrowser } from './browser.mjs';

const [folder = 'shots', ...only] = process.argv.slice(2);
const phone = { width: 360, height: 740, touch: true };
const CASES = {
  overview: { path: '/', role: 'operator', full: true },
  'overview-public': { path: '/' },
  'overview-ja-dark': { path: '/', role: 'operator', lang: 'ja', dark: true },
  'overview-zh': { path: '/?window=168', role: 'operator', lang: 'zh' },
  'overview-phone': { path: '/', role: 'operator', ...phone, full: true },
  'overview-wide': { path: '/', role: 'operator', width: 2560, height: 1440 },
  'overview-empty': { path: '/', role: 'operator', mock: 'empty' },
  'overview-error': { path: '/', role: 'operator', mock: 'error' },
  'overview-loading': { path: '/', role: 'operator', mock: 'slow' },
  ip: { path: '/ip/1', role: 'operator', full: true },
  'ip-dark': { path: '/ip/10?span=168', role: 'operator', dark: true, full: true },
  'ip-phone': { path: '/ip/4', ...phone, full: true },
  'ip-failing': { path: '/ip/18', role: 'operator' },
  'ip-new': { path: '/ip/36', role: 'operator' },
  accounts: { path: '/accounts', role: 'operator', full: true },
  'accounts-dark': { path: '/accounts', role: 'operator', dark: true },
  'accounts-table': { path: '/accounts?view=table', role: 'viewer' },
  'accounts-phone': { path: '/accounts', role: 'operator', ...phone },
  'accounts-empty': { path: '/accounts', role: 'operator', mock: 'empty' },
  account: { path: '/accounts/1', role: 'operator', full: true },
  'account-stale-ja': { path: '/accounts/7', role: 'operator', lang: 'ja', full: true },
  keys: { path: '/keys', role: 'operator' },
  'keys-dark-zh': { path: '/keys?status=failed', role: 'operator', dark: true, lang: 'zh' },
  'keys-phone': { path: '/keys', role: 'operator', ...phone },
  'keys-empty': { path: '/keys', role: 'operator', mock: 'empty' },
  'keys-error': { path: '/keys', role: 'operator', mock: 'error' },
  reminders: { path: '/reminders', role: 'operator', full: true },
  'reminders-phone-zh': { path: '/reminders', role: 'operator', lang: 'zh', ...phone, full: true },
  mailboxes: { path: '/reminders?tab=mailboxes', role: 'operator' },
  alerts: { path: '/alerts?id=102', role: 'operator', full: true },
  'alerts-dark': { path: '/alerts', role: 'operator', dark: true },
  'alerts-phone': { path: '/alerts', role: 'operator', ...phone },
  'alerts-empty-ja': { path: '/alerts', role: 'operator', mock: 'empty', lang: 'ja' },
  channels: { path: '/channels', role: 'operator' },
  deliveries: { path: '/channels?tab=deliveries', role: 'operator', dark: true },
  system: { path: '/system', role: 'admin' },
  'system-schedule': { path: '/system?tab=schedule', role: 'admin' },
  'system-upstreams-dark': { path: '/system?tab=upstreams', role: 'admin', dark: true },
  'system-audit-zh': { path: '/system?tab=audit', role: 'admin', lang: 'zh' },
  settings: { path: '/settings', role: 'operator' },
  'settings-phone-ja': { path: '/settings', role: 'operator', lang: 'ja', ...phone },
  login: { path: '/login' },
  'login-dark-zh': { path: '/login?expired=1', dark: true, lang: 'zh' },
  missing: { path: '/nowhere', role: 'viewer' },
};

await mkdir(folder, { recursive: true });
let bad = 0;
await withBrowser(async ({ open }) => {
  for (const [name, options] of Object.entries(CASES)) {
    if (only.length && !only.some((word) => name.startsWith(word))) continue;
    const { page, context, trouble } = await open(options);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wide > 0) trouble.push(`the page is ${wide} px too wide`);
    await page.screenshot({ path: `${folder}/${name}.png`, fullPage: options.full ?? false });
    if (trouble.length) console.log(name, trouble);
    bad += trouble.length;
    await context.close();
  }
});
process.exitCode = bad ? 1 : 0;
