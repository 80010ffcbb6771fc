// A person at the page: a browser context of one role, language and screen, and all that goes wrong in it.
import { mkdir } from 'node:fs/promises';
import { chromium } from 'playwright-core';
import { ROLES, password } from './program.mjs';

export const PATIENCE = 30_000;
const pictures = new URL('../../target/e2e/', import.meta.url).pathname;

export async function withBrowser(work) {
  const browser = await chromium.launch({ executablePath: process.env.CHROME_BIN ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
  try {
    return await work(browser);
  } finally {
    await browser.close();
  }
}

/** The cookies of each role, by logging in once. */
export async function logIns(browser, base) {
  const known = { nobody: { cookies: [], origins: [] } };
  for (const role of ROLES) {
    const context = await browser.newContext();
    const answer = await context.request.post(`${base}/api/login`, { data: { username: role, password: password(role) } });
    if (!answer.ok()) throw new Error(`${role} cannot log in: ${answer.status()} ${await answer.text()}`);
    known[role] = await context.storageState();
    await context.close();
  }
  return known;
}

/** Opens a context; `trouble` gathers errors of the page and requests to anywhere else. */
export async function visit(browser, base, state, { lang = 'en', dark = false, width = 1440, height = 900 } = {}) {
  const context = await browser.newContext({
    baseURL: base,
    storageState: state,
    locale: lang,
    colorScheme: dark ? 'dark' : 'light',
    viewport: { width, height },
    timezoneId: 'Asia/Tokyo',
    reducedMotion: 'reduce',
  });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const trouble = [];
  page.on('console', (m) => m.type() === 'error' && !/status of \d{3}/.test(m.text()) && trouble.push(`console: ${m.text()}`));
  // Whoever is not logged in, or not rightly, is told so; nothing else may be refused or missing.
  page.on('response', (r) => r.status() >= 400 && r.status() !== 401 && trouble.push(`answer: ${r.status()} ${r.url()}`));
  page.on('pageerror', (e) => trouble.push(`page: ${e.message}`));
  page.on('request', (r) => !/^(data|blob):/.test(r.url()) && !r.url().startsWith(`${base}/`) && trouble.push(`request: ${r.url()}`));
  return { context, page, trouble };
}

/** Goes to a path and waits until it shows what it has. */
export async function go(page, path) {
  await page.goto(path, { waitUntil: 'domcontentloaded' });
  await page.waitForFunction(
    () => document.querySelector('main h1, main .empty, main .failure, form') && !document.querySelector('main [aria-busy="true"]'),
    null,
    { timeout: PATIENCE },
  );
}

export async function picture(page, name) {
  await mkdir(pictures, { recursive: true });
  const file = `${pictures}${name.replace(/[^\w-]+/g, '_')}.png`;
  await page.screenshot({ path: file }).catch(() => {});
  return file;
}
