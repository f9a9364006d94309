#!/usr/bin/env node
// oxlint-disable-next-line import/no-unassigned-import
import './v8-flags.ts';
import { setMaxListeners } from 'node:events';
import { Failure } from '../../core/failure.ts';
import { packageVersion } from '../../core/http/user-agent.ts';
import { reportBug } from '../output/problem-text.ts';
import { COMMANDS } from './commands.ts';
import { runUnpackd } from './run.ts';

const { stdout, stderr, env: environment } = process;
const argv = process.argv.slice(2);
const signal = interruptible();
// The state has what was under way: the next run finds the image to blame.
process.on('uncaughtException', (error) => {
  reportBug(error, { environment, stdout, stderr, json: false });
  process.exit(70);
});
const io = { version: packageVersion(), environment, stdout, stderr, signal };
const status = await runUnpackd(argv, COMMANDS, io);
process.exitCode = status;
// What a bug left open must not keep the process alive.
if (status === 70) stderr.write('', () => process.exit());

/** Aborted by the first SIGINT or SIGTERM for a clean end. The second one ends the process at once. */
function interruptible(): AbortSignal {
  const controller = new AbortController();
  // Requests, layers and waits all listen.
  setMaxListeners(0, controller.signal);
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130);
      const hint = 'run it again to resume';
      controller.abort(new Failure('interrupted', `interrupted by ${name}`, { hint }));
    });
  }
  return controller.signal;
}
