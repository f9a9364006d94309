// Makes the npm scripts work in a fresh clone: installs the packages and builds, where that is not done already.
// Plain JavaScript, since it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = dirname(dirname(fileURLToPath(import.meta.url)));

if (!isCurrent('node_modules/.package-lock.json', 'package-lock.json'))
  run('npm', 'ci', '--no-audit', '--no-fund');
run(process.execPath, 'node_modules/typescript/bin/tsc', '--build');

function isCurrent(product, source) {
  const made = join(project, product);
  return existsSync(made) && statSync(made).mtimeMs >= statSync(join(project, source)).mtimeMs;
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
