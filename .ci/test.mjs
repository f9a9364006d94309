// Runs tests: `node .ci/test.mjs [units | whole] [ARGUMENT OF MOCHA...]`. Without a part, as `npm test` does: the units, then
// all others, even if some of the former fail. With TEST_ALL=true, as in CI, no test is skipped for want of a program or of root.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Take longest, mostly waiting: started first, so that the last minutes are not left to one of them alone. */
const SLOWEST = [
  'e2e/daemon-faults',
  'e2e/podman',
  'e2e/failures',
  'systemd/package',
  'daemon/service/steady',
  'wishlist/sources/git',
  'publisher/repository/cvmfs/backend',
];

const UNITS = /^(?:core|wishlist|publisher|daemon)\//;

const project = dirname(dirname(fileURLToPath(import.meta.url)));
const words = process.argv.slice(2);
const isPart = words[0] === 'units' || words[0] === 'whole';
const parts = isPart ? [words.shift()] : ['units', 'whole'];

const statuses = parts.map((part) => {
  const command = ['node_modules/mocha/bin/mocha.js', ...words, ...filesOf(part)];
  return spawnSync(process.execPath, command, { cwd: project, stdio: 'inherit' }).status;
});
process.exitCode = statuses.every((status) => status === 0) ? 0 : 1;

function filesOf(part) {
  const names = readdirSync(join(project, 'dist/test'), { recursive: true })
    .filter((path) => path.endsWith('.test.js') && UNITS.test(path) === (part === 'units'))
    .map((path) => path.slice(0, -'.test.js'.length))
    .toSorted();
  const first = SLOWEST.filter((name) => names.includes(name));
  return [...first, ...names.filter((name) => !first.includes(name))].map(
    (name) => `dist/test/${name}.test.js`,
  );
}
