// The real program on simulated data, with somebody of each role, in a directory of its own.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const ROLES = ['viewer', 'operator', 'admin'];
export const password = (role) => `the ${role} of a test`;

const KEY = 'the-admin-key-of-a-test';

const binary = process.env.TIDEWATCH_BIN ?? new URL('../../target/debug/tidewatch', import.meta.url).pathname;
// Clients are limited by their address, and all of this comes from one.
const CONFIG = `
auth:
  admin_key: ${KEY}
  session: {lifetime: 30d}
  users:
${ROLES.map((role) => `    - {name: ${role}, password: '${password(role)}', role: ${role}}`).join('\n')}
server: {rate_limit: {enabled: false}}
log: {level: warn}
`;

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Asks until it is so; says what was waited for when it never is. */
export async function until(what, so, seconds = 60) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const is = await so();
    if (is) return is;
    if (Date.now() > end) throw new Error(`not ${what} within ${seconds} s`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** Starts `tidewatch demo`, runs `work(base)`, and stops it whatever happens. */
export async function withProgram(work, { args = [], seconds = 240 } = {}) {
  // With DATA_DIR a long history is made once.
  const kept = process.env.DATA_DIR;
  const dir = kept ?? (await mkdtemp(join(tmpdir(), 'tidewatch-e2e-')));
  if (kept) await mkdir(kept, { recursive: true });
  const config = join(dir, 'tidewatch.yaml');
  await writeFile(config, CONFIG);
  const base = `http://127.0.0.1:${await freePort()}`;
  const given = ['demo', '--config', config, '--listen', new URL(base).host, '--data-dir', join(dir, 'data'), ...(kept ? ['--keep'] : []), ...args];
  const program = spawn(binary, given, { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  program.stderr.on('data', (text) => (said = (said + text).slice(-4000)));
  const ended = new Promise((resolve) => program.once('close', resolve));
  let failure = null;
  program.once('error', (e) => (failure = e));
  try {
    const answers = async (path) => fetch(base + path, { headers: { 'x-api-key': KEY } }).then((answer) => (answer.ok ? answer.json() : null), () => null);
    const begun = async () => {
      if (failure) throw failure;
      if (program.exitCode !== null || program.signalCode !== null) throw new Error(`the program ended: ${said}`);
      // Keys are the last thing that the demo brings.
      const board = await answers('/api/v1/leaderboard?type=hot&hours=24');
      return (board?.data?.count ?? 0) >= 10 && ((await answers('/api/v1/keys?page_size=1'))?.total ?? 0) > 0;
    };
    await until('ready with a ranking', begun, seconds);
    return await work(base, program);
  } finally {
    program.kill();
    await ended;
    if (!kept) await rm(dir, { recursive: true, force: true });
  }
}
