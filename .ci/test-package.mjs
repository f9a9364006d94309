// Runs the whole-program tests against what the packages have in place of dist/: the bundle, with the Node that comes with it.
// Arguments are mocha's.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = dirname(dirname(fileURLToPath(import.meta.url)));
const home = mkdtempSync(join(tmpdir(), 'unpackd-bundle-'));
try {
  run('systemd/package/bundle.mjs', home);
  run('.ci/test.mjs', 'whole', ...process.argv.slice(2));
} finally {
  rmSync(home, { recursive: true });
}

function run(...words) {
  if (process.exitCode) return;
  const env = { ...process.env, TEST_MAIN: join(home, 'dist/unpackd.js'), TEST_NODE: join(home, 'bin/node') };
  process.exitCode = spawnSync(process.execPath, words, { cwd: project, env, stdio: 'inherit' }).status ?? 1;
}
