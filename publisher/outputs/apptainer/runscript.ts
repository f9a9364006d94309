import { posix } from 'node:path';
import { representable, shellWord } from './shell-word.ts';
import type { StartupConfig } from './startup-entry.ts';

/**
 * What `apptainer run IMAGE [ARGUMENT…]` does: the entry point with the arguments, or with CMD where there are none, as
 * docker would. Without an entry point the arguments are the command, or CMD, or else a shell.
 *
 * The program starts in the user's own directory, since arguments are often names of files in it. Only an entry point
 * or CMD that is itself a path relative to the image's working directory is resolved against that.
 *
 * @see OCI image specification 1.1, config.md, "Entrypoint", "Cmd", "WorkingDir"
 */
export function runscript(config: StartupConfig): string {
  const entrypoint = withoutEmptyProgram(config.entrypoint);
  const cmd = withoutEmptyProgram(config.cmd, entrypoint.length > 0);
  if (![...entrypoint, ...cmd].every(representable)) return UNRUNNABLE;
  if (entrypoint.length > 0) {
    return `${HEAD}${unlessArguments(cmd)}set -- ${words(inWorkingDirectory(entrypoint, config))} "$@"\n${RUN}`;
  }
  if (cmd.length > 0) return `${HEAD}${unlessArguments(inWorkingDirectory(cmd, config))}${RUN}`;
  return `${HEAD}${SHELL_UNLESS_ARGUMENTS}${RUN}`;
}

/** What `apptainer instance start` starts: nothing. `apptainer instance run` starts the image's program. */
export const STARTSCRIPT = `#!/bin/sh
# An image's config says nothing on instances: they start empty.
`;

/** An empty program name means no program, as in docker, where it resets an inherited entry point. */
function withoutEmptyProgram(command: readonly string[] | undefined, isArguments = false): readonly string[] {
  if (command === undefined) return [];
  return !isArguments && command[0] === '' && command.length === 1 ? [] : command;
}

function inWorkingDirectory(command: readonly string[], config: StartupConfig): readonly string[] {
  const [program = '', ...rest] = command;
  if (!program.includes('/') || program.startsWith('/')) return command;
  return [posix.join('/', config.workingDirectory, program), ...rest];
}

function unlessArguments(command: readonly string[]): string {
  return command.length === 0 ? '' : `[ $# -gt 0 ] || set -- ${words(command)}\n`;
}

function words(command: readonly string[]): string {
  return command.map(shellWord).join(' ');
}

/*
 * Apptainer reads the runscript for a line of exactly this form and, where it finds one, interprets the script itself:
 * so images without a shell can be run too.
 */
const HEAD = `#!/bin/sh
if false; then
eval "set \${SINGULARITY_OCI_RUN}"
fi
`;

const RUN = `exec "$@"\n`;

const SHELL_UNLESS_ARGUMENTS = `if [ $# -eq 0 ]; then
  if [ -x /bin/bash ]; then set -- /bin/bash; else set -- /bin/sh; fi
fi
`;

const UNRUNNABLE = `#!/bin/sh
echo "The image's entry point or command holds a NUL byte and cannot be run." >&2
exit 127
`;
