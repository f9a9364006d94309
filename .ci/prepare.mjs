// Makes the npm scripts work in a fresh clone: installs the packages and builds if that is not done already, and removes
// what was built of sources that are gone, so that it never runs. Plain JavaScript, since it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(project, 'dist');

if (!isInstalled()) run('npm', 'ci', '--no-audit', '--no-fund');
run(process.execPath, '.ci/native.mjs');
if (existsSync(dist)) removeStale();
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

function removeStale() {
  for (const path of readdirSync(dist, { recursive: true })) {
    const source = /^(.*)\.js(?:\.map)?$/.exec(path)?.[1];
    if (source !== undefined && !existsSync(join(project, `${source}.ts`))) rmSync(join(dist, path));
  }
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
