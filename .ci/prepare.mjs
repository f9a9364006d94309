// Makes the npm scripts work in a fresh clone: installs the packages and builds, where that is not done already.
// Plain JavaScript, since it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = dirname(dirname(fileURLToPath(import.meta.url)));

if (!isInstalled()) run('npm', 'ci', '--no-audit', '--no-fund');
run(process.execPath, '.ci/native.mjs');
run(process.execPath, 'node_modules/typescript/bin/tsc', '--build');

/** Whether all packages are there that every machine needs, in the versions of the lock. npm notes them when it is done. */
function isInstalled() {
  const note = join(project, 'node_modules/.package-lock.json');
  if (!existsSync(note)) return false;
  const installed = packagesOf(note);
  return Object.entries(packagesOf(join(project, 'package-lock.json'))).every(
    ([path, { version, optional }]) => path === '' || optional || installed[path]?.version === version,
  );
}

function packagesOf(lock) {
  return JSON.parse(readFileSync(lock, 'utf8')).packages;
}

/** Quiet unless it fails, so that the command's own output stays readable. */
function run(program, ...words) {
  const done = spawnSync(program, words, { cwd: project, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (done.status === 0) return;
  process.stderr.write(`${done.stdout ?? ''}${done.stderr ?? ''}`);
  process.stderr.write(
    `unpackd: ${[program, ...words].join(' ')} failed: ${done.error?.message ?? `exit ${done.status}`}\n`,
  );
  process.exit(1);
}
