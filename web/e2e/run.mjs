// The page in a browser, before the real program: node e2e/run.mjs [pages | part of a flow's name…]
import assert from 'node:assert/strict';
import { FLOWS } from './flows.mjs';
import { pages } from './pages.mjs';
import { withProgram } from './program.mjs';
import { logIns, picture, visit, withBrowser } from './visitor.mjs';

const only = process.argv.slice(2);
const wanted = (name) => !only.length || only.some((word) => name.includes(word));
const seconds = (since) => ((performance.now() - since) / 1000).toFixed(1);
let failed = 0;
if (!['pages', ...Object.keys(FLOWS)].some(wanted)) {
  console.error(`nothing is called ${only.join(' ')}; there are: pages, ${Object.keys(FLOWS).join(', ')}`);
  process.exit(2);
}

async function flow(browser, base, states, name, { role, run }) {
  const { context, page, trouble } = await visit(browser, base, states[role]);
  const begun = performance.now();
  try {
    await run(page);
    assert.deepEqual(trouble, []);
    console.log(`ok    ${name} (${role}, ${seconds(begun)} s)`);
  } catch (e) {
    failed += 1;
    console.log(`FAIL  ${name}: ${String(e.message).split('\n').slice(0, 12).join('\n      ')}\n      ${await picture(page, name)}`);
  }
  await context.close();
}

const begun = performance.now();
await withProgram(async (base) => {
  console.log(`program ready after ${seconds(begun)} s: ${base}`);
  await withBrowser(async (browser) => {
    const states = await logIns(browser, base);
    if (wanted('pages')) {
      const since = performance.now();
      const { looks, axes, found } = await pages(browser, base, states);
      found.forEach((line) => console.log(`FAIL  ${line}`));
      failed += found.length;
      console.log(`${found.length ? 'FAIL' : 'ok  '}  ${looks} pages as 4 roles in 3 languages, ${axes} with axe: ${found.length} found (${seconds(since)} s)`);
    }
    for (const [name, of] of Object.entries(FLOWS)) if (wanted(name)) await flow(browser, base, states, name, of);
  });
});
console.log(failed ? `${failed} failed` : `all well (${seconds(begun)} s)`);
process.exitCode = failed ? 1 : 0;
