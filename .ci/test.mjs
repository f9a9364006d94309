// All tests, as `npm test`: those of the parts, then all others, also where some of the former fail. Arguments are mocha's.
// With TEST_ALL=true, as in CI, no test is skipped for want of a program or of root, and the former are measured as
// `npm run check` does it, so that CI need not run them once more.
import { spawnSync } from 'node:child_process';

const units = process.env['TEST_ALL'] === 'true' ? 'check:coverage' : 'test:units';

const statuses = [units, 'test:whole'].map((script) => {
  const words = ['run', '--silent', script, '--', ...process.argv.slice(2)];
  return spawnSync('npm', words, { stdio: 'inherit' }).status;
});
process.exitCode = statuses.every((status) => status === 0) ? 0 : 1;
