// Every page, as every role, in every language: it shows itself, says nothing wrong, asks nobody else, and names only
// what its reader may open. Then axe, in light and dark, wide and narrow.
import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import { go, picture, visit } from './visitor.mjs';

const LANGUAGES = { en: 'en', zh: 'zh-CN', ja: 'ja' };
const MARKET = ['/', '/ip/1'];
const PRIVATE = [
  '/accounts', '/accounts?view=table', '/accounts/1', '/keys', '/reminders', '/reminders?tab=mailboxes', '/alerts', '/channels', '/channels?tab=deliveries',
  '/system', '/system?tab=schedule', '/system?tab=workers', '/system?tab=upstreams', '/system?tab=dead', '/settings', '/api-docs',
];
const OF_ADMIN = ['/system?tab=audit'];
/** Dialogs that an administrator opens by a press, looked at as well. */
const PRESSES = {
  '/': ['Add IP', 'Import'], '/accounts': ['Add account'], '/keys': ['Import keys'], '/reminders': ['Add subscription'],
  '/reminders?tab=mailboxes': ['Add mailbox'], '/channels': ['Add channel'],
};
const LINKS = { nobody: ['/', '/settings'], other: ['/', '/accounts', '/keys', '/alerts', '/reminders', '/channels', '/system', '/settings'] };
const catalogue = await readFile(new URL('../src/i18n/en.ts', import.meta.url), 'utf8');
/** What a text is called where it is missing. */
const KEYS = new Set([...catalogue.matchAll(/^ {2}'([\w. ]+)':/gm)].map((found) => found[1]));
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

function pathsOf(role) {
  if (role === 'nobody') return [...MARKET, '/settings', '/api-docs', '/login'];
  return [...MARKET, ...PRIVATE, ...(role === 'admin' ? OF_ADMIN : [])];
}

/** What is wrong with the page that is shown. */
async function faults(page, path, lang, role) {
  const seen = await page.evaluate(() => ({
    lang: document.documentElement.lang,
    text: document.body.innerText,
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    links: [...document.querySelectorAll('aside nav a')].map((a) => a.getAttribute('href')),
  }));
  const wrong = [];
  if (seen.lang !== LANGUAGES[lang]) wrong.push(`lang is ${seen.lang}`);
  if (seen.wide > 0) wrong.push(`${seen.wide} px too wide`);
  // The names of what was done are no words of the page.
  const raw = path.includes('audit') ? [] : (seen.text.match(/\b[a-z][A-Za-z]*(?:\.[A-Za-z]\w*)+\b/g) ?? []).filter((word) => KEYS.has(word));
  if (raw.length) wrong.push(`raw text ${raw.slice(0, 3).join(', ')}`);
  if (/\bundefined\b|\bNaN\b|\[object Object\]/.test(seen.text)) wrong.push(`shows ${seen.text.match(/.{0,30}(?:undefined|NaN|\[object Object\]).{0,30}/)[0]}`);
  const due = LINKS[role] ?? LINKS.other;
  if (path !== '/login' && seen.links.join() !== due.join()) wrong.push(`navigation ${seen.links.join(' ')}`);
  return wrong;
}

/** What axe finds that is serious. */
export async function accessible(page) {
  // Injected by the debugger, which the content security policy does not bind.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return violations
    .filter((v) => ['serious', 'critical'].includes(v.impact))
    .map((v) => `axe ${v.impact} ${v.id} at ${v.nodes.slice(0, 3).map((n) => `${n.target.join(' ')} (${n.any?.[0]?.message ?? ''})`).join(' | ')}`);
}

/** The dialogs of a page: each opens, is accessible, and goes at Escape. */
async function dialogs(page, path) {
  const wrong = [];
  for (const name of PRESSES[path] ?? []) {
    await page.getByRole('button', { name, exact: true }).first().click();
    await page.getByRole('dialog').waitFor();
    wrong.push(...(await accessible(page)).map((found) => `${name}: ${found}`));
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  }
  return wrong;
}

async function walk(browser, base, state, { role, lang, look, ...screen }, found) {
  const { context, page, trouble } = await visit(browser, base, state, { lang, ...screen });
  let pages = 0;
  for (const path of pathsOf(role)) {
    const where = `${path} ${role} ${lang}${screen.dark ? ' dark' : ''}${screen.width ? ` ${screen.width}px` : ''}`;
    const before = trouble.length;
    const wrong = [];
    try {
      await go(page, path);
      wrong.push(...(await faults(page, path, lang, role)), ...(look ? await accessible(page) : []));
      if (look && role === 'admin') wrong.push(...(await dialogs(page, path)));
    } catch (e) {
      wrong.push(String(e.message).split('\n')[0]);
    }
    wrong.push(...trouble.slice(before));
    if (wrong.length) found.push(`${where}: ${wrong.join('; ')} (${await picture(page, where)})`);
    pages += 1;
  }
  await context.close();
  return pages;
}

/** Looks at all of them; answers how many, and what was found. */
export async function pages(browser, base, states) {
  const found = [];
  let looks = 0;
  for (const role of ['nobody', 'viewer', 'operator', 'admin'])
    for (const lang of Object.keys(LANGUAGES)) looks += await walk(browser, base, states[role], { role, lang }, found);
  const screens = [
    { role: 'admin', lang: 'en' }, { role: 'admin', lang: 'en', dark: true }, { role: 'operator', lang: 'zh', width: 360, height: 740 },
    { role: 'viewer', lang: 'ja', dark: true, width: 360, height: 740 }, { role: 'nobody', lang: 'en' }, { role: 'nobody', lang: 'ja', dark: true, width: 360, height: 740 },
  ];
  let axes = 0;
  for (const screen of screens) axes += await walk(browser, base, states[screen.role], { ...screen, look: true }, found);
  return { looks, axes, found };
}
