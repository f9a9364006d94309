// Makes the native part of sqlite3 if it is missing: its install script is the only one of all packages that runs
// (.npmrc). Plain JavaScript, since it runs before anything is built.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = dirname(dirname(fileURLToPath(import.meta.url)));
const made = join(project, 'node_modules/sqlite3/build/Release/node_sqlite3.node');

if (!existsSync(made)) {
  const folder = mkdtempSync(join(tmpdir(), 'unpackd-native-'));
  const words = ['rebuild', '--ignore-scripts=false', '--no-audit', '--no-fund', 'sqlite3'];
  const env = { ...process.env, ...linkingForOldGlibc(folder) };
  const { status } = spawnSync('npm', words, { cwd: project, stdio: 'inherit', env });
  rmSync(folder, { recursive: true });
  if (status !== 0 || !existsSync(made)) {
    process.stderr.write('unpackd: npm rebuild sqlite3 failed; README.md says what it needs\n');
    process.exit(1);
  }
}

/** Variables for a compilation whose result runs with glibc 2.28; none without a compiler, where a ready binary is fetched. */
function linkingForOldGlibc(folder) {
  const object = join(folder, 'old-glibc.o');
  const words = ['-c', '-O2', '-fPIC', '-fno-builtin', join(project, '.ci/old-glibc.c'), '-o', object];
  const { status } = spawnSync(process.env['CC'] ?? 'cc', words, { stdio: ['ignore', 'inherit', 'inherit'] });
  return status === 0 ? { LDFLAGS: `${process.env['LDFLAGS'] ?? ''} ${object}` } : {};
}
