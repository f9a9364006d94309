#!/usr/bin/env node
import { setMaxListeners } from 'node:events';
import { Failure } from '../wishlist/failure.ts';
import { packageVersion } from '../publisher/registry/http/user-agent.ts';
import { checkImageSyntaxCommand } from './commands/check-image-syntax.ts';
import { clientConfigCommand } from './commands/client-config.ts';
import { configCheckCommand } from './commands/config-check.ts';
import { configShowCommand } from './commands/config-show.ts';
import { convertCommand } from './commands/convert.ts';
import { daemonCommand } from './commands/daemon.ts';
import { loopCommand } from './commands/loop.ts';
import { pauseCommand } from './commands/pause.ts';
import { rebuildCommand } from './commands/rebuild.ts';
import { resumeCommand } from './commands/resume.ts';
import { retryCommand } from './commands/retry.ts';
import { statusCommand } from './commands/status.ts';
import { convertSingleImageCommand } from './commands/convert-single-image.ts';
import { downloadManifestCommand } from './commands/download-manifest.ts';
import { wishlistExpandCommand } from './commands/wishlist-expand.ts';
import { wishlistImportCommand } from './commands/wishlist-import.ts';
import { wishlistCheckCommand } from './commands/wishlist-check.ts';
import { wishlistSourcesCommand } from './commands/wishlist-sources.ts';
import { runUnpackd } from './run.ts';

const COMMANDS = [
  convertCommand,
  convertSingleImageCommand,
  daemonCommand,
  loopCommand,
  statusCommand,
  retryCommand,
  pauseCommand,
  resumeCommand,
  rebuildCommand,
  downloadManifestCommand,
  checkImageSyntaxCommand,
  wishlistExpandCommand,
  wishlistImportCommand,
  wishlistCheckCommand,
  wishlistSourcesCommand,
  clientConfigCommand,
  configCheckCommand,
  configShowCommand,
];

const { stdout, stderr, env: environment, argv } = process;
const signal = interruptible();
const status = await runUnpackd(argv.slice(2), COMMANDS, {
  version: packageVersion(),
  environment,
  stdout,
  stderr,
  signal,
});
process.exitCode = status;
// What a mistake has left open must not keep the process: whoever started it can start it again.
if (status === 70) stderr.write('', () => process.exit());

/** Aborted by the first SIGINT or SIGTERM: what runs is ended cleanly. The second one ends the process at once. */
function interruptible(): AbortSignal {
  const controller = new AbortController();
  // Whatever is under way listens to it: requests, layers, waits.
  setMaxListeners(0, controller.signal);
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130);
      controller.abort(
        new Failure('interrupted', `interrupted by ${name}`, {
          hint: 'run it again: it goes on where it stopped',
        }),
      );
    });
  }
  return controller.signal;
}
