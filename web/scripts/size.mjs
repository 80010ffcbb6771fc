// The weight of the first view of each page, as the build's manifest has it; too much is an error.
import { readFile } from 'node:fs/promises';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const MOST = 150 * 1024;
const dist = new URL('../dist/', import.meta.url);
const manifest = JSON.parse(await readFile(new URL('.vite/manifest.json', dist)));
const weighed = new Map();

async function weigh(file) {
  if (!weighed.has(file)) {
    const bytes = await readFile(new URL(file, dist));
    weighed.set(file, { raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, br: brotliCompressSync(bytes).length });
  }
  return weighed.get(file);
}

/** The files that a chunk needs before it runs. */
function files(name, seen = new Set()) {
  const chunk = manifest[name];
  if (!chunk || seen.has(name)) return [];
  seen.add(name);
  return [chunk.file, ...(chunk.css ?? []), ...(chunk.imports ?? []).flatMap((other) => files(other, seen))];
}

async function sum(list) {
  const total = { raw: 0, gzip: 0, br: 0 };
  for (const file of new Set(list)) {
    const w = await weigh(file);
    for (const kind of Object.keys(total)) total[kind] += w[kind];
  }
  return total;
}

const entry = ['index.html', 'icon.svg', ...files('index.html')];
// The largest of the other languages: whoever reads it loads it beside the English words.
const words = (await Promise.all(['zh', 'ja'].map(async (lang) => ({ list: files(`src/i18n/${lang}.ts`), w: await sum(files(`src/i18n/${lang}.ts`)) })))).sort((a, b) => b.w.gzip - a.w.gzip)[0].list;
const kb = (n) => `${(n / 1024).toFixed(1)} KB`.padStart(9);
let heaviest = 0;
console.log('first view of'.padEnd(14), 'raw'.padStart(9), 'gzip'.padStart(9), 'brotli'.padStart(9));
for (const name of Object.keys(manifest).filter((n) => /^src\/pages\/\w+\.svelte$/.test(n)).sort()) {
  const total = await sum([...entry, ...words, ...files(name)]);
  heaviest = Math.max(heaviest, total.gzip);
  console.log(name.slice(10, -7).padEnd(14), kb(total.raw), kb(total.gzip), kb(total.br));
}
if (heaviest > MOST) {
  console.error(`a first view of ${kb(heaviest).trim()} (gzip) is more than ${kb(MOST).trim()}`);
  process.exitCode = 1;
}
