// Runs whole-program tests against what the packages have in place of dist/: the bundle, with the Node that comes with it.
// Arguments are mocha's.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** All commands, all sources, both kinds of repository, and a state that outlives a process that was killed. */
const SUITES = [
  'config',
  'flags',
  'forms',
  'kill',
  'mistakes',
  'multiarch',
  'recipe-v2',
  'sources',
  'wishlist-expand',
];

const project = dirname(dirname(fileURLToPath(import.meta.url)));
const home = mkdtempSync(join(tmpdir(), 'unpackd-bundle-'));
try {
  run('systemd/package/bundle.mjs', home);
  run(
    'node_modules/mocha/bin/mocha.js',
    ...process.argv.slice(2),
    ...SUITES.map((name) => `dist/test/e2e/${name}.test.js`),
  );
} finally {
  rmSync(home, { recursive: true });
}

function run(...words) {
  if (process.exitCode) return;
  const env = { ...process.env, TEST_MAIN: join(home, 'dist/unpackd.js'), TEST_NODE: join(home, 'bin/node') };
  process.exitCode = spawnSync(process.execPath, words, { cwd: project, env, stdio: 'inherit' }).status ?? 1;
}
