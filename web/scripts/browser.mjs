// Starts the mock server and Debian's Chromium, and hands over a page for each case.
import { spawn } from 'node:child_process';
import { chromium } from 'playwright-core';

const mock = new URL('../mock/server.mjs', import.meta.url).pathname;

/** Runs `work({ browser, base, open })`; what was started is stopped, whatever happens. */
export async function withBrowser(work) {
  const server = spawn(process.execPath, [mock], { env: { ...process.env, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] });
  let browser;
  try {
    const base = await new Promise((resolve, reject) => {
      server.stdout.once('data', (text) => resolve(String(text).trim()));
      server.once('exit', () => reject(new Error('the mock server ended')));
    });
    browser = await chromium.launch({ executablePath: process.env.CHROME_BIN ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
    await work({ browser, base, open: (options) => open(browser, base, options) });
  } finally {
    await browser?.close();
    server.kill();
  }
}

/** A page at `path` as `role`; `trouble` gathers errors of the console and requests that leave the machine. */
async function open(browser, base, { path = '/', role, width = 1440, height = 900, dark = false, lang = 'en', mock: mode, touch = false }) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: dark ? 'dark' : 'light', locale: lang, timezoneId: 'Asia/Tokyo', hasTouch: touch, isMobile: touch });
  if (role) await context.request.post(`${base}/api/login`, { data: { password: role } });
  if (mode) await context.addCookies([{ name: 'mock', value: mode, url: base }]);
  const page = await context.newPage();
  const trouble = [];
  page.on('console', (m) => m.type() === 'error' && !/status of (4|5)\d\d/.test(m.text()) && trouble.push(`console: ${m.text()}`));
  page.on('pageerror', (e) => trouble.push(`page: ${e.message}`));
  page.on('request', (r) => !r.url().startsWith(base) && !r.url().startsWith('data:') && !r.url().startsWith('blob:') && trouble.push(`request: ${r.url()}`));
  await page.goto(base + path);
  await page.waitForSelector('main h1, main .empty, main .failure, main [aria-busy]', { timeout: 10_000 });
  await page.waitForTimeout(700);
  return { page, context, trouble };
}
