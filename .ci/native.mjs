// Makes the native part of sqlite3, where it is not there: its install script is the only one of all packages that runs
// (.npmrc). Plain JavaScript, since it runs before anything is built.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = dirname(dirname(fileURLToPath(import.meta.url)));
const made = join(project, 'node_modules/sqlite3/build/Release/node_sqlite3.node');

if (!existsSync(made)) {
  const words = ['rebuild', '--ignore-scripts=false', '--no-audit', '--no-fund', 'sqlite3'];
  const { status } = spawnSync('npm', words, { cwd: project, stdio: 'inherit' });
  if (status !== 0 || !existsSync(made)) {
    process.stderr.write('unpackd: npm rebuild sqlite3 failed; README.md says what it needs\n');
    process.exit(1);
  }
}
