import { Lock } from '../../../core/system/lock.ts';

// A process of its own that takes the lock named on its command line, says so, and holds it until it is killed.
const [path = ''] = process.argv.slice(2);
await Lock.acquire({
  path,
  subject: 'the test',
  waitMs: 60_000,
  unusable: 'state-unusable',
  notice: (_, message) => process.stdout.write(`${message}\n`),
});
process.stdout.write('held\n');
setInterval(() => undefined, 2 ** 30);
